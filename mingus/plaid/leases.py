"""Who syncs a connection: wishes are counted, one worker at a time holds the lease, and its fence ages.

A wish during a sync is one further sync. A worker that froze past its lease finds a newer fence when it wants to
commit, and throws its work away.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import READABLE

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from mingus.ambient import Ambient
    from mingus.db import Unit

LEASE = dt.timedelta(seconds=60)
SWEEP_SIZE = 100
MOST_CRASHES = 5  # then nobody tries until somebody asks
ASKED = frozenset({Trigger.PERSON, Trigger.OPERATOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to sync one connection, for a while."""

    connection_id: ConnectionId
    fence: int
    wanted_seq: int
    sync_id: SyncId


class Leases:
    """Takes, keeps and gives back leases."""

    def __init__(self, *, ambient: Ambient, environment: str) -> None:
        self._ambient = ambient
        self._environment = environment

    def wish(self, unit: Unit, connection: PlaidConnection, trigger: Trigger) -> SyncId:
        """Wish for a sync in the caller's unit; of several wishes one waits. What somebody asks for ends the patience."""
        connection.wanted_seq += 1
        if trigger in ASKED and not self._runs(unit, connection.id):
            connection.lease_until = None  # held for a later try, not by a worker
        if trigger in ASKED:
            connection.crashes = 0
        waiting = unit.session.scalar(
            select(PlaidSyncLog.id).where(
                PlaidSyncLog.connection_id == connection.id, PlaidSyncLog.status == SyncStatus.WAITING.value
            )
        )
        if waiting is not None:
            return waiting
        return self._new_log(unit, connection, trigger).id

    def _runs(self, unit: Unit, connection_id: ConnectionId) -> bool:
        running = PlaidSyncLog.status == SyncStatus.RUNNING.value
        found = select(PlaidSyncLog.id).where(PlaidSyncLog.connection_id == connection_id, running)
        return unit.session.scalar(found.limit(1)) is not None

    def take(self, connection_id: ConnectionId) -> Lease | None:
        """The lease, or None when nothing is wanted or somebody holds it."""
        now = self._ambient.now()
        with unit_of_work() as unit:
            row = unit.session.execute(
                update(PlaidConnection)
                .where(PlaidConnection.id == connection_id, *self._wanted(now))
                .values(
                    lease_until=now + LEASE,
                    fence=PlaidConnection.fence + 1,
                    crashes=PlaidConnection.crashes + 1,  # until it is given back
                )
                .returning(PlaidConnection.fence, PlaidConnection.wanted_seq)
                .execution_options(synchronize_session=False)
            ).one_or_none()
            if row is None:
                return None
            connection = unit.lock_one(PlaidConnection, connection_id)
            sync_id = self._begin_log(unit, connection, now)
            return Lease(
                connection_id=connection_id, fence=row.fence, wanted_seq=row.wanted_seq, sync_id=sync_id
            )

    def keep(self, lease: Lease) -> bool:
        """Prolong the lease; False when it is somebody else's by now."""
        with unit_of_work() as unit:
            kept = unit.session.execute(
                update(PlaidConnection)
                .where(PlaidConnection.id == lease.connection_id, PlaidConnection.fence == lease.fence)
                .values(lease_until=self._ambient.now() + LEASE)
            )
            return bool(kept.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult

    def wanted(self) -> list[str]:
        """Connections that somebody wants synced and nobody syncs; what the sweep asks for."""
        return list(
            db.session.scalars(
                select(PlaidConnection.id).where(*self._wanted(self._ambient.now())).limit(SWEEP_SIZE)
            )
        )

    def _wanted(self, now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
        return (
            PlaidConnection.wanted_seq > PlaidConnection.done_seq,
            PlaidConnection.crashes < MOST_CRASHES,
            or_(PlaidConnection.lease_until.is_(None), PlaidConnection.lease_until <= now),
            PlaidConnection.environment == self._environment,
            PlaidConnection.state.in_({state.value for state in READABLE}),
        )

    def _begin_log(self, unit: Unit, connection: PlaidConnection, now: dt.datetime) -> SyncId:
        """The log of this run: the waiting one; what a dead worker left running is superseded by it."""
        running = PlaidSyncLog.status == SyncStatus.RUNNING.value
        unit.session.execute(
            update(PlaidSyncLog)
            .where(PlaidSyncLog.connection_id == connection.id, running)
            .values(status=SyncStatus.SUPERSEDED.value, finished_at=now)
        )
        waiting = unit.session.scalar(
            select(PlaidSyncLog)
            .where(
                PlaidSyncLog.connection_id == connection.id, PlaidSyncLog.status == SyncStatus.WAITING.value
            )
            .order_by(PlaidSyncLog.id)
            .limit(1)
            .execution_options(populate_existing=True)
        )
        if waiting is None:  # the wish of a run that failed and is tried again
            waiting = self._new_log(unit, connection, Trigger.SCHEDULE)
        waiting.status, waiting.started_at = SyncStatus.RUNNING.value, now
        return waiting.id

    def _new_log(self, unit: Unit, connection: PlaidConnection, trigger: Trigger) -> PlaidSyncLog:
        log = PlaidSyncLog(
            id=SyncId(self._ambient.new_id("sync")),
            connection_id=connection.id,
            user_id=connection.user_id,
            trigger=trigger.value,
            status=SyncStatus.WAITING.value,
            requested_at=self._ambient.now(),
        )
        unit.session.add(log)
        return log
