// A <dialog> that closes by its cross, by a press outside and by Escape; an address with its #id opens it.
export function mount(dialog) {
  dialog.addEventListener("click", (event) => {
    const cross = event.target.closest("[data-close]");
    if (cross) event.preventDefault();
    if (cross || event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (location.hash === `#${dialog.id}`) history.replaceState(null, "", location.pathname + location.search);
  });
  if (location.hash === `#${dialog.id}`) dialog.showModal();
}
