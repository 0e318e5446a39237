// A button that copies a text and says so. Needs a secure context; without one it stays hidden.
const SHOWN_MS = 2000;

export function mount(button) {
  if (!navigator.clipboard) return;
  const label = button.querySelector("[data-copy-label]");
  const resting = label.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    label.textContent = button.dataset.done;
    button.classList.add("is-done");
    setTimeout(() => {
      label.textContent = resting;
      button.classList.remove("is-done");
    }, SHOWN_MS);
  });
}
