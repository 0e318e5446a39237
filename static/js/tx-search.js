// Search as you type: the list follows the box, the address follows the list; old answers never overtake newer ones.
import { fetchFragment, swap } from "./fragment.js";

const PAUSE_MS = 220;

export function mount(form) {
  const box = form.querySelector("input[type=search]");
  const failed = document.getElementById("tx-search-failed");
  let timer = 0;
  let asked = 0;

  const ask = async () => {
    const url = addressOf(form);
    asked += 1;
    const mine = asked;
    const old = document.getElementById("results");
    old.setAttribute("aria-busy", "true");
    try {
      const fresh = await fetchFragment(url, "results");
      if (!fresh || mine !== asked) return;
      failed.hidden = true;
      history.replaceState(history.state, "", url);
      await swap(document.getElementById("results"), fresh);
    } catch {
      old.removeAttribute("aria-busy");
      failed.hidden = mine !== asked;
    }
  };

  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE_MS);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    if (document.activeElement === box) ask();
    else location.assign(addressOf(form));
  });
}

// The form's address without what is empty.
function addressOf(form) {
  const url = new URL(form.action);
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string" && value.trim()) url.searchParams.append(name, value.trim());
  }
  return url.href;
}
