// A link to #id opens that dialog as a modal.
export function mount(link) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById(link.hash.slice(1)).showModal();
  });
}
