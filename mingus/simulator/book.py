"""One item's log of transactions: what was added, changed and removed, in the order in which it became known.

The log is a row of positions. A stretch of positions is either *computed* (the history that the bank had at the time of
linking, newest first) or *noted* (single entries of what happened later). A transaction that changes gets a new
position at the end and leaves its old one empty, so that reading from any position to the end gives each transaction
once, as it is now.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from dataclasses import field
from itertools import accumulate
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

import msgspec

from mingus.simulator.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mingus.simulator.history import History
    from mingus.simulator.places import TransactionIds
    from mingus.simulator.store import Store

Doc = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Stretch:
    """Positions from `start` on: `length` rows of the computed history from `index` on, or noted entries."""

    start: int
    length: int
    index: int | None = None


@dataclass(slots=True, kw_only=True)
class Note:
    """Something that happened: the transaction as it is since then, or None in `doc` when it was removed.

    `first` is the position at which the transaction became known, `was` its position before this note.
    """

    position: int
    transaction_id: str
    account_id: str
    first: int
    was: int | None = None
    doc: Doc | None = None


@dataclass(slots=True, kw_only=True)
class State:
    """What is kept of a book besides its notes."""

    stretches: list[Stretch] = field(default_factory=list)
    head: int = 0


class Entry(NamedTuple):
    """One readable row of the log; `doc` is None for a removal."""

    position: int
    first: int
    transaction_id: str
    account_id: str
    doc: Doc | None


class Book:
    """The log of one item. Every writing method persists what it did; call them under the store's lock."""

    def __init__(
        self, store: Store, item_id: str, history: History, ids: TransactionIds, days: tuple[int, int]
    ) -> None:
        """`days` are the first and last day of the computed stretch."""
        self._store, self._item_id, self._history, self._ids = store, item_id, history, ids
        self._first_day, self._last_day = days
        self._before: list[int] | None = None
        saved = store.get("book", item_id)
        self._state = msgspec.convert(saved, State) if saved else State()
        self._notes: list[Note] = []
        self._current: dict[str, Note] = {}
        # Positions of computed rows that moved elsewhere.
        self._moved: set[int] = set()
        for _, doc in sorted(store.all(f"log:{item_id}")):
            self._remember(msgspec.convert(doc, Note))

    @property
    def head(self) -> int:
        """The position behind the last row."""
        return self._state.head

    @property
    def total(self) -> int:
        """How many rows the computed history has."""
        return self._sums()[-1]

    def reveal(self, index: int, length: int) -> None:
        """Let a stretch of the computed history become known."""
        if length > 0:
            self._state.stretches.append(Stretch(start=self.head, length=length, index=index))
            self._state.head += length
            self._save()

    def rows_since(self, day: int) -> int:
        """How many rows of the computed history are of that day or later."""
        sums = self._sums()
        return sums[min(max(self._last_day - day + 1, 0), len(sums) - 1)]

    def add(self, doc: Doc) -> None:
        """A new transaction, or one that was removed and is back."""
        self._note(doc["transaction_id"], doc["account_id"], doc, self._known(doc["transaction_id"]))

    def change(self, transaction_id: str, **fields: Any) -> Doc:
        """The transaction with those fields changed; KeyError when it is not live."""
        doc = self.find(transaction_id)
        if doc is None:
            raise KeyError(transaction_id)
        changed = {**doc, **fields}
        self._note(transaction_id, doc["account_id"], changed, self._known(transaction_id))
        return changed

    def remove(self, transaction_id: str) -> Doc:
        """Take the transaction out; gives what it was. KeyError when it is not live."""
        doc = self.find(transaction_id)
        if doc is None:
            raise KeyError(transaction_id)
        self._note(transaction_id, doc["account_id"], None, self._known(transaction_id))
        return doc

    def find(self, transaction_id: str) -> Doc | None:
        """The live transaction of that id, or None."""
        note = self._current.get(transaction_id)
        if note:
            return note.doc
        position = self._computed_position(transaction_id)
        return None if position is None else self._computed_doc(position)

    def knows(self, transaction_id: str) -> bool:
        """Whether the log ever noted the transaction, removed ones included."""
        return transaction_id in self._current

    def entries(self, start: int, *, account_id: str | None = None) -> Iterator[Entry]:
        """The rows from a position on, each transaction once, as it is now."""
        for stretch in self._state.stretches:
            end = stretch.start + stretch.length
            if end <= start:
                continue
            begin = max(start, stretch.start)
            rows = (
                self._noted(begin, end)
                if stretch.index is None
                else self._computed(stretch, begin, end, account_id)
            )
            for entry in rows:
                if account_id in (None, entry.account_id):
                    yield entry

    def disturbed(self, origin: int, position: int, since: int) -> bool:
        """Whether a row between origin and position, handed out before, has changed since the head was `since`."""
        begin = self._note_index(since)
        return any(note.was is not None and origin <= note.was < position for note in self._notes[begin:])

    def live(self) -> Iterator[Doc]:
        """Every live transaction that is known, in log order."""
        return (entry.doc for entry in self.entries(0) if entry.doc is not None)

    def pending(self) -> list[Doc]:
        """The live pending transactions, oldest position first."""
        notes = sorted(self._current.values(), key=lambda note: note.position)
        return [note.doc for note in notes if note.doc and note.doc["pending"]]

    def noted_docs(self) -> list[Doc]:
        """The live transactions that are not of the computed history."""
        return [note.doc for note in self._current.values() if note.doc]

    def newest_posted(self) -> Doc | None:
        """The posted transaction that came or changed last, else the first of the computed history."""
        for note in reversed(self._notes):
            if note.doc and not note.doc["pending"] and self._current[note.transaction_id] is note:
                return note.doc
        return next((doc for doc in self.live() if not doc["pending"]), None)

    def computed_days(self) -> Iterator[tuple[int, int]]:
        """Known days of the computed history with their row counts, newest first."""
        known = sum(stretch.length for stretch in self._state.stretches if stretch.index is not None)
        sums = self._sums()
        for offset in range(len(sums) - 1):
            if sums[offset] >= known:
                return
            yield self._last_day - offset, sums[offset + 1] - sums[offset]

    def moved_places(self) -> list[Place]:
        """Places of the computed history whose rows changed or went."""
        return [self._place(self._index_at(position)) for position in self._moved]

    def _noted(self, begin: int, end: int) -> Iterator[Entry]:
        for note in self._notes[self._note_index(begin) : self._note_index(end)]:
            if self._current[note.transaction_id] is note:
                yield Entry(note.position, note.first, note.transaction_id, note.account_id, note.doc)

    def _computed(self, stretch: Stretch, begin: int, end: int, account_id: str | None) -> Iterator[Entry]:
        history, shift = self._history, (stretch.index or 0) - stretch.start
        for position in range(begin, end):
            if position in self._moved:
                continue
            place = self._place(position + shift)
            # Made only when wanted: a stream of one account skips most rows.
            if account_id is None or history.account_id(place) == account_id:
                doc = history.posted(place)
                yield Entry(position, position, doc["transaction_id"], doc["account_id"], doc)

    def _note(
        self, transaction_id: str, account_id: str, doc: Doc | None, known: tuple[int, int] | None
    ) -> None:
        position = self._extend()
        first, was = known or (position, None)
        note = Note(
            position=position,
            transaction_id=transaction_id,
            account_id=account_id,
            first=first,
            was=was,
            doc=doc,
        )
        self._remember(note)
        self._store.put(f"log:{self._item_id}", f"{position:012d}", msgspec.to_builtins(note))

    def _remember(self, note: Note) -> None:
        if note.was is not None and note.transaction_id not in self._current:
            self._moved.add(note.was)
        self._notes.append(note)
        self._current[note.transaction_id] = note

    def _known(self, transaction_id: str) -> tuple[int, int] | None:
        """First and present position of a transaction that the log has; one that comes back begins anew."""
        note = self._current.get(transaction_id)
        if note:
            return (note.first if note.doc else self.head), note.position
        position = self._computed_position(transaction_id)
        return None if position is None else (position, position)

    def _extend(self) -> int:
        stretches, position = self._state.stretches, self._state.head
        if stretches and stretches[-1].index is None:
            stretches[-1].length += 1
        else:
            stretches.append(Stretch(start=position, length=1))
        self._state.head += 1
        self._save()
        return position

    def _note_index(self, position: int) -> int:
        return bisect_right(self._notes, position - 1, key=lambda note: note.position)

    def _computed_position(self, transaction_id: str) -> int | None:
        found = self._ids.place(transaction_id)
        return None if found is None or found[1] else self._position_of(found[0])

    def _position_of(self, place: Place) -> int | None:
        offset = self._last_day - place.day
        sums = self._sums()
        if not 0 <= offset < len(sums) - 1 or place.n >= sums[offset + 1] - sums[offset]:
            return None
        index = sums[offset] + place.n
        for stretch in self._state.stretches:
            if stretch.index is not None and stretch.index <= index < stretch.index + stretch.length:
                return stretch.start + index - stretch.index
        return None

    def _index_at(self, position: int) -> int:
        starts = [stretch.start for stretch in self._state.stretches]
        stretch = self._state.stretches[bisect_right(starts, position) - 1]
        return position - stretch.start + (stretch.index or 0)

    def _computed_doc(self, position: int) -> Doc:
        return self._history.posted(self._place(self._index_at(position)))

    def _place(self, index: int) -> Place:
        sums = self._sums()
        offset = bisect_right(sums, index) - 1
        return Place(self._last_day - offset, index - sums[offset])

    def _sums(self) -> list[int]:
        """How many rows the newest 0, 1, 2 … days have."""
        if self._before is None:
            days = range(self._last_day, self._first_day - 1, -1)
            self._before = list(accumulate((self._history.count(day) for day in days), initial=0))
        return self._before

    def _save(self) -> None:
        self._store.put("book", self._item_id, msgspec.to_builtins(self._state))
