// PlaidIntegration: opens Plaid Link, hands its result to the server, and tells the page what happens.
// It speaks no words of its own but the server's: a page gives words to the codes it is told.
import { ApiFailure, call } from "./api.js";
import { LinkBlocked, loadLink } from "./link-script.js";

// progress(stage)  success(answer)  duplicate(connectionId, linkId)  exit()  error({code, message, requestId})
// event(name, metadata)
const HANDLERS = ["progress", "success", "duplicate", "exit", "error", "event"];
// the rest of Link's metadata is personal: what was searched for, digits of numbers
const REPORTED = [
  "error_type", "error_code", "exit_status", "institution_id", "mfa_type", "view_name", "request_id",
  "link_session_id", "timestamp", "is_update_mode", "status",
];
const OVER = [
  "INVALID_LINK_TOKEN", "INCORRECT_LINK_TOKEN", "INCORRECT_OAUTH_NONCE",
  "OAUTH_STATE_ID_ALREADY_PROCESSED", "OAUTH_STATE_ID_NOT_FOUND",
];
// a browser may keep Link's window from loading, and tells nobody
const WINDOW_DEADLINE_MS = 20000;
const WAITS_MS = [1000, 2000, 3000, 5000, 8000];
const URLS = {
  linkToken: "/api/plaid/link-token",
  connect: "/api/plaid/connect",
  events: "/api/plaid/link-events",
  accounts: "/api/plaid/accounts",
  transactions: "/api/plaid/transactions",
  sync: "/api/plaid/transactions/sync",
  reauth: null,
};

export class PlaidIntegration {
  #settings;
  #urls;
  #told = new Map();
  #start = null; // the link token that was made and not used yet
  #returning; // the session that a bank's page came back to
  #link = null;
  #opening = null;
  #isOpen = false;
  #isLoaded = false;
  #patience = null; // how long Link's window may take to come
  #unfinished = null; // what Link gave, until the server has it
  #reports = Promise.resolve();

  // settings: scriptUrl; urls, reauth being set to repair a connection; accounts to choose them anew; resume
  constructor(settings = {}) {
    this.#settings = settings;
    this.#urls = { ...URLS, ...settings.urls };
    this.#returning = settings.resume ?? null;
  }

  // Link's script is there
  get isInitialized() {
    return window.Plaid !== undefined;
  }

  setEventHandler(name, fn) {
    if (!HANDLERS.includes(name)) throw new RangeError(`no event named ${name}`);
    this.#told.set(name, fn);
  }

