"""When connections are looked at without being asked: syncs by the member's choice, polling while webhooks are silent.

Every connection has its own due times in its row, spread by its id, so that thousands do not come at once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.jobs import JobKind
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidConnection
from mingus.plaid.models import SyncChoice
from mingus.plaid.polling import DEFAULT_HOURS
from mingus.plaid.polling import SCHEDULED
from mingus.plaid.polling import plan_next
from mingus.plaid.states import MOST_CRASHES

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.jobs import Jobs
    from mingus.plaid.connections import Connections
    from mingus.plaid.leases import Leases

log = logging.getLogger(__name__)

CHOICES = (6, 12, 24)
PARKED = "SYNC_PARKED"
SWEEP_SIZE = 200


class Schedules:
    """Wishes for syncs when their time has come."""

    def __init__(
        self, *, ambient: Ambient, jobs: Jobs, leases: Leases, connections: Connections, environment: str
    ) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._leases = leases
        self._connections = connections
        self._environment = environment

    def due(self) -> list[str]:
        """Connections whose scheduled sync has come."""
        return list(
            db.session.scalars(
                select(PlaidConnection.id)
                .where(
                    PlaidConnection.state.in_(SCHEDULED),
                    PlaidConnection.environment == self._environment,
                    PlaidConnection.next_sync_at <= self._ambient.now(),
                    PlaidConnection.paused_at.is_(None),
                )
                .order_by(PlaidConnection.next_sync_at)
                .limit(SWEEP_SIZE)
            )
        )

    def run(self, connection_id: ConnectionId) -> None:
        """Wish for the scheduled sync, if no other worker has; safe to repeat."""
        now = self._ambient.now()
        with unit_of_work() as unit:
            connection = unit.lock(PlaidConnection, connection_id)
            if connection is None or connection.next_sync_at is None or connection.next_sync_at > now:
                return
            if connection.state not in SCHEDULED:
                return
            plan_next(unit, connection, now)
            self._leases.wish(unit, connection, Trigger.SCHEDULE)
            unit.after_commit(lambda: self._jobs.enqueue(JobKind.SYNC, connection_id=connection_id))

    def park_stuck(self) -> None:
        """Tell of connections whose syncs ended workers again and again: they are left alone until somebody asks."""
        now = self._ambient.now()
        found = db.session.scalars(
            select(PlaidConnection.id).where(
                PlaidConnection.crashes >= MOST_CRASHES,
                PlaidConnection.lease_until <= now,
                func.coalesce(PlaidConnection.error_code, "") != PARKED,
            )
        ).all()
        for connection_id in found:
            log.error("sync parked: it ended its worker each time", extra={"connection_id": connection_id})
            with unit_of_work() as unit:
                unit.session.execute(
                    update(PlaidSyncLog)
                    .where(
                        PlaidSyncLog.connection_id == connection_id,
                        PlaidSyncLog.status == SyncStatus.RUNNING.value,
                    )
                    .values(status=SyncStatus.FAILED.value, finished_at=now, error_code=PARKED)
                )
            self._connections.note_failure(connection_id, PlaidFailure(PARKED), cause="sync")

    def choose(self, user_id: UserId, hours: int) -> None:
        """Have the member's banks synced at least every so many hours, from now on."""
        if hours not in CHOICES:
            raise ValueError(hours)
        now = self._ambient.now()
        with unit_of_work() as unit:
            upsert(unit.session, SyncChoice, [{"user_id": user_id, "hours": hours}], key=["user_id"])
            own = select(PlaidConnection).where(
                PlaidConnection.user_id == user_id, PlaidConnection.next_sync_at.is_not(None)
            )
            for connection in unit.session.scalars(own.with_for_update()):
                plan_next(unit, connection, now)

    def hours_of(self, user_id: UserId) -> int:
        """How often the member's banks are synced at least."""
        choice = db.session.get(SyncChoice, user_id, populate_existing=True)
        return choice.hours if choice is not None else DEFAULT_HOURS
