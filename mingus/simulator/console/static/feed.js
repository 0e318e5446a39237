/* Calls, webhooks and Link sessions in one list, newest first. */
import { get, post } from "./api.js";
import { find, h } from "./dom.js";
import { attempt } from "./said.js";

const KEPT = 200;
const rows = new Map(); // by kind and number
const seen = { call: 0, webhook: 0 };
let drawn = "";

export function mount() {
  for (const box of document.querySelectorAll("[data-filter]")) box.addEventListener("change", draw);
}

export function forget() {
  rows.clear();
  seen.call = seen.webhook = 0;
}

export async function update() {
  const [{ calls }, { deliveries }, { sessions }] = await Promise.all([
    get(`calls?after=${seen.call}`),
    get("deliveries"), // all of them: a delivery changes after it was made
    get("link/sessions"),
  ]);
  for (const call of calls) keep("call", call.number, call.at, callRow(call));
  for (const hook of deliveries) keep("webhook", hook.number, hook.created_at, webhookRow(hook));
  for (const session of sessions) keep("link", session.link_session_id, session.started_at, sessionRow(session));
  seen.call = Math.max(seen.call, ...calls.map((call) => call.number));
  draw();
}

function keep(kind, number, at, row) {
  rows.set(`${kind} ${number}`, { kind, key: `${kind} ${number}`, at: new Date(at).getTime(), ...row });
}

function draw() {
  const wanted = new Set([...document.querySelectorAll("[data-filter]:checked")].map((box) => box.dataset.filter));
  const newest = [...rows.values()].sort((one, other) => other.at - one.at || (other.key > one.key ? 1 : -1)).slice(0, KEPT);
  const visible = newest.filter((row) => wanted.has(row.kind));
  const fingerprint = JSON.stringify(visible);
  if (fingerprint === drawn) return;
  drawn = fingerprint;
  const list = find("feed");
  const open = new Set([...list.querySelectorAll("details[open]")].map((details) => details.dataset.row));
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  list.replaceChildren(...visible.map((row) => line(row, open.has(row.key))));
  if (focused) list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  find("no-feed").hidden = visible.length > 0;
}

function callRow({ endpoint, status, error_code: error, milliseconds, request_id: request, item_id: item, fault }) {
  const facts = { "request id": request, status, error, took: `${milliseconds} ms`, item, fault };
  return { what: endpoint, family: null, result: error ?? String(status), bad: Boolean(error), facts };
}

function webhookRow({ number, webhook_type: type, webhook_code: code, state, url, attempts, signature, body }) {
  const last = attempts.at(-1);
  const facts = { to: url, state, attempts: attempts.length, last: last ? `${last.outcome} in ${last.ms} ms` : null, signature };
  return { what: code, family: type, result: state, bad: ["failed", "abandoned", "lost"].includes(state), facts, body, number };
}

function sessionRow({ outcome, pane, error_code: error, events, institution_id: institution }) {
  const facts = { "stands at": pane, institution, error, events: events.join(", ") };
  return { what: `Link: ${pane || "opened"}`, family: null, result: outcome ?? "open", bad: Boolean(error), facts };
}

function line(row, open) {
  const family = row.family ? h("span", { class: "feed__family" }, row.family) : null;
  const head = h(
    "summary",
    { class: "feed__head", "data-key": row.key },
    h("span", { class: `feed__kind feed__kind--${row.kind}`, "aria-hidden": "true" }),
    h("time", { class: "feed__at", datetime: new Date(row.at).toISOString() }, new Date(row.at).toISOString().slice(11, 19)),
    h("span", { class: "feed__what" }, h("span", { class: "visually-hidden" }, `${row.kind}: `), ...breakable(row.what), family),
    h("span", { class: `tag ${row.bad ? "tag--bad" : "tag--plain"}` }, row.result),
  );
  return h("li", { class: "feed__row" }, h("details", { class: "feed__more", "data-row": row.key, open: open ? "" : null }, head, detail(row)));
}

/* Long names may break after an underscore or a slash, and nowhere else. */
const breakable = (text) => text.split(/(?<=[_/])/).flatMap((part) => [part, h("wbr")]);

function detail({ facts, body, number }) {
  const pairs = Object.entries(facts).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const list = h("dl", {}, ...pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]));
  if (body === undefined) return h("div", { class: "feed__detail" }, list);
  const again = () => attempt(() => post(`deliveries/${number}/resend`), "Sent again.");
  const button = h("button", { class: "button button--small", type: "button", onclick: again, "data-key": `again ${number}` }, "Send again");
  return h("div", { class: "feed__detail" }, list, h("pre", { class: "feed__body", tabindex: "0" }, body), h("div", {}, button));
}
