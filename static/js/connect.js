// The panel that opens Link: one button, one line that says how it goes, and what went wrong in plain words.
import { call } from "./api.js";
import { PlaidIntegration } from "./plaid-integration.js";

export function mount(panel) {
  const part = (name) => panel.querySelector(`[data-connect-${name}]`);
  const settings = JSON.parse(part("link").textContent);
  const words = JSON.parse(part("words").textContent);
  const view = viewOf(part, words);
  const plaid = new PlaidIntegration(settings);

  plaid.setEventHandler("progress", view.work);
  plaid.setEventHandler("exit", () => view.rest(words.left));
  plaid.setEventHandler("error", (trouble) => {
    if (trouble.code === "confirm_first") location.assign(settings.confirmUrl);
    else view.fail(trouble);
  });
  plaid.setEventHandler("success", (answer) => {
    view.say(words.done);
    location.assign(`${settings.doneUrl}#${answer.connection_id}`);
  });
  askAboutDuplicates(panel, plaid, view, words);

  part("start").hidden = false;
  part("start").addEventListener("click", () => plaid.openPlaidLink());
  // the browser may bring the page back as it was left
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) view.rest("");
  });
  if (settings.resume) plaid.openPlaidLink();
}

function viewOf(part, words) {
  const [start, state, trouble] = ["start", "state", "trouble"].map(part);
  const busy = (isBusy) => {
    start.toggleAttribute("disabled", isBusy);
    state.classList.toggle("is-busy", isBusy);
  };
  const view = {
    say(text) {
      state.textContent = text;
    },
    work(stage) {
      busy(true);
      trouble.hidden = true;
      view.say(words[stage]);
    },
    rest(text) {
      busy(false);
      view.say(text);
    },
    fail({ code, message, requestId }) {
      view.rest("");
      part("message").textContent = message || words[code] || words.refused;
      part("reference").textContent = requestId ? `${words.reference} ${requestId}` : "";
      trouble.hidden = false;
      start.querySelector(".button__label").textContent = words.again;
    },
  };
  return view;
}

function askAboutDuplicates(panel, plaid, view, words) {
  const dialog = panel.querySelector("dialog");
  const choice = (name, act) => dialog.querySelector(`[data-connect-${name}]`).addEventListener("click", act);
  let found = null;

  plaid.setEventHandler("duplicate", (connectionId, linkId) => {
    found = { connectionId, linkId };
    view.rest(words.later);
    dialog.showModal();
  });
  choice("keep", () => {
    dialog.close();
    plaid.keepBoth();
  });
  choice("instead", async () => {
    dialog.close();
    view.work("loading");
    const { discardUrl, connectUrl } = panel.dataset;
    try {
      await call(discardUrl.replace("LINK", found.linkId), { method: "POST" });
      location.assign(`${connectUrl}?connection=${encodeURIComponent(found.connectionId)}`);
    } catch (failure) {
      view.fail(failure);
    }
  });
}
