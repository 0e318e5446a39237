// A form whose answer is worked into the page that is open: its news, the list and the drawer; the place is kept.
import { fetchFragment, postForm, swap } from "./fragment.js";
import { mountAll } from "./modules.js";

export function mount(form) {
  form.addEventListener("submit", async (event) => {
    if (form.dataset.plain) return;
    event.preventDefault();
    const button = event.submitter;
    button?.setAttribute("aria-busy", "true");
    try {
      const page = await postForm(form, button);
      if (page) await workIn(page, form);
    } catch {
      // sent as any form is: the server shows what it has to say
      form.dataset.plain = "yes";
      form.requestSubmit(button);
    } finally {
      button?.removeAttribute("aria-busy");
    }
  });
}

async function workIn(page, form) {
  document.querySelector("#category-picker[open]")?.close();
  const refused = page.querySelector("#transaction [aria-invalid]");
  const news = [...page.querySelectorAll(".toasts > .toast, .flash")];
  form.closest(".toast")?.remove();
  await show(news);
  const detail = document.querySelector("#transaction");
  const fresh = page.getElementById("transaction");
  if (detail?.childElementCount && fresh?.childElementCount) {
    await swap(detail, fresh);
    const title = document.querySelector("#tx-drawer[open] .dialog__title");
    if (title) title.textContent = fresh.dataset.title;
  }
  if (!refused) await refreshList();
  if (detail?.childElementCount && !fresh?.childElementCount) await refreshDetail();
}

async function show(news) {
  // what a dialog covers nobody sees
  const place = document.querySelector("dialog[open] .toasts") ?? document.querySelector(".toasts");
  place.append(...news.map((one) => document.importNode(one, true)));
  await mountAll(place);
}

// The list anew, as long as it is by now.
async function refreshList() {
  const list = document.getElementById("results");
  if (!list) return;
  const url = new URL(list.dataset.url, location.href);
  const shown = list.querySelectorAll(".tx-row").length;
  if (shown) url.searchParams.set("rows", shown);
  const fresh = await fetchFragment(url.href, "results");
  if (fresh) await swap(list, fresh);
}

async function refreshDetail() {
  const detail = document.querySelector("#transaction[data-url]");
  if (!detail) return;
  const fresh = await fetchFragment(detail.dataset.url, "transaction");
  if (fresh) await swap(detail, fresh);
}
