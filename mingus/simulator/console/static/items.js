/* The list of items, the one in view, and what can be made to happen to it. */
import { get, post } from "./api.js";
import { find, h, show } from "./dom.js";
import { attempt } from "./said.js";

const TIP = 1.2; // a fifth on top
let current = null;
let pending = [];
let refresh = () => {};

export function mount(refreshNow) {
  refresh = refreshNow;
  for (const button of document.querySelectorAll("button[data-do]")) {
    button.addEventListener("click", () => act(button.dataset.do, JSON.parse(button.dataset.with), button.textContent));
  }
  for (const form of document.querySelectorAll("form[data-do]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      act(form.dataset.do, Object.fromEntries(new FormData(form)), form.querySelector("label").textContent);
    });
  }
  find("connect").addEventListener("click", connect);
}

export async function update() {
  const { items } = await get("items");
  if (!items.some((item) => item.item_id === current)) current = items.at(-1)?.item_id ?? null;
  find("no-items").hidden = items.length > 0;
  const visible = items.map(({ item_id: id, error_code: error, institution_status: bank }) => [id, error, bank]);
  show(find("items"), [visible, current], () => items.map(row));
  await view();
}

function row(item) {
  const { text, tone } = stateOf(item);
  const choose = () => {
    current = item.item_id;
    refresh();
  };
  const attributes = { class: "items__one", type: "button", "data-key": item.item_id, onclick: choose };
  if (item.item_id === current) attributes["aria-current"] = "true";
  const logo = h("img", { class: "items__logo", src: logoOf(item), alt: "", width: 32, height: 32 });
  const name = h("span", { class: "items__name" }, item.institution_name);
  const user = h("span", { class: "items__user" }, item.username);
  return h("li", {}, h("button", attributes, logo, h("span", {}, name, user, h("span", { class: `tag ${tone}` }, text))));
}

async function view() {
  find("item-view").hidden = current === null;
  find("no-item").hidden = current !== null;
  if (current === null) return;
  const item = await get(`items/${current}`);
  pending = item.pending;
  const { text, tone } = stateOf(item);
  find("item-name").textContent = item.institution_name;
  find("item-user").textContent = `${item.username} · ${words(item.transactions_update_status)}`;
  find("item-state").textContent = text;
  find("item-state").className = `tag ${tone}`;
  if (find("item-logo").getAttribute("src") !== logoOf(item)) find("item-logo").src = logoOf(item);
  show(find("accounts"), item.accounts, () => item.accounts.map(account));
  show(find("pending"), pending, () => (pending.length ? pending.map(pendingRow) : [h("li", { class: "muted" }, "Nothing is pending.")]));
}

function account({ name, mask, subtype, type, balances }) {
  const currency = balances.iso_currency_code ?? balances.unofficial_currency_code ?? "";
  const cell = (amount) => h("td", { class: "num" }, amount === null ? "–" : `${money(amount)} ${currency}`);
  return h("tr", {}, h("td", {}, `${name}${mask ? ` ·· ${mask}` : ""}`), h("td", { class: "table__kind" }, subtype ?? type), cell(balances.current), cell(balances.available));
}

function pendingRow({ name, amount, date }) {
  const what = h("span", { class: "pending__what" }, `${name} `, h("span", { class: "pending__day" }, date));
  return h("li", { class: "pending__one" }, what, h("span", { class: "pending__amount" }, money(amount)));
}

function act(action, wishes, label) {
  return attempt(async () => {
    if (action === "tip") await tip();
    else await post(`items/${current}/do/${action}`, wishes);
    await refresh();
  }, `${label.trim()}: done.`);
}

/* What a restaurant does: the amount that was pending grows before it is posted. */
async function tip() {
  const meal = pending.at(-1);
  if (!meal) throw new Error("Nothing is pending. Spend something first.");
  const amount = Math.round(meal.amount * TIP * 100) / 100;
  await post(`items/${current}/do/change`, { transaction_id: meal.transaction_id, amount });
}

async function connect() {
  await attempt(async () => {
    const { link_token: token } = await post("link/tokens", {});
    const handler = window.Plaid.create({
      token,
      onSuccess: () => {
        handler.destroy();
        current = null;
        refresh();
      },
      onExit: () => handler.destroy(),
    });
    handler.open();
  }, "");
}

function stateOf({ error_code: error, institution_status: bank }) {
  if (error) return { text: error, tone: "tag--bad" };
  if (bank !== "HEALTHY") return { text: `bank ${bank.toLowerCase()}`, tone: "tag--warn" };
  return { text: "well", tone: "" };
}

const logoOf = ({ institution_id: id }) => `/link/logo/${id}.png`;
const money = (amount) => amount.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 4 });
const words = (status) => (status ?? "").toLowerCase().replaceAll("_", " ");
