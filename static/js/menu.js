// A <details> that behaves as a menu: Escape and a press elsewhere close it, arrows walk through it.
export function mount(menu) {
  const opener = menu.querySelector("summary");
  const items = () => [...menu.querySelectorAll("a, button")];

  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      opener.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      menu.open = true;
      step(items(), event.key === "ArrowDown" ? 1 : -1);
    }
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
}

function step(items, direction) {
  const at = items.indexOf(document.activeElement);
  const next = at < 0 && direction < 0 ? items.length - 1 : (at + direction + items.length) % items.length;
  items[next]?.focus();
}
