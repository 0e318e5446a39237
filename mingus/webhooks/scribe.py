"""Writes many webhooks in one transaction: whoever comes while one is being written is written with the next.

A commit waits for the disk. One for each webhook would let a storm wait in line; together they share the wait, and
each is still durable before it is acknowledged.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from typing import Any

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

    from mingus.db import Unit
    from mingus.jobs import Jobs

Row = dict[str, Any]


class Scribe:
    """Stores rows of webhooks; returns when they are durable."""

    def __init__(self, *, jobs: Jobs, environment: str) -> None:
        self._jobs = jobs
        self._environment = environment
        self._mutex = threading.Lock()
        self._writing = threading.Lock()
        self._pending: list[_Entry] = []

    def store(self, row: Row) -> None:
        """Store one row, or raise what kept it from being stored."""
        entry = _Entry(row)
        with self._mutex:
            self._pending.append(entry)
        with self._writing:  # whoever gets in first writes for all that wait here
            if not entry.finished:
                with self._mutex:
                    batch, self._pending = self._pending, []
                self._write(batch)
        if entry.failure is not None:
            raise entry.failure

    def _write(self, batch: list[_Entry]) -> None:
        failure: BaseException | None = None
        try:
            self._commit(_merged([entry.row for entry in batch]))
        except BaseException as err:
            failure = err
            raise
        finally:
            for entry in batch:
                entry.finished, entry.failure = True, failure

    def _commit(self, rows: list[Row]) -> None:
        with unit_of_work() as unit:
            fences = self._fences(unit, rows)
            for row in rows:
                row["fence_seen"] = fences.get(row["plaid_item_id"])
            unit.session.execute(_statement(unit), rows)
            if any(row["state"] == EventState.WAITING.value for row in rows):
                unit.after_commit(lambda: self._jobs.enqueue(JobKind.INBOX))

    def _fences(self, unit: Unit, rows: list[Row]) -> dict[str, int]:
        """Which sync of each connection is the latest now: a later one will have seen the news."""
        items = {row["plaid_item_id"] for row in rows} - {None}
        found = unit.session.execute(
            select(PlaidConnection.plaid_item_id, PlaidConnection.fence).where(
                PlaidConnection.environment == self._environment, PlaidConnection.plaid_item_id.in_(items)
            )
        )
        return {row.plaid_item_id: row.fence for row in found}


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
    statement = insert(WebhookEvent.__table__)
    return statement.on_conflict_do_update(
        index_elements=["meaning"],
        set_={
            "times_seen": WebhookEvent.__table__.c.times_seen + statement.excluded.times_seen,
            "last_seen_at": statement.excluded.last_seen_at,
        },
    )


STATEMENTS = {"sqlite": _insert(sqlite.insert), "postgresql": _insert(postgresql.insert)}


def _statement(unit: Unit) -> Any:
    return STATEMENTS[unit.session.get_bind().dialect.name]
