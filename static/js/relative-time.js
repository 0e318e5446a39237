// Keeps "5 minutes ago" true while the page stands open. The server wrote it first.
const REFRESH_MS = 30000;
const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

export function mount(time) {
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang || "en");
  const timer = setInterval(() => {
    if (!time.isConnected) clearInterval(timer);
    else time.textContent = ago(words, Date.parse(time.dateTime));
  }, REFRESH_MS);
}

function ago(words, instant) {
  const seconds = Math.round((instant - Date.now()) / 1000);
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return words.format(Math.trunc(seconds / length), unit);
  }
  return words.format(seconds, "second");
}
