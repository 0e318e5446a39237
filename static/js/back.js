// A link that goes back where there is a way back, and to its address where there is none.
export function mount(link) {
  link.addEventListener("click", (event) => {
    if (history.length < 2) return;
    event.preventDefault();
    history.back();
  });
}
