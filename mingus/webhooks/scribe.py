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
        self._pending: list[_Entry] = []
        self._somebody_writes = False
        self._untold = 0

    def store(self, row: Row) -> None:
        """Store one row, or raise what kept it from being stored."""
        entry = _Entry(row)
        with self._mutex:
            self._pending.append(entry)
            mine, self._somebody_writes = not self._somebody_writes, True
        if not mine:
            entry.gate.acquire()  # opened when the row is written, or when it is our turn to write
        if not entry.finished and self._write():
            self._jobs.enqueue(JobKind.INBOX)
        if entry.failure is not None:
            raise entry.failure

    def _write(self) -> bool:
        """Write all that wait; True when a worker is to be told."""
        with self._mutex:
            batch, self._pending = self._pending, []
        failure: BaseException | None = None
        news = tell = False
        try:
            rows = _merged([entry.row for entry in batch])
            self._commit(rows)
            news = any(row["state"] == EventState.WAITING.value for row in rows)
        except BaseException as err:
            failure = err
            raise
        finally:
            tell = self._hand_on(news=news)
            for entry in batch:
                entry.finished, entry.failure = True, failure
                entry.gate.release()
        return tell

    def _hand_on(self, *, news: bool) -> bool:
        """Whoever came meanwhile first writes next; True when a worker is to be told, by the last of several."""
        with self._mutex:
            following = self._pending[0] if self._pending else None
            self._somebody_writes = following is not None
            self._untold += news
            tell = bool(self._untold) and (following is None or self._untold >= MOST_UNTOLD)
            if tell:
                self._untold = 0
        if following is not None:
            following.gate.release()
        return tell

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
        self.gate = threading.Lock()
        self.gate.acquire()
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
