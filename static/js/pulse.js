// One cheap question for the whole page: has anything of the person's changed? Regions that live ask through here.
// GET /api/plaid/pulse answers 304 when nothing did. It is asked more often while banks are read, less after failures,
// and not at all while the page is hidden. `added` counts the transactions since the page last showed fresh rows.
const BUSY_MS = 2000;
const CALM_MS = 5000;
const LONGEST_MS = 60000;

const listeners = new Map();
let running = false;
let etag = null;
let since = "";
let latest = null;
let wait = CALM_MS;

// Calls listener with {mark, syncing, added, at} after each change, as long as element is in the page.
export function onPulse(element, listener) {
  listeners.set(element, listener);
  if (!running) beat();
}

// What the last answer told of is on the page now: counting begins anew.
export function shown() {
  if (latest) since = latest.at;
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
    const fresh = await ask();
    if (fresh) tell(fresh);
    wait = latest.syncing ? BUSY_MS : CALM_MS;
  } catch {
    wait = Math.min(wait * 2, LONGEST_MS);
  }
  setTimeout(beat, wait);
}

// The answer, or null when it is the one we have.
async function ask() {
  const headers = { Accept: "application/json" };
  if (etag) headers["If-None-Match"] = etag;
  const response = await fetch(`/api/plaid/pulse?since=${encodeURIComponent(since)}`, { headers });
  if (response.status === 304) return null;
  if (!response.ok) throw new Error(`pulse answered ${response.status}`);
  etag = response.headers.get("ETag");
  return response.json();
}

function tell(fresh) {
  const first = latest === null;
  const changed = !first && fresh.mark !== latest.mark;
  latest = fresh;
  if (first) since = fresh.at;
  if (changed) for (const listener of [...listeners.values()]) listener(fresh);
}
