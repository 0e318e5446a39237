// Asks the browser for a passkey: to add one, to sign in, or to confirm. Stays hidden where there are none.
import { ApiFailure, call } from "./api.js";
import { zone } from "./time-zone.js";

export function mount(box) {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return;
  const { passkey: purpose, questionUrl, answerUrl } = box.dataset;
  const button = box.querySelector("button");
  const trouble = box.querySelector("[data-passkey-trouble]");
  box.hidden = false;
  button.addEventListener("click", async () => {
    trouble.hidden = true;
    button.disabled = true;
    try {
      const question = (await call(questionUrl, { method: "POST" })).question;
      const credential = purpose === "add" ? await added(question) : await asked(question);
      const remember = document.querySelector("[name=remember]")?.checked ?? false;
      const answer = await call(answerUrl, { method: "POST", body: { credential: credential.toJSON(), remember, zone: zone() } });
      location.assign(answer.next);
    } catch (failure) {
      button.disabled = false;
      trouble.hidden = false;
      trouble.textContent = failure instanceof ApiFailure ? failure.message || box.dataset.failed : wordsOf(failure, box);
    }
  });
}

function added(question) {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(question);
  return navigator.credentials.create({ publicKey });
}

function asked(question) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(question);
  return navigator.credentials.get({ publicKey });
}

// the browser throws DOMExceptions for what the person did: left, waited too long, or has this passkey already
function wordsOf(failure, box) {
  if (!(failure instanceof DOMException)) throw failure;
  return failure.name === "InvalidStateError" ? box.dataset.known : box.dataset.left;
}
