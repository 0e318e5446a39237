// Narrows the categories to what is typed; Enter takes the first that is left.
import { unpack } from "./unpack.js";

export function mount(picker) {
  const search = picker.querySelector("input");
  const nothing = picker.querySelector("[data-picker-none]");
  const dialog = picker.closest("dialog");
  const items = () => [...picker.querySelectorAll(".picker__item")];
  search.parentElement.hidden = false;
  search.autofocus = true; // whoever opens the dialog may type at once
  if (dialog.open) unpack(picker);
  dialog.addEventListener("focusin", () => unpack(picker));

  const narrow = () => {
    const words = search.value.trim().toLowerCase();
    for (const item of items()) item.parentElement.hidden = !item.textContent.toLowerCase().includes(words);
    nothing.hidden = items().some((item) => !item.parentElement.hidden);
  };
  search.addEventListener("input", narrow);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    items().find((item) => !item.parentElement.hidden)?.click();
  });
  dialog.addEventListener("close", () => {
    search.value = "";
    narrow();
  });
}
