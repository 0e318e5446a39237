/* Building and replacing parts of the page, without ever parsing text as HTML. */

/* h("li", { class: "items__one", onclick }, "text", child): attributes that are false or null are left out. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const shown = new WeakMap();

/* Replace the children of `parent` when `data` has changed; who had the focus (by data-key) keeps it. */
export function show(parent, data, build) {
  const fingerprint = JSON.stringify(data);
  if (shown.get(parent) === fingerprint) return;
  shown.set(parent, fingerprint);
  const active = document.activeElement;
  const key = parent.contains(active) ? active.dataset.key : undefined;
  parent.replaceChildren(...build());
  if (key) parent.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

export const find = (selector) => document.querySelector(`[data-${selector}]`);
