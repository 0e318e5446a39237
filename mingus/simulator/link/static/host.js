/* Who gets the results: the page that opened Link, or, for a hosted link, the address the token names. */

const NOTHING = { institution: null, status: null, link_session_id: null, request_id: null };

class Page {
  nothing = { metadata: NOTHING, event: { name: "EXIT", metadata: NOTHING } };

  constructor(origin) {
    this.origin = origin;
    window.addEventListener("message", ({ origin: from, source, data }) => {
      if (source !== window.parent || from !== origin || data === null || typeof data !== "object") return;
      if (data.kind === "open") this.onOpen(data);
      else if (data.kind === "exit") this.onExit(data);
      else if (data.kind === "submit") this.onSubmit(data);
    });
  }

  ready() {
    this.#say({ kind: "ready" });
  }

  event(name, metadata) {
    this.#say({ kind: "event", name, metadata });
  }

  success({ public_token: publicToken, metadata, event }) {
    this.#say({ kind: "success", publicToken, metadata, event });
  }

  exit({ error, metadata, event }) {
    this.#say({ kind: "exit", error, metadata, event });
  }

  leave(url) {
    this.#say({ kind: "leave", url });
  }

  /* A page without an origin (a file, a sandbox) can only be addressed by "*"; what it may receive is the same. */
  #say(message) {
    window.parent.postMessage(message, this.origin === "null" ? "*" : this.origin);
  }
}

class Hosted {
  nothing = { metadata: NOTHING, event: null };

  constructor(completion) {
    this.completion = completion;
  }

  event() {}

  success() {
    this.#complete();
  }

  exit() {
    this.#complete();
  }

  leave(url) {
    window.location.assign(url);
  }

  #complete() {
    window.location.replace(this.completion);
  }
}

/* The host for this frame, from the data attributes the server put on its body. */
export function hostOf({ origin, completion }) {
  return completion ? new Hosted(completion) : new Page(origin);
}
