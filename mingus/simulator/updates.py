"""What banks tell Plaid: first imports, regular checks, and the webhooks that follow."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

import msgspec

from mingus.simulator import events
from mingus.simulator import firing
from mingus.simulator import life
from mingus.simulator.book import Book
from mingus.simulator.clock import iso
from mingus.simulator.ids import world_id
from mingus.simulator.pasts import Pasts
from mingus.simulator.people import person
from mingus.simulator.places import Place
from mingus.simulator.places import TransactionIds
from mingus.simulator.progress import HISTORICAL
from mingus.simulator.progress import INITIAL
from mingus.simulator.progress import NOT_READY
from mingus.simulator.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mingus.simulator.accounts import Account
    from mingus.simulator.history import History
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

Doc = dict[str, Any]

INITIAL_DAYS = 30
RETRY_IMPORT = timedelta(minutes=10)


@dataclass(slots=True, kw_only=True)
class Changes:
    """What one look at the bank brought."""

    added: int = 0
    modified: int = 0
    removed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.modified or self.removed)


class Updates:
    """Brings items up to date with their banks, on the clock and on demand."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._pasts = Pasts(sim)
        self._books: dict[str, Book] = {}
        self._progress: dict[str, Progress] = {
            key: msgspec.convert(doc, Progress) for key, doc in sim.store.all("progress")
        }

    def resume(self) -> None:
        """Plan what a former run had planned."""
        for item in self._sim.items.all():
            self._plan(item)
            life.plan(self._sim, item)

    def begin(self, item: Item) -> None:
        """A new item: plan its consent, and start the first import if it has Transactions."""
        life.plan(self._sim, item)
        if "transactions" in item.products:
            self.start(item)

    def start(self, item: Item, days_requested: int | None = None) -> None:
        """Initialise Transactions on the item; safe to repeat, only the first time counts."""
        if item.item_id in self._progress:
            return
        if days_requested:
            item.days_requested = days_requested
        now, config = self._sim.clock.now(), self._sim.config
        today = now.date().toordinal()
        self._progress[item.item_id] = progress = Progress(
            first_day=today - min(item.days_requested, self._pasts.days_known(item)) + 1,
            last_day=today,
            accounts=[row.plan.key for row in item.accounts if row.shared and row.has_transactions],
            initial_at=now + timedelta(seconds=config.initial_seconds),
            historical_at=now + timedelta(seconds=config.historical_seconds),
            checked_day=today,
            next_check_at=now + timedelta(hours=config.check_hours),
        )
        self._save(item, progress)
        self._plan(item)

    def progress(self, item: Item) -> Progress | None:
        """How far the import is; None while Transactions was never asked for."""
        return self._progress.get(item.item_id)

    def phase(self, item: Item) -> str:
        """The item's transactions_update_status."""
        progress = self._progress.get(item.item_id)
        return progress.phase if progress else NOT_READY

    def book(self, item: Item) -> Book:
        """The item's log; Transactions must have been started."""
        book = self._books.get(item.item_id)
        if book is None:
            progress = self._progress[item.item_id]
            ids = TransactionIds(item.item_key)
            days = (progress.first_day, progress.last_day)
            history = self._pasts.history(item, progress, ids)
            book = self._books[item.item_id] = Book(self._sim.store, item.item_id, history, ids, days)
        return book

    def history(self, item: Item) -> History:
        """The computed history that the item's book begins with; Transactions must have been started."""
        return self._pasts.history(item, self._progress[item.item_id], TransactionIds(item.item_key))

    def finish_import(self, item: Item) -> None:
        """Complete both phases at once."""
        with self._sim.store.lock:
            self.start(item)
            self._initial(item)
            self._historical(item)

    def check(self, item: Item) -> Changes:
        """Ask the bank for the days since the last check, and tell the item's webhook."""
        with self._sim.store.lock:
            changes = self.advance(item)
            self.announce(item, changes)
        return changes

    def announce(self, item: Item, changes: Changes) -> None:
        """Persist the item and send the webhooks that such changes bring."""
        if self.phase(item) == NOT_READY:
            return
        item.last_update = self._sim.clock.now()
        self._sim.items.save(item)
        if changes:
            events.default_update(self._sim, item, changes.added)
            if changes.removed:
                events.transactions_removed(self._sim, item, changes.removed)
            events.sync_updates(self._sim, item, historical=self.phase(item) == HISTORICAL)

    def post(self, item: Item, doc: Doc) -> None:
        """A posted transaction joins the log and moves the balance."""
        self.book(item).add(doc)
        if account := self._moving(item, doc):
            account.move(doc["amount"])
            account.hold(doc["amount"])

    def hold(self, item: Item, doc: Doc) -> None:
        """A pending transaction joins the log and reserves its amount."""
        self.book(item).add(doc)
        if account := self._moving(item, doc):
            account.hold(doc["amount"])

    def drop(self, item: Item, transaction_id: str) -> Doc:
        """A transaction leaves the log and gives back what it took; KeyError when it is not live."""
        doc = self.book(item).remove(transaction_id)
        if account := self._moving(item, doc):
            account.hold(-doc["amount"])
            if not doc["pending"]:
                account.move(-doc["amount"])
        return doc

    def rebalance(self, item: Item, before: Doc, after: Doc) -> None:
        """A transaction's amount was corrected."""
        difference = round(after["amount"] - before["amount"], 8)
        if difference and (account := self._moving(item, after)):
            account.hold(difference)
            if not after["pending"]:
                account.move(difference)

    def posted_id(self, item: Item, pending_id: str) -> str:
        """The id that a pending transaction gets when it posts."""
        ids = TransactionIds(item.item_key)
        found = ids.place(pending_id)
        return ids.of(found[0]) if found else world_id("posted", pending_id)

    def repaired(self, item: Item, joined: Sequence[Account]) -> None:
        """Catch up after update mode: what was missed, and the past of accounts that joined."""
        progress = self._progress.get(item.item_id)
        if progress is None or progress.phase == NOT_READY:
            return
        changes = self.advance(item)
        for doc in self._pasts.joined(item, progress, [row for row in joined if row.has_transactions]):
            self.book(item).add(doc)
            changes.added += 1
        self.announce(item, changes)

    def later_investments(self, item: Item) -> None:
        """Finish an asynchronous extraction of investment transactions a little later."""
        ready_at = self._sim.clock.now() + timedelta(seconds=self._sim.config.historical_seconds)
        self._sim.scheduler.at(ready_at, partial(self._investments_ready, item.item_id))

    def told(self, item_id: str, code: str, at: datetime) -> None:
        """A webhook reached its receiver; /item/get shows the last one."""
        with self._sim.store.lock:
            item = self._sim.items.find(item_id)
            if item and not item.removed:
                item.last_webhook = {"sent_at": iso(at), "code_sent": code}
                self._sim.items.save(item)

    def forget(self, item: Item) -> None:
        """Drop everything about a removed item."""
        self._books.pop(item.item_id, None)
        self._pasts.forget(item.item_id)
        self._progress.pop(item.item_id, None)
        for kind in ("book", "progress"):
            self._sim.store.delete(kind, item.item_id)
        self._sim.store.clear(f"log:{item.item_id}")

    def reset(self) -> None:
        """Forget everything."""
        self._books.clear()
        self._pasts = Pasts(self._sim)
        self._progress.clear()

    def _plan(self, item: Item) -> None:
        progress = self._progress.get(item.item_id)
        if progress is None:
            return
        at = self._sim.scheduler.at
        if progress.phase == NOT_READY:
            at(progress.initial_at, partial(self._import, item.item_id))
        if progress.phase != HISTORICAL:
            at(progress.historical_at, partial(self._import, item.item_id))
        at(progress.next_check_at, partial(self._regular, item.item_id))

    def _import(self, item_id: str) -> None:
        with self._sim.store.lock:
            item = self._sim.items.find(item_id)
            progress = self._progress.get(item_id)
            if item is None or item.removed or progress is None or progress.phase == HISTORICAL:
                return
            now = self._sim.clock.now()
            if not self.reachable(item):
                item.last_failure = now
                self._sim.items.save(item)
                self._sim.scheduler.at(now + RETRY_IMPORT, partial(self._import, item_id))
                return
            if now >= progress.initial_at:
                self._initial(item)
            if now >= progress.historical_at:
                self._historical(item)

    def _initial(self, item: Item) -> None:
        progress = self._progress[item.item_id]
        if progress.phase != NOT_READY:
            return
        book, history = self.book(item), self.history(item)
        for place in history.pending(progress.last_day):
            book.add(history.pending_doc(place))
        book.reveal(0, book.rows_since(progress.last_day - INITIAL_DAYS + 1))
        progress.phase = INITIAL
        item.last_update = self._sim.clock.now()
        self._save(item, progress)
        events.initial_update(self._sim, item, book.head)
        events.sync_updates(self._sim, item, historical=False)

    def _historical(self, item: Item) -> None:
        progress, book = self._progress[item.item_id], self.book(item)
        if progress.phase != INITIAL:
            return
        recent = book.rows_since(progress.last_day - INITIAL_DAYS + 1)
        book.reveal(recent, book.total - recent)
        progress.phase = HISTORICAL
        item.last_update = self._sim.clock.now()
        self._save(item, progress)
        events.historical_update(self._sim, item, book.total - recent)
        events.sync_updates(self._sim, item, historical=True)

    def _investments_ready(self, item_id: str) -> None:
        item = self._sim.items.find(item_id)
        if item and not item.removed:
            self._sim.store.put("async_investments_done", item_id, {})
            firing.movements_ready(self._sim, item)

    def _regular(self, item_id: str) -> None:
        with self._sim.store.lock:
            item, progress = self._sim.items.find(item_id), self._progress.get(item_id)
            if item is None or item.removed or progress is None:
                return
            now = self._sim.clock.now()
            progress.next_check_at = now + timedelta(hours=self._sim.config.check_hours)
            if self.reachable(item):
                self.announce(item, self.advance(item))
            else:
                item.last_failure = now
            self._save(item, progress)
            self._sim.scheduler.at(progress.next_check_at, partial(self._regular, item_id))

    def reachable(self, item: Item) -> bool:
        """Whether the bank would let Plaid in now."""
        status = self._sim.institutions.get(item.institution_id).status
        return item.error_code is None and not item.revoked and status not in ("DOWN", "UNSUPPORTED")

    def advance(self, item: Item) -> Changes:
        """Live through the days since the last check; the caller announces what changed."""
        changes = Changes()
        progress = self._progress.get(item.item_id)
        if progress is None or progress.phase == NOT_READY:
            return changes
        history = self.history(item)
        for day in range(progress.checked_day + 1, self._sim.clock.today().toordinal() + 1):
            self._live_day(item, history, day, changes)
            progress.checked_day = day
        self._save(item, progress)
        return changes

    def _live_day(self, item: Item, history: History, day: int, changes: Changes) -> None:
        """Let one day pass: what was pending posts or vanishes, the new is added."""
        book, ids = self.book(item), TransactionIds(item.item_key)
        closed = {row.account_id for row in item.accounts if not row.open}
        due = {doc["transaction_id"] for doc in book.pending() if self._posts_by(ids, doc, day)}
        for transaction_id in due:
            self.drop(item, transaction_id)
            changes.removed.append(transaction_id)
        for doc in self._posting(history, day):
            if doc["account_id"] in closed or book.knows(doc["transaction_id"]):
                continue
            if doc["pending_transaction_id"] not in due:
                doc = {**doc, "pending_transaction_id": None}
            self.post(item, doc)
            changes.added += 1
        for place in history.pending(day):
            doc = history.pending_doc(place)
            if doc["account_id"] not in closed and not book.knows(doc["transaction_id"]):
                self.hold(item, doc)
                changes.added += 1

    @staticmethod
    def _posts_by(ids: TransactionIds, doc: Doc, day: int) -> bool:
        found = ids.place(doc["transaction_id"])
        return found is not None and found[0].day <= day

    @staticmethod
    def _posting(history: History, day: int) -> list[Doc]:
        return [history.posted(Place(day, n)) for n in range(history.count(day))]

    def _moving(self, item: Item, doc: Doc) -> Account | None:
        """The account whose balance the transaction moves; some people's balances never move."""
        return (
            None if item.custom is None and person(item.person).constant else item.account(doc["account_id"])
        )

    def _save(self, item: Item, progress: Progress) -> None:
        self._sim.store.put("progress", item.item_id, msgspec.to_builtins(progress))
        self._sim.items.save(item)
