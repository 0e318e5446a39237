/* The stand-in for Plaid Link's script: defines window.Plaid.create(config).
 *
 * It opens a modal <dialog> with a frame from the simulator and turns the frame's messages into the callbacks of
 * the config. It needs no inline style, no <style> element and no eval, so it runs under the strictest policy that
 * names the simulator in script-src and frame-src. Options in the address of the script: ?oauth=popup|redirect.
 */
(() => {
  "use strict";

  const SERVED_FROM = "__SERVED_FROM__"; // the server writes its own address here
  const FRAME_DEADLINE_MS = 8000; // a frame that has loaded speaks within milliseconds, or it is no frame of ours
  const CALLBACKS = ["onSuccess", "onExit", "onEvent", "onLoad"];

  const source = new URL(document.currentScript?.src || SERVED_FROM, document.baseURI);
  // A test that answers Plaid's own address with this file still needs the frame from the simulator.
  const ORIGIN = source.hostname.endsWith(".plaid.com") ? SERVED_FROM : source.origin;
  const OAUTH = source.searchParams.get("oauth");
  let handlers = 0;

  const DIALOG_STYLE = {
    position: "fixed", inset: "0", width: "100%", height: "100%", "max-width": "none", "max-height": "none",
    margin: "0", padding: "0", border: "0", background: "transparent", overflow: "hidden",
  };
  const FRAME_STYLE = { width: "100%", height: "100%", border: "0", display: "block", background: "transparent" };

  function dress(element, style) {
    for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value, "important");
  }

  /* "light" or "dark" where the page insists on one, else "light dark": the frame shall look like its page, and
     a frame whose scheme differs from its element's gets an opaque background. */
  function colorScheme() {
    const scheme = getComputedStyle(document.documentElement).colorScheme;
    return scheme === "light" || scheme === "dark" ? scheme : "light dark";
  }

  function frameAddress() {
    const address = new URL("/link/frame", ORIGIN);
    address.searchParams.set("origin", window.location.origin);
    address.searchParams.set("scheme", colorScheme());
    if (OAUTH) address.searchParams.set("oauth", OAUTH);
    return address.href;
  }

  function checked(config) {
    if (config === null || typeof config !== "object") throw new TypeError("Plaid.create needs a config object");
    if (typeof config.token !== "string" || config.token === "") {
      throw new TypeError("Plaid.create needs a link token as config.token");
    }
    if (typeof config.onSuccess !== "function") throw new TypeError("Plaid.create needs config.onSuccess");
    for (const name of CALLBACKS) {
      if (config[name] != null && typeof config[name] !== "function") {
        throw new TypeError(`config.${name} must be a function`);
      }
    }
    return { ...config };
  }

  class Handler {
    #config;
    #dialog = document.createElement("dialog");
    #frame = document.createElement("iframe");
    #state = "loading"; // loading -> ready -> open -> loading …, and destroyed at any time
    #wanted = false;
    #loadTold = false;
    #deadline = 0;
    #scroll = "";

    constructor(config) {
      this.#config = config;
      handlers += 1;
      this.#frame.id = `plaid-link-iframe-${handlers}`;
      this.#frame.title = "Connect a simulated bank";
      this.#dialog.setAttribute("aria-label", this.#frame.title);
      dress(this.#dialog, DIALOG_STYLE);
      dress(this.#frame, { ...FRAME_STYLE, "color-scheme": colorScheme() });
      this.#frame.addEventListener("load", () => this.#watch());
      this.#dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        this.exit();
      });
      window.addEventListener("message", this.#receive);
      this.#frame.src = frameAddress();
      this.#dialog.append(this.#frame);
      if (document.body) document.body.append(this.#dialog);
      else document.addEventListener("DOMContentLoaded", () => document.body.append(this.#dialog), { once: true });
    }

    open() {
      if (this.#state === "destroyed" || this.#state === "open" || this.#wanted) return;
      this.#wanted = true;
      if (this.#state === "ready") this.#begin();
    }

    exit(options) {
      if (this.#state === "open") this.#send({ kind: "exit", force: options?.force === true });
      else this.#wanted = false;
    }

    submit(data) {
      if (this.#state === "open") this.#send({ kind: "submit", data });
    }

    destroy() {
      if (this.#state === "destroyed") return;
      this.#hide();
      this.#state = "destroyed";
      clearTimeout(this.#deadline);
      window.removeEventListener("message", this.#receive);
      this.#dialog.remove();
    }

    #begin() {
      this.#wanted = false;
      this.#state = "open";
      this.#scroll = document.documentElement.style.overflow;
      document.documentElement.style.overflow = "hidden";
      this.#dialog.showModal();
      this.#frame.focus();
      const { token, receivedRedirectUri } = this.#config;
      this.#send({ kind: "open", token, receivedRedirectUri: receivedRedirectUri ?? null });
    }

    #send(message) {
      this.#frame.contentWindow?.postMessage(message, ORIGIN);
    }

    #receive = ({ origin, source: sender, data }) => {
      if (origin !== ORIGIN || sender === null || sender !== this.#frame.contentWindow) return;
      if (data === null || typeof data !== "object") return;
      this.#messages[data.kind]?.(data);
    };

    #messages = {
      ready: () => {
        clearTimeout(this.#deadline);
        if (this.#state !== "loading") return;
        this.#state = "ready";
        if (!this.#loadTold) this.#tell("onLoad");
        this.#loadTold = true;
        if (this.#wanted && this.#state === "ready") this.#begin();
      },
      event: ({ name, metadata }) => this.#tell("onEvent", name, metadata),
      success: ({ publicToken, metadata, event }) => this.#finish(event, "onSuccess", publicToken, metadata),
      exit: ({ error, metadata, event }) => this.#finish(event, "onExit", error, metadata),
      leave: ({ url }) => {
        if (new URL(url).origin === ORIGIN) window.location.assign(url);
      },
    };

    /* Close first, so that a callback may open a dialog of its own; HANDOFF or EXIT comes before the callback. */
    #finish(event, callback, ...results) {
      if (this.#state !== "open") return;
      this.#hide();
      this.#state = "loading";
      this.#frame.src = frameAddress(); // fresh, should the page open Link again
      this.#tell("onEvent", event.name, event.metadata);
      this.#tell(callback, ...results);
    }

    #hide() {
      if (!this.#dialog.open) return;
      document.documentElement.style.overflow = this.#scroll;
      this.#dialog.close();
    }

    /* The page's own mistakes must not stop Link: they are reported as uncaught and Link goes on. */
    #tell(callback, ...details) {
      if (this.#state === "destroyed") return;
      try {
        this.#config[callback]?.(...details);
      } catch (error) {
        window.reportError(error);
      }
    }

    /* A blocked or missing frame loads too, as an error page, and would leave the page behind it locked. */
    #watch() {
      clearTimeout(this.#deadline);
      if (this.#state !== "loading") return;
      this.#deadline = setTimeout(() => {
        if (!this.#wanted) return;
        this.#wanted = false;
        const error = {
          error_type: "API_ERROR",
          error_code: "INTERNAL_SERVER_ERROR",
          error_message: `Link's frame did not load from ${ORIGIN}`,
          display_message: null,
        };
        this.#tell("onExit", error, { institution: null, status: null, link_session_id: null, request_id: null });
      }, FRAME_DEADLINE_MS);
    }
  }

  function create(config) {
    const handler = new Handler(checked(config));
    return {
      open: () => handler.open(),
      exit: (options) => handler.exit(options),
      submit: (data) => handler.submit(data),
      destroy: () => handler.destroy(),
    };
  }

  window.Plaid = { create };
})();
