"""Connections that rest: the operator paused them, and nobody asks their bank until they go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mingus.audit import AuditAction
from mingus.db import unit_of_work
from mingus.errors import MingusError
from mingus.jobs import JobKind
from mingus.plaid.models import PlaidConnection

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.audit import AuditTrail
    from mingus.auth.models import UserId
    from mingus.jobs import Jobs
    from mingus.plaid.connections import Connections
    from mingus.plaid.models import ConnectionId


class Paused(MingusError):
    """This bank rests: the people who run this MINGUS paused it. Nothing is lost; it goes on when they let it."""

    status = 409
    code = "paused"


class Resting:
    """Pauses connections and lets them go on. What is wished for meanwhile waits and is done then."""

    def __init__(self, *, ambient: Ambient, jobs: Jobs, connections: Connections, trail: AuditTrail) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._connections = connections
        self._trail = trail

    def pause(self, connection_id: ConnectionId, *, by: UserId) -> None:
        """Let nobody ask this bank from now on; a sync that runs comes to its end. Twice is once."""
        with unit_of_work() as unit:
            connection = unit.lock_one(PlaidConnection, connection_id)
            if connection.paused_at is not None:
                return
            connection.paused_at = self._ambient.now()
            self._trail.record(
                unit, AuditAction.SYNCS_PAUSED, actor=by, subject=connection.user_id, target=connection_id
            )

    def resume(self, connection_id: ConnectionId, *, by: UserId) -> None:
        """Go on: with a look at the bank, and with what was wished for meanwhile. Twice is once."""
        with unit_of_work() as unit:
            connection = unit.lock_one(PlaidConnection, connection_id)
            if connection.paused_at is None:
                return
            connection.paused_at = None
            self._connections.look_now(unit, connection)
            self._trail.record(
                unit, AuditAction.SYNCS_RESUMED, actor=by, subject=connection.user_id, target=connection_id
            )
            unit.after_commit(lambda: self._jobs.enqueue(JobKind.SYNC, connection_id=connection_id))
