"""One page of /transactions/sync."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator import cursors
from mingus.simulator.errors import refuse
from mingus.simulator.progress import NOT_READY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.simulator.book import Entry
    from mingus.simulator.cursors import Cursor
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

Page = dict[str, Any]

NOW = "now"
REISSUE_SECONDS = 86_400


def page(sim: Simulator, item: Item, *, cursor: str | None, count: int, account_id: str | None) -> Page:
    """The next `count` changes after the cursor, in the order in which they became known."""
    with sim.store.lock:
        _first_call(sim, item)
        phase = sim.updates.phase(item)
        stream = cursors.stream_of(item.item_id, account_id)
        if phase == NOT_READY:
            if cursor and cursor != NOW:
                _parsed(sim, cursor, stream)
            return _shape(item, phase, [], origin=0, next_cursor="", has_more=False)
        head = sim.updates.book(item).head
        start = _start(sim, cursor, stream, head)
        if start.position != start.origin:
            _refuse_if_moved(sim, item, start)
        return _page(sim, item, start, phase=phase, count=count, account_id=account_id, given=cursor)


def _page(
    sim: Simulator,
    item: Item,
    start: Cursor,
    *,
    phase: str,
    count: int,
    account_id: str | None,
    given: str | None,
) -> Page:
    book = sim.updates.book(item)
    rows = list(islice(book.entries(start.position, account_id=account_id), count + 1))
    has_more = len(rows) > count
    rows = rows[:count]
    now = int(sim.clock.now().timestamp())
    if has_more:
        # What changed before this page was read is in it; only what changes from here on can disturb it.
        after = replace(start, position=rows[-1].position + 1, since=book.head, issued=now)
    else:
        after = replace(start, position=book.head, origin=book.head, since=book.head, issued=now)
    settled = start.position == start.origin == book.head and now - start.issued < REISSUE_SECONDS
    # Nothing new: the same cursor again, so that a client may see by it that nothing happened.
    next_cursor = given if settled and given and given != NOW else after.text(sim.config.seed)
    return _shape(item, phase, rows, origin=start.origin, next_cursor=next_cursor, has_more=has_more)


def _start(sim: Simulator, cursor: str | None, stream: str, head: int) -> Cursor:
    now = sim.clock.now()
    if not cursor:
        return cursors.beginning(stream, now, head)
    if cursor == NOW:
        return replace(cursors.beginning(stream, now, head), position=head, origin=head)
    return _parsed(sim, cursor, stream)


def _parsed(sim: Simulator, cursor: str, stream: str) -> Cursor:
    return cursors.parse(cursor, stream=stream, seed=sim.config.seed, now=sim.clock.now())


def _refuse_if_moved(sim: Simulator, item: Item, start: Cursor) -> None:
    if sim.updates.book(item).disturbed(start.origin, start.position, start.since):
        refuse("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION")


def _first_call(sim: Simulator, item: Item) -> None:
    """From the first call on the item is told of updates."""
    if not item.sync_called:
        item.sync_called = True
        sim.items.save(item)


def _shape(
    item: Item, phase: str, rows: Sequence[Entry], *, origin: int, next_cursor: str, has_more: bool
) -> Page:
    touched = {row.account_id for row in rows}
    return {
        "accounts": [row.shape() for row in item.visible_accounts() if row.account_id in touched],
        # A row that this reader cannot have seen before is new to it, however often it has changed since.
        "added": [row.doc for row in rows if row.doc is not None and row.first >= origin],
        "has_more": has_more,
        "modified": [row.doc for row in rows if row.doc is not None and row.first < origin],
        "next_cursor": next_cursor,
        "removed": [
            {"account_id": row.account_id, "transaction_id": row.transaction_id}
            for row in rows
            if row.doc is None
        ],
        "transactions_update_status": phase,
    }
