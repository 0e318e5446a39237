/* The console: asks the simulator every second what is new, while somebody looks. */
import * as feed from "./feed.js";
import * as items from "./items.js";
import * as world from "./world.js";

const EVERY_MS = 1000;
let running = null;

/* One round at a time; who asks in the middle of one gets the next. */
async function refresh() {
  await running;
  running = Promise.all([items.update(), feed.update(), world.update()]).catch(world.lost);
  await running;
}

async function loop() {
  if (!document.hidden) await refresh();
  setTimeout(loop, EVERY_MS);
}

items.mount(refresh);
feed.mount();
world.mount(refresh, feed.forget);
await world.load().catch(world.lost);
loop();
