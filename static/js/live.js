// A region that keeps itself fresh: <section id="…" data-module="live" data-live-url="…" data-live-mark="…"
// data-live-at="…">, drawn by that address too. It is drawn anew when something of the person's changed since it was
// drawn (pulse.js). With data-live-seconds="5" it also asks by itself for as long as the answer carries that. What
// somebody is at is never taken from under their hand: while something in it is open, ticked, typed into or scrolled
// past, a link says instead that there is news:
// <a data-module="news" data-news-one="1 new" data-news-many="%n new" href="…" hidden></a>.
import { fetchFragment, swap } from "./fragment.js";
import { onPulse } from "./pulse.js";

const LONGEST_WAIT_MS = 60000;
const SCROLLED_PX = 600;

export function mount(region) {
  if (region.dataset.liveSeconds) schedule(region, Number(region.dataset.liveSeconds) * 1000);
  if (region.dataset.liveUrl) onPulse(region, (pulse) => refreshOnPulse(region, pulse));
}

function schedule(region, wait) {
  setTimeout(() => refresh(region, wait), wait);
}

// One that is held is asked about again at the next beat.
async function refreshOnPulse(region, pulse) {
  if (isHeld(region)) document.dispatchEvent(new CustomEvent("live:held", { detail: pulse }));
  else await draw(region);
}

async function refresh(region, wait) {
  if (!region.isConnected) return;
  if (isHeld(region)) {
    schedule(region, wait);
    return;
  }
  if (document.hidden) {
    document.addEventListener("visibilitychange", () => refresh(region, wait), { once: true });
    return;
  }
  try {
    // a new element was mounted by the swap and goes on by itself
    if (!(await draw(region))) schedule(region, Number(region.dataset.liveSeconds) * 1000);
  } catch {
    schedule(region, Math.min(wait * 2, LONGEST_WAIT_MS));
  }
}

// Whether another element is in its place now.
async function draw(region) {
  if (!region.isConnected) return true;
  // X-Live: the page asks, not the person, whose session may go idle meanwhile
  const fresh = await fetchFragment(region.dataset.liveUrl, region.id, { "X-Live": "1" });
  if (!fresh || isHeld(region)) return !fresh;
  const { liveMark, liveAt } = fresh.dataset;
  if (liveMark) Object.assign(region.dataset, { liveMark, liveAt }); // a later mark alone is no reason to replace it
  const changed = (await swap(region, fresh)) !== region;
  document.dispatchEvent(new CustomEvent("live:fresh"));
  return changed;
}

function isHeld(region) {
  const typing = region.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox], [type=radio]), select, textarea");
  const busy = region.querySelector("details[open], dialog[open], input:checked") !== null;
  return typing || busy || region.getBoundingClientRect().top < -SCROLLED_PX;
}
