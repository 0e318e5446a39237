// A region that keeps itself fresh: <section id="…" data-module="live" data-live-url="…" data-live-seconds="5">.
// It asks again as long as the answer carries data-live-seconds, waits longer after failures, rests while hidden.
import { fetchFragment, swap } from "./fragment.js";

const LONGEST_WAIT_MS = 60000;

export function mount(region) {
  if (region.dataset.liveSeconds) schedule(region, Number(region.dataset.liveSeconds) * 1000);
}

function schedule(region, wait) {
  setTimeout(() => refresh(region, wait), wait);
}

async function refresh(region, wait) {
  if (!region.isConnected) return;
  // what somebody has opened is not taken from under their hand
  if (region.querySelector("details[open]")) {
    schedule(region, wait);
    return;
  }
  if (document.hidden) {
    document.addEventListener("visibilitychange", () => refresh(region, wait), { once: true });
    return;
  }
  try {
    const fresh = await fetchFragment(region.dataset.liveUrl, region.id);
    if (!fresh) return;
    const changed = (await swap(region, fresh)) !== region;
    // a new element was mounted by the swap and goes on by itself
    if (!changed) schedule(region, Number(region.dataset.liveSeconds) * 1000);
  } catch {
    schedule(region, Math.min(wait * 2, LONGEST_WAIT_MS));
  }
}
