// Shows a password while its button is pressed in.
export function mount(box) {
  const input = box.querySelector("input");
  const button = box.querySelector("button");
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
  });
  // browsers offer to save what they know to be a password
  input.form?.addEventListener("submit", () => {
    input.type = "password";
  });
}
