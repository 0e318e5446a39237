// A form is sent once: the pressed button shows that it works, a second press does nothing.
export function mount(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
  });
  // the browser may bring the page back as it was left
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) release(form);
  });
}

function release(form) {
  delete form.dataset.sent;
  form.querySelector("[aria-busy]")?.removeAttribute("aria-busy");
}
