// Short news leaves by itself, later while it is pointed at or focused, and at once when dismissed.
const SHOWN_SECONDS = 7;

export function mount(toast) {
  const shownMs = Number(toast.dataset.toastSeconds ?? SHOWN_SECONDS) * 1000;
  let timer = 0;
  const leave = () => {
    toast.classList.add("is-leaving");
    const { transitionDuration } = getComputedStyle(toast);
    setTimeout(() => toast.remove(), parseFloat(transitionDuration) * 1000);
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(leave, shownMs);
  };
  const close = toast.querySelector("[data-toast-close]");
  close.hidden = false;
  close.addEventListener("click", leave);
  for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, wait);
  wait();
}
