/* One line at the foot of the page that says what came of the last thing done. */
import { find } from "./dom.js";

const SHOWN_MS = 4000;
let timer = 0;

export function say(text, { bad = false } = {}) {
  const line = find("said");
  line.textContent = text;
  line.classList.toggle("said--bad", bad);
  clearTimeout(timer);
  timer = setTimeout(() => {
    line.textContent = "";
  }, SHOWN_MS);
}

/* Run what a button does; say `done` or why not. */
export async function attempt(work, done) {
  try {
    const text = await work();
    say(text ?? done);
  } catch (error) {
    say(error.message, { bad: true });
  }
}
