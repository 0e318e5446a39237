"""What is true after a storm: ledgers as at the bank, what was acknowledged in the inbox, syncs and notices once."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

import urllib3
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy.orm import aliased

from mingus.db import db
from mingus.notices.models import Notice
from mingus.notices.models import NoticeKind
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.models import PlaidConnection
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent
from tests.support.ledger import stored
from tests.support.ledger import truth

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.support.bank import AtPlaid

STILL_SECONDS = 240.0  # longer than any patience of ours after a few failures
LOOK_SECONDS = 2.0
REMEMBERED = 2000  # deliveries that the simulator remembers


class Witness:
    """Asks the simulator again and again what was acknowledged to it, before it forgets."""

    def __init__(self, plaid: AtPlaid) -> None:
        self._plaid = plaid
        self._acknowledged: dict[int, tuple[str, int]] = {}

    def look(self) -> None:
        """Remember how often each delivery was answered with 200 so far."""
        newest = max(self._acknowledged, default=0)
        url = f"{self._plaid.base_url}/control/deliveries?after={max(0, newest - REMEMBERED)}&limit={REMEMBERED}"
        for row in urllib3.request("GET", url).json()["deliveries"]:
            times = [attempt["outcome"] for attempt in row["attempts"]].count("200")
            self._acknowledged[row["number"]] = (row["item_id"], times)

    def missing(self) -> int:
        """Acknowledged ones that the inbox has not counted."""
        acknowledged = Counter[str]()
        for item, times in self._acknowledged.values():
            acknowledged[item] += times
        seen = func.sum(WebhookEvent.times_seen)
        rows = db.session.execute(
            select(WebhookEvent.plaid_item_id, seen).group_by(WebhookEvent.plaid_item_id)
        )
        counted = {item: int(times) for item, times in rows}
        db.session.rollback()
        return sum(max(0, times - counted.get(item, 0)) for item, times in acknowledged.items())

    @property
    def acknowledged(self) -> int:
        return sum(times for _, times in self._acknowledged.values())


def differing(plaid: AtPlaid, connections: dict[str, str]) -> dict[str, str]:
    """Those whose ledger is not their bank's truth."""
    return {
        connection: item
        for connection, item in connections.items()
        if stored(connection) != truth(plaid, item)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What was still to be done when the waiting ended, after how long."""

    seconds: float
    webhooks: int
    syncs: int
    ledgers: int

    @property
    def count(self) -> int:
        return self.webhooks + self.syncs + self.ledgers


def caught_up(plaid: AtPlaid, connections: dict[str, str], witness: Witness) -> Left:
    """Wait until every ledger is true and nothing waits, for as long as it becomes less.

    Rows are counted until none waits, and only then are ledgers held against the bank: that takes as much of the
    machine as the syncs that are waited for.
    """
    started = moved = time.monotonic()
    unproven, fewest = connections, None
    while True:
        witness.look()
        webhooks, syncs = _waiting()
        still = time.monotonic() - moved > STILL_SECONDS
        if still or not (webhooks or syncs):
            unproven = differing(plaid, unproven) or differing(plaid, connections)
        now = time.monotonic()
        left = Left(seconds=now - started, webhooks=webhooks, syncs=syncs, ledgers=len(unproven))
        db.session.remove()  # no transaction of ours stands open when the database goes
        if still or not left.count:
            return left
        if fewest is None or left.count < fewest:
            fewest, moved = left.count, now
        time.sleep(LOOK_SECONDS)


def _waiting() -> tuple[int, int]:
    """How many webhooks are to be handled, and how many connections are to be synced."""
    events = db.session.scalar(select(func.count()).where(WebhookEvent.state == EventState.WAITING.value))
    wanted = db.session.scalar(
        select(func.count()).where(PlaidConnection.wanted_seq > PlaidConnection.done_seq)
    )
    return events or 0, wanted or 0


def not_stored(bodies: Collection[bytes]) -> int:
    """How many of these bodies, each sent once and acknowledged, are not in the inbox exactly once."""
    found = Counter(bytes(body) for body in db.session.scalars(select(WebhookEvent.body)))
    db.session.rollback()
    return sum(found[body] != 1 for body in bodies)


def figures(connections: int) -> dict[str, Any]:
    """What the database says of it."""
    db.session.rollback()
    twice = (
        select(PlaidTransaction.connection_id)
        .group_by(PlaidTransaction.connection_id, PlaidTransaction.plaid_transaction_id)
        .having(func.count() > 1)
    )
    one, other = aliased(PlaidSyncLog), aliased(PlaidSyncLog)
    good = (SyncStatus.SUCCESS.value, SyncStatus.PARTIAL.value)
    at_once = (
        select(func.count())
        .select_from(one)
        .join(other, (other.connection_id == one.connection_id) & (other.id > one.id))
        .where(one.status.in_(good), other.status.in_(good))
        .where(one.started_at < other.finished_at, other.started_at < one.finished_at)
    )
    first = Notice.kind == NoticeKind.IMPORTED.value
    told = (
        db.session.execute(select(func.count()).where(first).group_by(Notice.connection_id)).scalars().all()
    )
    states = db.session.execute(select(WebhookEvent.state, func.count()).group_by(WebhookEvent.state))
    syncs = db.session.execute(select(PlaidSyncLog.status, func.count()).group_by(PlaidSyncLog.status))
    return {
        "transactions": db.session.scalar(select(func.count()).select_from(PlaidTransaction)),
        "rows_twice": len(db.session.execute(twice).all()),
        "syncs_at_once": db.session.scalar(at_once),
        "first_imports_told": len(told),
        "notices_wrong": sum(count != 1 for count in told) + connections - len(told),
        "webhooks": {row[0]: row[1] for row in states},
        "syncs": {row[0]: row[1] for row in syncs},
    }
