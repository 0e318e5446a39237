/* The sheet: shows panes, keeps the focus inside, reads forms, and says aloud what changed. */

const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]), select, summary, [tabindex='0']";
const TYPING_PAUSE_MS = 120;

export class Stage {
  name = "";
  asksBeforeLeaving = false;
  #typing = 0;

  constructor(root) {
    this.sheet = root.querySelector("[data-sheet]");
    this.pane = root.querySelector("[data-pane]");
    this.live = root.querySelector("[data-live]");
    this.back = root.querySelector("[data-back]");
    this.leave = root.querySelector("[data-leave]");
    this.pane.addEventListener("submit", (event) => this.#submit(event));
    this.pane.addEventListener("click", (event) => this.#click(event));
    this.pane.addEventListener("input", (event) => this.#input(event));
    this.pane.addEventListener("change", (event) => this.#change(event));
    this.back.addEventListener("click", () => this.onAct("back"));
    root.querySelector("[data-close]").addEventListener("click", () => this.onClose());
    root.querySelector("[data-leave-now]").addEventListener("click", () => {
      this.leave.close();
      this.onLeave();
    });
    root.querySelector("[data-stay]").addEventListener("click", () => this.leave.close());
    root.addEventListener("keydown", (event) => this.#key(event));
  }

  show({ name, html, back, confirm }) {
    this.name = name;
    this.asksBeforeLeaving = confirm;
    this.leave.close();
    this.back.hidden = !back;
    this.sheet.hidden = false;
    this.pane.replaceChildren(...parse(html));
    this.pane.scrollTop = 0;
    this.#focus();
    this.live.textContent = this.pane.querySelector("[data-say]")?.textContent ?? "";
  }

  /* Replace one part of the pane, so that the field being typed in keeps its cursor. */
  refresh({ name, html, say }) {
    this.pane.querySelector(`[data-region="${name}"]`)?.replaceChildren(...parse(html));
    this.live.textContent = say;
  }

  busy(isBusy) {
    this.sheet.classList.toggle("is-busy", isBusy);
    this.pane.setAttribute("aria-busy", String(isBusy));
  }

  trouble(text) {
    this.sheet.hidden = false;
    this.live.textContent = text;
    this.pane.querySelector("[data-trouble]")?.remove();
    const note = document.createElement("p");
    note.className = "note note--danger";
    note.dataset.trouble = "";
    note.textContent = text;
    (this.pane.querySelector(".pane__body") ?? this.pane).prepend(note);
  }

  askToLeave() {
    if (!this.leave.open) this.leave.showModal();
  }

  /* The first field that is wrong, else the one the pane names, else its title. */
  #focus() {
    const wanted = this.pane.querySelector("[aria-invalid='true'], [data-focus]") ?? this.pane.querySelector("h1");
    wanted?.focus({ preventScroll: wanted.matches("h1") });
  }

  #submit(event) {
    event.preventDefault();
    clearTimeout(this.#typing);
    this.onAct(event.target.dataset.action, valuesOf(event.target, event.submitter));
  }

  #click({ target }) {
    const button = target.closest("button[data-action], button[data-bank]");
    if (button === null) return;
    if (button.dataset.bank) this.onBank(button.dataset.bank);
    else this.onAct(button.dataset.action, button.name ? { [button.name]: [button.value] } : {});
  }

  #input({ target }) {
    if (!target.dataset.search) return;
    clearTimeout(this.#typing);
    const ask = () => this.onSearch(target.dataset.search, { [target.name]: [target.value] });
    this.#typing = setTimeout(ask, TYPING_PAUSE_MS);
  }

  #change({ target }) {
    const all = this.pane.querySelector("[data-all]");
    if (all === null || target.type !== "checkbox") return;
    const boxes = [...this.pane.querySelectorAll("input[type='checkbox']:not([data-all])")];
    if (target === all) for (const box of boxes) box.checked = all.checked;
    all.checked = boxes.every((box) => box.checked);
  }

  #key(event) {
    if (event.key === "Escape" && !this.leave.open) {
      event.preventDefault();
      this.onClose();
    }
    if (event.key === "Tab" && !this.leave.open) this.#wrap(event);
  }

  /* Without this, Tab would leave the frame for the page behind it, or for the browser's own bar. */
  #wrap(event) {
    const stops = [...this.sheet.querySelectorAll(FOCUSABLE)].filter((stop) => stop.checkVisibility());
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    const outside = !this.sheet.contains(document.activeElement) || document.activeElement.matches("h1");
    if (document.activeElement !== edge && !(outside && event.shiftKey)) return;
    event.preventDefault();
    (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
  }
}

function parse(html) {
  const nodes = [...new DOMParser().parseFromString(html, "text/html").body.childNodes];
  for (const node of nodes) if (node instanceof Element) paint(node);
  return nodes;
}

/* Colours of banks are data, so they come as attributes: the policy of this page allows no style attribute. */
export function paint(root) {
  for (const element of [root, ...root.querySelectorAll("[data-brand]")]) {
    if (!element.dataset.brand) continue;
    element.style.setProperty("--brand", element.dataset.brand);
    element.style.setProperty("--on-brand", element.dataset.onBrand);
  }
}

/* Every value is a list: the server knows which fields may come more than once. */
function valuesOf(form, submitter) {
  const values = {};
  for (const [name, value] of new FormData(form, submitter)) (values[name] ??= []).push(value);
  return values;
}
