"""Money moved by hand: what the control API, scenarios, refreshes and the sandbox endpoints do to an item."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.errors import refuse
from mingus.simulator.ids import world_id
from mingus.simulator.people import parties
from mingus.simulator.people import person
from mingus.simulator.progress import NOT_READY
from mingus.simulator.transactions import described
from mingus.simulator.transactions import template
from mingus.simulator.updates import Changes

if TYPE_CHECKING:
    from datetime import date

    from mingus.simulator.accounts import Account
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

Doc = dict[str, Any]

BATCH = ("corner_bean", "olive_ash", "fuel_point")


class Till:
    """Every method does one thing to one item, persists it and sends the webhooks that follow."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim

    def spend(
        self,
        item: Item,
        amount: float,
        *,
        whom: str = "corner_bean",
        text: str | None = None,
        account_id: str | None = None,
        pending: bool = True,
        on: date | None = None,
    ) -> Doc:
        """A new transaction of that amount (negative: money in) on the account, else on the first that spends."""
        with self._sim.store.lock:
            self._ready(item)
            doc = self._made(item, self._account(item, account_id), amount, whom, text, on)
            doc["pending"] = pending
            changes = Changes(added=1)
            (self._sim.updates.hold if pending else self._sim.updates.post)(item, doc)
            self._sim.updates.announce(item, changes)
        return doc

    def post_pending(
        self, item: Item, *, transaction_id: str | None = None, amount: float | None = None
    ) -> list[Doc]:
        """Post one pending transaction, or all; a new amount is what tips are for."""
        with self._sim.store.lock:
            self._ready(item)
            changes = Changes()
            posted = [
                self._posted(item, doc, amount, changes)
                for doc in self._sim.updates.book(item).pending()
                if transaction_id in (None, doc["transaction_id"])
            ]
            self._sim.updates.announce(item, changes)
        return posted

    def change(self, item: Item, transaction_id: str | None = None, **fields: Any) -> Doc:
        """Change fields of a transaction, the newest when none is named; balances follow amounts."""
        with self._sim.store.lock:
            self._ready(item)
            book = self._sim.updates.book(item)
            before = self._named(item, transaction_id)
            after = book.change(before["transaction_id"], **fields)
            self._sim.updates.rebalance(item, before, after)
            self._sim.updates.announce(item, Changes(modified=1))
        return after

    def remove(self, item: Item, transaction_id: str | None = None) -> Doc:
        """Take a transaction out, the newest posted one when none is named."""
        with self._sim.store.lock:
            self._ready(item)
            doc = self._named(item, transaction_id)
            self._sim.updates.drop(item, doc["transaction_id"])
            self._sim.updates.announce(item, Changes(removed=[doc["transaction_id"]]))
        return doc

    def bring_back(self, item: Item, doc: Doc) -> Doc:
        """A transaction that was removed is there again."""
        with self._sim.store.lock:
            self._ready(item)
            (self._sim.updates.hold if doc["pending"] else self._sim.updates.post)(item, doc)
            self._sim.updates.announce(item, Changes(added=1))
        return doc

    def refresh(self, item: Item) -> Changes:
        """Ask the bank now; dynamic users also live through a day."""
        with self._sim.store.lock:
            changes = self._sim.updates.advance(item)
            if item.custom is None and person(item.person).dynamic:
                self._busy_day(item, changes)
            self._sim.updates.announce(item, changes)
        return changes

    def burst(self, item: Item) -> Changes:
        """A batch of new transactions, whoever the person is."""
        with self._sim.store.lock:
            self._ready(item)
            changes = self._sim.updates.advance(item)
            self._busy_day(item, changes)
            self._sim.updates.announce(item, changes)
        return changes

    def create(self, item: Item, rows: list[Doc]) -> None:
        """Transactions as /sandbox/transactions/create describes them."""
        with self._sim.store.lock:
            self._ready(item)
            changes = Changes()
            for row in rows:
                account = self._account(item, row.get("account_id"))
                doc = self._made(item, account, row["amount"], None, row["description"], row["date_posted"])
                doc["authorized_date"] = row["date_transacted"].isoformat()
                doc["iso_currency_code"] = row.get("iso_currency_code", "USD")
                self._sim.updates.post(item, doc)
                changes.added += 1
            self._sim.updates.announce(item, changes)

    def _busy_day(self, item: Item, changes: Changes) -> None:
        """Post what is pending, change one amount by 1, add three new pending ones."""
        book = self._sim.updates.book(item)
        for doc in book.pending():
            self._posted(item, doc, None, changes)
        newest = next((doc for doc in book.live() if not doc["pending"] and doc["amount"] > 0), None)
        if newest:
            after = book.change(newest["transaction_id"], amount=round(newest["amount"] + 1, 4))
            self._sim.updates.rebalance(item, newest, after)
            changes.modified += 1
        account = self._account(item, None)
        for number, whom in enumerate(BATCH):
            amount = round(parties()[whom].low * 2.5 + (book.head * 37 + number * 11) % 900 / 100, 2)
            doc = self._made(item, account, amount, whom, None, None)
            self._sim.updates.hold(item, {**doc, "pending": True})
            changes.added += 1

    def _posted(self, item: Item, doc: Doc, amount: float | None, changes: Changes) -> Doc:
        pending_id = doc["transaction_id"]
        self._sim.updates.drop(item, pending_id)
        changes.removed.append(pending_id)
        posted = {
            **doc,
            "amount": doc["amount"] if amount is None else amount,
            "date": self._sim.clock.today().isoformat(),
            "pending": False,
            "pending_transaction_id": pending_id,
            "transaction_id": self._sim.updates.posted_id(item, pending_id),
        }
        self._sim.updates.post(item, posted)
        changes.added += 1
        return posted

    def _made(
        self, item: Item, account: Account, amount: float, whom: str | None, text: str | None, on: date | None
    ) -> Doc:
        url, today = self._sim.public_url, self._sim.clock.today()
        party = parties().get(whom or "")
        doc = template(party, url) if party and text is None else described(text or "PURCHASE", amount, url)
        day = (on or today).isoformat()
        doc.update(
            account_id=account.account_id,
            amount=amount,
            authorized_date=day,
            date=day,
            iso_currency_code=account.plan.currency,
            transaction_id=world_id("made", item.item_key, self._sim.updates.book(item).head),
            unofficial_currency_code=account.plan.unofficial,
        )
        return doc

    def _account(self, item: Item, account_id: str | None) -> Account:
        """The named account, else the first checking-like one that is shared and open."""
        if account_id is not None:
            account = item.account(account_id)
            if account is None or not account.has_transactions:
                refuse("INVALID_ACCOUNT_ID")
            return account
        able = [row for row in item.visible_accounts() if row.has_transactions]
        if not able:
            refuse("NO_ACCOUNTS")
        return next((row for row in able if row.plan.type == "depository"), able[0])

    def _named(self, item: Item, transaction_id: str | None) -> Doc:
        book = self._sim.updates.book(item)
        doc = book.find(transaction_id) if transaction_id else book.newest_posted()
        if doc is None:
            refuse("INVALID_FIELD", "transaction_id is not a live transaction of this item")
        return doc

    def _ready(self, item: Item) -> None:
        self._sim.updates.start(item)
        if self._sim.updates.phase(item) == NOT_READY:
            self._sim.updates.finish_import(item)
