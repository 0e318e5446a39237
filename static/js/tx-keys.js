// The list by keyboard: / j k x c ? and Escape; never while somebody types or a dialog is open.
const TYPING = "input:not([type=checkbox]), textarea, select, [contenteditable]";

export function mount(place) {
  const actions = {
    "/": () => document.querySelector("#tx-filters input[type=search]")?.focus(),
    j: () => step(place, 1),
    k: () => step(place, -1),
    x: () => current(place)?.querySelector(".tx-row__pick")?.click(),
    c: () => categorise(place),
    "?": () => document.getElementById("tx-help").showModal(),
    Escape: () => untick(place),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.target.matches(TYPING)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function current(place) {
  return place.contains(document.activeElement) ? document.activeElement.closest(".tx-row") : null;
}

function step(place, direction) {
  const rows = [...place.querySelectorAll(".tx-row")];
  const at = rows.indexOf(current(place));
  const next = rows[at < 0 ? 0 : at + direction];
  next?.querySelector(".tx-row__name").focus();
  next?.scrollIntoView({ block: "nearest" });
}

function categorise(place) {
  const picked = place.querySelector(".tx-row__pick:checked");
  const box = picked ?? current(place)?.querySelector(".tx-row__pick");
  if (!box) return;
  if (!box.checked) box.click();
  document.getElementById("category-picker").showModal();
}

function untick(place) {
  for (const box of place.querySelectorAll(".tx-row__pick:checked")) box.click();
}
