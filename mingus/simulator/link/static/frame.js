/* Link's frame: asks the server for one step after the other and shows it. The server decides, this carries out. */
import { BankPage } from "./bank-page.js";
import { hostOf } from "./host.js";
import { Stage } from "./stage.js";

const CHECK_EVERY_MS = 400; // how often to ask whether the bank's page is done

const { hostedToken, oauth } = document.body.dataset;
const host = hostOf(document.body.dataset);
const stage = new Stage(document);
const bank = new BankPage();
let session = null;
let busy = false;
let over = false;
let asked = 0;

async function post(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

async function begin(token, receivedRedirectUri) {
  if (session !== null || busy) return;
  await run("/link/flow", { token, received_redirect_uri: receivedRedirectUri, oauth, hosted: Boolean(hostedToken) });
}

function act(action, values = {}) {
  return run(`/link/flow/${session}/${action}`, values);
}

/* One step at a time: a second click while the first is on its way does nothing. True when the step was taken. */
async function run(path, body) {
  if (busy || over) return false;
  busy = true;
  stage.busy(true);
  try {
    apply(await post(path, body));
    return true;
  } catch {
    stage.trouble("The simulator did not answer. Please try again.");
    return false;
  } finally {
    busy = false;
    stage.busy(false);
  }
}

/* Typing does not wait for the last answer; only the newest one is shown. */
async function search(action, values) {
  asked += 1;
  const mine = asked;
  const step = await post(`/link/flow/${session}/${action}`, values).catch(() => null);
  if (step !== null && mine === asked && !busy && !over) apply(step);
}

function apply(step) {
  session = step.session;
  for (const { name, metadata } of step.events) host.event(name, metadata);
  if (step.outcome !== null) {
    finish(step.outcome);
    return;
  }
  if (step.pane !== null) {
    asked += 1; // an answer to an older search must not touch the new pane
    stage.show(step.pane);
  }
  if (step.region !== null) stage.refresh(step.region);
  if (step.waiting) setTimeout(check, CHECK_EVERY_MS);
  else bank.close();
}

function finish(outcome) {
  over = outcome.kind !== "leave";
  bank.close();
  if (outcome.kind === "success") host.success(outcome);
  else if (outcome.kind === "exit") host.exit(outcome);
  else host.leave(new URL(outcome.url, window.location.href).href);
}

async function check() {
  if (over || stage.name !== "waiting") return;
  if (busy) setTimeout(check, CHECK_EVERY_MS);
  else await act("oauth-check", { closed: [String(bank.closed)] });
}

/* Leaving always works, even when the simulator is gone; then only there is nothing to report. */
async function exit(force) {
  if (session !== null && !force && stage.asksBeforeLeaving) {
    stage.askToLeave();
    return;
  }
  if (session !== null && (busy || (await act("exit")))) return;
  over = true;
  host.exit({ error: null, ...host.nothing });
}

stage.onAct = (action, values) => act(action, values);
stage.onSearch = search;
stage.onClose = () => exit(false);
stage.onLeave = () => exit(true);
stage.onBank = (url) => {
  bank.open(url);
  act("oauth-open");
};

host.onOpen = ({ token, receivedRedirectUri }) => begin(token, receivedRedirectUri);
host.onExit = ({ force }) => exit(force);
host.onSubmit = () => session !== null && act("submit-data");
if (hostedToken) begin(hostedToken, window.location.href);
else host.ready();
