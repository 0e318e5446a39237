/* Clock, story, faults, webhook manners, banks and Link's switches. */
import { get, post, remove } from "./api.js";
import { find, h, show } from "./dom.js";
import { attempt, say } from "./said.js";

const STATUSES = ["HEALTHY", "DEGRADED", "DOWN", "UNSUPPORTED"];
let shownClock = null; // what the simulator said, and when it said so
let stories = [];
let refresh = () => {};

export function mount(refreshNow, forget) {
  refresh = refreshNow;
  for (const button of document.querySelectorAll("[data-advance]")) {
    button.addEventListener("click", () => move({ advance_seconds: Number(button.dataset.advance) }, `The clock moved: ${button.textContent.trim()}.`));
  }
  find("pace").addEventListener("click", () => move({ rate: shownClock.rate === 0 ? 1 : 0 }, shownClock.rate === 0 ? "The clock runs." : "The clock stands."));
  on("story", (values) => post(`scenarios/${values.story}`), "The story begins with the next item.");
  click("story-end", () => remove("scenarios"), "No story any more.");
  find("story").elements.story.addEventListener("change", aboutStory);
  on("fault", fault, "Answers will be spoilt.");
  on("manners", ({ signature, copies }) => post("webhooks", { signature, copies: Number(copies) }), "Webhooks go out like that now.");
  click("rotate", () => post("keys/rotate"), "A new key signs from now on.");
  find("bank-search").addEventListener("submit", (event) => event.preventDefault());
  find("bank-search").addEventListener("input", banks);
  for (const box of document.querySelectorAll("[data-link-switch]")) {
    box.addEventListener("change", () => change("link/settings", { [box.dataset.linkSwitch]: box.checked }));
  }
  find("link-oauth").addEventListener("change", ({ target }) => change("link/settings", { oauth: target.checked ? "redirect" : "popup" }));
  find("limits").addEventListener("change", ({ target }) => change("limits", { enabled: target.checked ? "on" : "off" }));
  find("reset").addEventListener("click", () => find("ask").showModal());
  find("ask").addEventListener("close", ({ target }) => target.returnValue === "reset" && attempt(async () => {
    await post("reset");
    forget();
    await refresh();
  }, "All is new."));
  setInterval(tick, 250);
}

/* What changes only by hand is read once. */
export async function load() {
  const [{ current, scenarios }, settings] = await Promise.all([get("scenarios"), get("link/settings")]);
  stories = scenarios;
  const select = find("story").elements.story;
  select.replaceChildren(...scenarios.map(({ name, title }) => h("option", { value: name, selected: name === current ? "" : null }, title)));
  aboutStory();
  for (const box of document.querySelectorAll("[data-link-switch]")) box.checked = settings[box.dataset.linkSwitch];
  find("link-oauth").checked = settings.oauth === "redirect";
}

export async function update() {
  const [{ clock, config }, { faults }] = await Promise.all([get("state"), get("faults")]);
  shownClock = { ...clock, heard: Date.now() };
  tick();
  find("pace").textContent = clock.rate === 0 ? "Run" : "Pause";
  if (document.activeElement !== find("limits")) find("limits").checked = config.rate_limits;
  show(find("faults"), faults, () => faults.map(chip));
}

function tick() {
  if (shownClock === null) return;
  const now = new Date(new Date(shownClock.now).getTime() + (Date.now() - shownClock.heard) * shownClock.rate);
  find("clock-time").textContent = now.toISOString().slice(11, 19);
  find("clock-day").textContent = now.toLocaleDateString("en", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
}

function move(change, done) {
  return attempt(async () => {
    await post("clock", change);
    await refresh();
  }, done);
}

function on(name, work, done) {
  find(name).addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      await work(Object.fromEntries(new FormData(event.target)));
      await refresh();
    }, done);
  });
}

function click(name, work, done) {
  find(name).addEventListener("click", () => attempt(async () => {
    await work();
    await refresh();
  }, done));
}

function change(path, values) {
  return attempt(() => post(path, values).then(() => "Switched."));
}

function fault({ kind, endpoint, count }) {
  const wanted = { kind };
  if (endpoint.trim()) wanted.endpoint = endpoint.trim();
  if (count) wanted.count = Number(count);
  return post("faults", wanted);
}

function chip({ number, kind, endpoint, count }) {
  const text = `${kind} · ${endpoint === "*" ? "every endpoint" : endpoint}${count === null ? "" : ` · ${count} left`} ×`;
  const stop = () => attempt(async () => {
    await remove(`faults/${number}`);
    await refresh();
  }, "That fault is over.");
  return h("li", {}, h("button", { class: "chip", type: "button", "aria-label": `End ${text.slice(0, -2)}`, "data-key": `fault ${number}`, onclick: stop }, text));
}

function aboutStory() {
  const story = stories.find(({ name }) => name === find("story").elements.story.value);
  find("story-about").textContent = story ? `${story.about} Link ${story.username} / ${story.password}.` : "";
}

async function banks() {
  const query = find("bank-search").elements.query.value.trim();
  const { institutions } = query ? await get(`institutions?query=${encodeURIComponent(query)}`) : { institutions: [] };
  show(find("banks"), institutions, () => institutions.slice(0, 8).map(bank));
}

function bank({ institution_id: id, name, status }) {
  const options = STATUSES.map((text) => h("option", { selected: text === status ? "" : null }, text));
  const set = ({ target }) => attempt(async () => {
    await post(`institutions/${id}`, { status: target.value });
    await refresh();
  }, `${name} is ${status === "HEALTHY" ? "not well any more" : "changed"}.`);
  return h("li", { class: "banks__one" }, h("span", {}, name), h("select", { class: "input", "aria-label": `Health of ${name}`, "data-key": id, onchange: set }, ...options));
}

export const lost = (error) => say(error.message, { bad: true });
