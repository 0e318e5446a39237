// "3 new": appears while a live region is held by the person's hand, and goes when the region is fresh (live.js).
export function mount(link) {
  const listen = (name, react) => {
    const handler = (event) => {
      if (link.isConnected) react(event);
      else document.removeEventListener(name, handler);
    };
    document.addEventListener(name, handler);
  };
  listen("live:held", ({ detail }) => {
    if (!detail.added) return;
    const words = detail.added === 1 ? link.dataset.newsOne : link.dataset.newsMany;
    link.textContent = words.replace("%n", detail.added.toLocaleString(document.documentElement.lang));
    link.hidden = false;
  });
  listen("live:fresh", () => {
    link.hidden = true;
  });
}
