"""Writes many webhooks in one transaction: whoever comes while one is being written is written with the next.

A commit waits for the disk. One for each webhook would let a storm wait in line; together they share the wait, and
each is still durable before it is acknowledged.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import Table
from sqlalchemy import bindparam
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite

from mingus.db import unit_of_work
from mingus.jobs import JobKind
from mingus.plaid.models import PlaidConnection
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from mingus.jobs import Jobs

Row = dict[str, Any]
MOST_UNTOLD = 20  # batches one after the other, of which a worker has not been told
EVENTS: Table = WebhookEvent.__table__  # type: ignore[assignment]  # a mapped class has a table
CONNECTIONS: Table = PlaidConnection.__table__  # type: ignore[assignment]  # a mapped class has a table
COLUMNS = (
    *("id", "meaning", "body", "headers", "key_id", "signed_at", "webhook_type", "webhook_code"),
    *("plaid_item_id", "link_token_hash", "state", "first_seen_at", "last_seen_at", "times_seen"),
    *("next_try_at", "attempts"),
)


class Scribe:
    """Stores rows of webhooks; returns when they are durable."""

    def __init__(self, *, jobs: Jobs, environment: str) -> None:
        self._jobs = jobs
        self._environment = environment
        self._mutex = threading.Lock()
        self._writing = threading.Lock()
        self._pending: list[_Entry] = []
        self._untold = 0

    def store(self, row: Row) -> None:
        """Store one row, or raise what kept it from being stored."""
        entry = _Entry(row)
        with self._mutex:
            self._pending.append(entry)
        nudge = False
        with self._writing:  # whoever gets in first writes for all that wait here
            if not entry.finished:
                with self._mutex:
                    batch, self._pending = self._pending, []
                nudge = self._write(batch)
        if nudge:  # with the way free for the next batch
            self._jobs.enqueue(JobKind.INBOX)
        if entry.failure is not None:
            raise entry.failure

    def _write(self, batch: list[_Entry]) -> bool:
        """Write a batch; True when a worker is to be told: by the last of those who come one after the other."""
        failure: BaseException | None = None
        try:
            rows = _merged([entry.row for entry in batch])
            self._commit(rows)
        except BaseException as err:
            failure = err
            raise
        finally:
            for entry in batch:
                entry.finished, entry.failure = True, failure
        self._untold += any(row["state"] == EventState.WAITING.value for row in rows)
        with self._mutex:
            others_follow = bool(self._pending)
        if not self._untold or (others_follow and self._untold < MOST_UNTOLD):
            return False
        self._untold = 0
        return True

    def _commit(self, rows: list[Row]) -> None:
        with unit_of_work() as unit:
            for row in rows:
                row["environment"] = self._environment
            connection = unit.session.connection()
            connection.execute(STATEMENTS[connection.dialect.name], rows)


class _Entry:
    """A row on its way."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.finished = False
        self.failure: BaseException | None = None


def _merged(rows: list[Row]) -> list[Row]:
    """One row for each meaning: a statement may not touch a row twice."""
    found: dict[str, Row] = {}
    for row in rows:
        same = found.setdefault(row["meaning"], row)
        if same is not row:
            same["times_seen"] += 1
            same["last_seen_at"] = max(same["last_seen_at"], row["last_seen_at"])
    return list(found.values())


def _insert(insert: Callable[..., Any]) -> Any:
    """Which sync of the connection is the latest now comes with the row: a later one will have seen the news."""
    fence = select(CONNECTIONS.c.fence).where(
        CONNECTIONS.c.environment == bindparam("environment"),
        CONNECTIONS.c.plaid_item_id == bindparam("plaid_item_id"),
    )
    statement = insert(EVENTS).values(
        {name: bindparam(name) for name in COLUMNS} | {"fence_seen": fence.scalar_subquery()}
    )
    return statement.on_conflict_do_update(
        index_elements=["meaning"],
        set_={
            "times_seen": EVENTS.c.times_seen + statement.excluded.times_seen,
            "last_seen_at": statement.excluded.last_seen_at,
        },
    )


STATEMENTS = {"sqlite": _insert(sqlite.insert), "postgresql": _insert(postgresql.insert)}
