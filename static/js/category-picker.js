// Narrows the categories to what is typed; Enter takes the first that is left.
export function mount(picker) {
  const search = picker.querySelector("input");
  const items = [...picker.querySelectorAll(".picker__item")];
  const nothing = picker.querySelector("[data-picker-none]");
  search.parentElement.hidden = false;
  search.autofocus = true; // whoever opens the dialog may type at once

  const narrow = () => {
    const words = search.value.trim().toLowerCase();
    for (const item of items) item.parentElement.hidden = !item.textContent.toLowerCase().includes(words);
    nothing.hidden = items.some((item) => !item.parentElement.hidden);
  };
  search.addEventListener("input", narrow);
  search.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    items.find((item) => !item.parentElement.hidden)?.click();
  });
  picker.closest("dialog").addEventListener("close", () => {
    search.value = "";
    narrow();
  });
}
