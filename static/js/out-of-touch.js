// Says when the page has lost touch with what it shows (pulse.js), so that nobody takes it for fresh. "%t" in its words
// becomes when it was last as things are.
export function mount(box) {
  const texts = [...box.querySelectorAll("p")].map((line) => [line, line.textContent]);
  const show = ({ detail }) => {
    const time = detail.since.toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
    for (const [line, words] of texts) line.textContent = words.replace("%t", time);
    box.hidden = false;
  };
  document.addEventListener("pulse:lost", show);
  document.addEventListener("pulse:back", () => {
    box.hidden = true;
  });
}
