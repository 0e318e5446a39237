// Fetches server-rendered HTML and puts a part of it in place. The only code that turns text into elements.
import { mountAll } from "./modules.js";

// where Trusted Types are enforced, the server's own pages are what may become elements
const policy = window.trustedTypes?.createPolicy("mingus", { createHTML: (html) => html });

// The element with this id as the server draws it at url. Signed out meanwhile: the page goes to sign in.
export async function fetchFragment(url, id, more = {}) {
  const response = await fetch(url, { headers: { Accept: "text/html", "X-Fragment": id, ...more } });
  if (response.redirected && new URL(response.url).pathname !== new URL(url, location.href).pathname) {
    location.assign(response.url);
    return null;
  }
  if (!response.ok) throw new Error(`fragment answered ${response.status}`);
  return (await parsed(response)).getElementById(id);
}

// Sends a form as its button would, and gives the page that the server shows then, a refused form's too.
export async function postForm(form, submitter) {
  const body = new URLSearchParams(new FormData(form, submitter));
  const response = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
  if (new URL(response.url).pathname === "/login") {
    location.assign(response.url);
    return null;
  }
  if (!response.ok && response.status !== 422) throw new Error(`form answered ${response.status}`);
  return parsed(response);
}

const parsed = async (response) => toPage(await response.text());

// The server's own words as a page of their own.
export function toPage(html) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(html) : html, "text/html");
}

// Puts fresh in place of old unless nothing changed; what had the focus by its id keeps it.
export async function swap(old, fresh) {
  if (old.isEqualNode(fresh)) return old;
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const element = document.importNode(fresh, true);
  old.replaceWith(element);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  await mountAll(element.parentElement);
  return element;
}
