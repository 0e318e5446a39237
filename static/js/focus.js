// What went wrong is read first: the summary of errors, or else the first wrong field, takes the focus.
export function mount(element) {
  if (document.querySelector('[data-module="focus"]') === element) element.focus();
}
