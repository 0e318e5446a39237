// Continues a list of days while one reads: the link to older ones is followed before it is reached.
import { fetchFragment } from "./fragment.js";
import { mountAll } from "./modules.js";

const AHEAD = "900px";

export function mount(list) {
  const observer = new IntersectionObserver(
    async ([entry]) => {
      if (!list.isConnected) observer.disconnect();
      else if (entry.isIntersecting) await follow(list, observer);
    },
    { rootMargin: AHEAD },
  );
  watch(observer);
}

function watch(observer) {
  const link = document.querySelector("#tx-pages a[rel=next]");
  if (link) observer.observe(link);
}

async function follow(list, observer) {
  const link = document.querySelector("#tx-pages a[rel=next]");
  observer.disconnect();
  link.setAttribute("aria-busy", "true");
  try {
    const fresh = await fetchFragment(link.href, "more");
    if (!fresh || !list.isConnected) return;
    for (const day of fresh.querySelectorAll(".tx-day")) append(list, document.importNode(day, true));
    const next = fresh.querySelector("a[rel=next]");
    if (next) link.replaceWith(document.importNode(next, true));
    else link.remove();
    await mountAll(list);
    watch(observer);
  } catch {
    // the link stays: pressed, it leads on as any link does
    link.removeAttribute("aria-busy");
  }
}

// A day that goes on is continued, another one is added.
function append(list, day) {
  const last = list.lastElementChild;
  if (last && last.dataset.day === day.dataset.day) last.querySelector("ul").append(...day.querySelectorAll("li"));
  else list.append(day);
}
