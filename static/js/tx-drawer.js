// A transaction opens beside the list, with an address of its own; back, Escape and the cross lead to the list again.
import { fetchFragment, swap } from "./fragment.js";

export function mount(place) {
  const drawer = document.getElementById("tx-drawer");
  const list = { url: location.href, title: document.title };

  place.addEventListener("click", (event) => {
    const link = event.target.closest(".tx-row__name");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
    event.preventDefault();
    list.url = location.href;
    history.pushState({ drawer: true }, "", link.href);
    open(drawer, link.href);
  });
  drawer.addEventListener("close", () => {
    document.title = list.title;
    if (history.state?.drawer) history.back();
  });
  window.addEventListener("popstate", () => {
    if (history.state?.drawer) open(drawer, location.href);
    else if (drawer.open) drawer.close();
  });
}

async function open(drawer, url) {
  const wait = drawer.querySelector("#tx-drawer-wait");
  const old = drawer.querySelector("#transaction");
  old.hidden = true;
  wait.hidden = false;
  if (!drawer.open) drawer.showModal();
  try {
    const fresh = await fetchFragment(url, "transaction");
    if (!fresh) return;
    old.hidden = false;
    const shown = await swap(old, fresh);
    drawer.querySelector(".dialog__title").textContent = shown.dataset.title;
    document.title = shown.dataset.title;
    drawer.scrollTop = 0;
    wait.hidden = true;
  } catch {
    location.assign(url);
  }
}