  // A token for one use of Link: the waiting one while it is good, else a new one.
  async getLinkToken() {
    if (this.#returning) return this.#returning.link_token;
    if (!this.#start || Date.parse(this.#start.expiration) <= Date.now()) {
      const { reauth, linkToken } = this.#urls;
      const body = reauth ? { accounts: this.#settings.accounts === true } : undefined;
      this.#start = await call(reauth ?? linkToken, { method: "POST", body });
    }
    return this.#start.link_token;
  }

  // Opens Link; pressing twice opens once. What Link gave and the server could not take yet goes first.
  openPlaidLink() {
    if (this.#isOpen) return Promise.resolve();
    this.#opening ??= (this.#unfinished ? this.#finish() : this.#open()).finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  // After duplicate: the person wants this bank twice.
  keepBoth() {
    this.#unfinished.keep_both = true;
    return this.#finish();
  }

  async loadAccounts() {
    return (await call(this.#urls.accounts)).accounts;
  }

  // filters as the API names them: start_date, search, limit, after …
  loadTransactions(filters = {}) {
    const query = new URLSearchParams(filters).toString();
    return call(query ? `${this.#urls.transactions}?${query}` : this.#urls.transactions);
  }

  syncTransactions(wishes = {}) {
    return call(this.#urls.sync, { method: "POST", body: wishes });
  }

  async #open() {
    this.#tell("progress", "loading");
    try {
      const [plaid, token] = await Promise.all([loadLink(this.#settings.scriptUrl), this.getLinkToken()]);
      this.#create(plaid, token);
      this.#isOpen = true;
      this.#link.open();
      this.#tell("progress", "open");
      this.#expectWindow();
    } catch (failure) {
      this.#fail(failure);
    }
  }

  #create(plaid, token) {
    const linkId = (this.#returning ?? this.#start).link_id;
    const config = {
      token,
      onLoad: () => this.#seen(),
      onSuccess: (publicToken, metadata) => this.#succeed(linkId, publicToken, metadata),
      onExit: (error, metadata) => this.#leave(linkId, error, metadata),
      onEvent: (name, metadata) => {
        this.#seen();
        this.#report(linkId, name, metadata);
        this.#tell("event", name, metadata);
      },
    };
    // Link reads its state from the address as the bank left it
    if (this.#returning) config.receivedRedirectUri = window.location.href;
    this.#link?.destroy();
    this.#isLoaded = false;
    this.#link = plaid.create(config);
  }

  #succeed(linkId, publicToken, metadata) {
    this.#close();
    this.#unfinished = { public_token: publicToken, link_id: linkId, metadata, keep_both: false };
    return this.#finish();
  }

  async #leave(linkId, error, metadata) {
    this.#close();
    const reported = this.#report(linkId, "onExit", { ...metadata, ...error });
    if (!error) {
      this.#tell("exit");
      return;
    }
    const isOver = OVER.includes(error.error_code);
    const ours = isOver ? null : (await reported)?.sentence;
    this.#tell("error", {
      code: isOver ? "expired" : error.error_code,
      message: isOver ? "" : (ours ?? error.display_message ?? ""),
      requestId: metadata?.request_id ?? null,
    });
  }

  // a token is for one session: the next press asks for another
  #close() {
    this.#seen();
    this.#isOpen = false;
    this.#start = this.#returning = null;
  }

  #expectWindow() {
    if (this.#isLoaded) return;
    this.#patience = setTimeout(() => {
      this.#link.destroy();
      this.#close();
      this.#fail(new LinkBlocked());
    }, WINDOW_DEADLINE_MS);
  }

  #seen() {
    this.#isLoaded = true;
    clearTimeout(this.#patience);
  }

  async #finish() {
    this.#tell("progress", "finishing");
    try {
      const answer = await this.#post(this.#unfinished);
      this.#unfinished = null;
      this.#tell("success", answer);
    } catch (failure) {
      if (failure.code === "duplicate_connection") {
        this.#tell("duplicate", failure.details.connection_id, this.#unfinished.link_id);
        return;
      }
      if (!failure.isPassing) this.#unfinished = null;
      this.#fail(failure);
    }
  }

  // posting twice is posting once, so a lost answer is simply asked for again
  async #post(body) {
    for (const wait of WAITS_MS) {
      try {
        return await call(this.#urls.connect, { method: "POST", body });
      } catch (failure) {
        if (!failure.isPassing) throw failure;
        this.#tell("progress", "waiting");
        await pause(failure.retryAfterMs || wait);
      }
    }
    return call(this.#urls.connect, { method: "POST", body });
  }

  #fail(failure) {
    if (!(failure instanceof ApiFailure || failure instanceof LinkBlocked)) throw failure;
    this.#tell("error", { code: failure.code, message: failure.message, requestId: failure.requestId });
  }

  // in order, one after another; a report that is lost must not stop anything. Gives what the server said of it.
  #report(linkId, name, metadata) {
    const details = Object.fromEntries(
      REPORTED.filter((key) => metadata?.[key]).map((key) => [key, metadata[key]]),
    );
    const body = { link_id: linkId, name, details };
    this.#reports = this.#reports
      .then(() => call(this.#urls.events, { method: "POST", body, keepalive: true }))
      .catch(() => null);
    return this.#reports;
  }

  #tell(name, ...details) {
    this.#told.get(name)?.(...details);
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

window.PlaidIntegration = PlaidIntegration;
