/* The pop-up with the bank's own page. */

const FEATURES = "popup,width=480,height=760";

export class BankPage {
  #window = null;

  /* Call it straight from a click, or the browser blocks the pop-up. */
  open(url) {
    if (this.#window !== null && !this.#window.closed) this.#window.focus();
    else this.#window = window.open(url, "_blank", FEATURES);
  }

  /* True once the person closed the pop-up. Where the page cut the opener off (COOP) or the pop-up was blocked
     there is nothing to look at; then only the server knows, and the waiting pane offers to open it again. */
  get closed() {
    return this.#window !== null && this.#window.closed;
  }

  close() {
    this.#window?.close();
    this.#window = null;
  }
}
