// One cheap question for the whole page: does it still tell what is so? Regions that live ask through here, and each
// says how things stood when it was drawn: data-live-mark, and data-live-at for when a bank was last read until then.
// GET /api/plaid/pulse answers 304 when nothing changed since the last answer. It is asked more often while banks are
// read, less after failures, and not at all while the page is hidden. `added` counts the transactions that came since
// the oldest of these regions was drawn. Where the server doesn't answer twice in turn, out-of-touch.js says so; where
// the session has ended, the page goes to sign in as it would when it is loaded.
const BUSY_MS = 2000;
const CALM_MS = 5000;
const LONGEST_MS = 60000;
const TRIES = 2;

const listeners = new Map();
let running = false;
let etag = null;
let latest = null;
let wait = CALM_MS;
let failed = 0;
let since = new Date();

// Calls listener with {mark, syncing, added, at} whenever element shows less than that, as long as it is in the page.
export function onPulse(element, listener) {
  listeners.set(element, listener);
  if (!running) beat();
}

async function beat() {
  running = true;
  for (const element of listeners.keys()) if (!element.isConnected) listeners.delete(element);
  if (!listeners.size) {
    running = false;
    return;
  }
  if (document.hidden) {
    document.addEventListener("visibilitychange", beat, { once: true });
    return;
  }
  try {
    latest = (await ask()) ?? latest;
    await Promise.all([...listeners].map(([element, listener]) => element.dataset.liveMark !== latest.mark && listener(latest)));
    wait = latest.syncing ? BUSY_MS : CALM_MS;
    if (failed >= TRIES) document.dispatchEvent(new CustomEvent("pulse:back"));
    failed = 0;
    since = new Date();
  } catch {
    wait = Math.min(wait * 2, LONGEST_MS);
    failed += 1;
    if (failed >= TRIES) document.dispatchEvent(new CustomEvent("pulse:lost", { detail: { since } }));
  }
  setTimeout(beat, wait);
}

// The answer, or null when it is the one we have.
async function ask() {
  const headers = { Accept: "application/json" };
  if (etag) headers["If-None-Match"] = etag;
  const drawn = [...listeners.keys()].map((element) => element.dataset.liveAt).sort()[0];
  const response = await fetch(`/api/plaid/pulse?since=${encodeURIComponent(drawn)}`, { headers });
  if (response.status === 304) return null;
  if (response.status === 401) location.reload();
  if (!response.ok) throw new Error(`pulse answered ${response.status}`);
  etag = response.headers.get("ETag");
  return response.json();
}
