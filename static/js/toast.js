// Short news leaves by itself, later while it is pointed at or focused, and at once when dismissed.
const SHOWN_MS = 7000;

export function mount(toast) {
  let timer = 0;
  const leave = () => {
    toast.classList.add("is-leaving");
    const { transitionDuration } = getComputedStyle(toast);
    setTimeout(() => toast.remove(), parseFloat(transitionDuration) * 1000);
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(leave, SHOWN_MS);
  };
  const close = toast.querySelector("button");
  close.hidden = false;
  close.addEventListener("click", leave);
  for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, wait);
  wait();
}
