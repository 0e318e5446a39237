"""Who syncs a connection: wishes are counted, one worker at a time holds the lease, and its fence ages.

A wish during a sync is one further sync. A worker that froze past its lease finds a newer fence when it wants to
commit, and throws its work away.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import Integer
from sqlalchemy import Row
from sqlalchemy import String
from sqlalchemy import Table
from sqlalchemy import bindparam
from sqlalchemy import case
from sqlalchemy import literal_column
from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import UtcDateTime
from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidConnection
from mingus.plaid.polling import working_state
from mingus.plaid.states import MOST_CRASHES
from mingus.plaid.states import READABLE
from mingus.vault import Sealed
from mingus.vault import sealed_beside

if TYPE_CHECKING:
    from sqlalchemy import BindParameter
    from sqlalchemy import ColumnElement

    from mingus.ambient import Ambient
    from mingus.db import Unit
    from mingus.sealed import SecretId

LEASE = dt.timedelta(seconds=60)
SWEEP_SIZE = 100
# What stands in other tables and a sync has to know, for the statement that claims. Spelled out: in what an UPDATE
# returns, SQLAlchemy leaves out the tables' names on SQLite, and a column would be compared with itself.
BESIDE = (
    literal_column(
        "(SELECT min(a.balance_at) FROM plaid_accounts a"
        " WHERE a.connection_id = plaid_connections.id AND a.closed_at IS NULL)",
        UtcDateTime(),
    ),
    literal_column(
        "(SELECT p.id FROM plaid_parked_rows p WHERE p.connection_id = plaid_connections.id LIMIT 1)",
        String(),
    ),
    literal_column(
        "(SELECT r.id FROM plaid_product_refreshes r"
        " WHERE r.connection_id = plaid_connections.id AND r.failures > 0 LIMIT 1)",
        String(),
    ),
    literal_column(
        "(SELECT s.sync_id FROM plaid_stagings s WHERE s.connection_id = plaid_connections.id LIMIT 1)",
        String(),
    ),
    literal_column(
        "(SELECT c.hours FROM sync_choices c WHERE c.user_id = plaid_connections.user_id)", Integer()
    ),
    *(
        literal_column(
            f"(SELECT i.{column} FROM plaid_institutions i"  # noqa: S608 (one of two names)
            " WHERE i.plaid_institution_id = plaid_connections.plaid_institution_id)",
            kind,
        )
        for column, kind in (("trouble_count", Integer()), ("trouble_until", UtcDateTime()))
    ),
    *sealed_beside("plaid_connections.secret_id"),
)
TABLE: Table = PlaidConnection.__table__  # type: ignore[assignment]  # a mapped class has a table
LOGS: Table = PlaidSyncLog.__table__  # type: ignore[assignment]  # a mapped class has a table
RUNNING, WAITING = SyncStatus.RUNNING.value, SyncStatus.WAITING.value
# built once, as every sync needs it: the waiting log runs, what a dead worker left running is superseded
BEGIN_LOG = (
    update(LOGS)
    .where(LOGS.c.connection_id == bindparam("of"), LOGS.c.status.in_((RUNNING, WAITING)))
    .values(
        status=case((LOGS.c.status == RUNNING, SyncStatus.SUPERSEDED.value), else_=RUNNING),
        started_at=case((LOGS.c.status == WAITING, bindparam("now")), else_=LOGS.c.started_at),
        finished_at=case((LOGS.c.status == RUNNING, bindparam("now")), else_=LOGS.c.finished_at),
    )
    .returning(LOGS.c.id, LOGS.c.status, LOGS.c.trigger)
)
Claimed = PlaidConnection | Row[Any]
ASKED = frozenset({Trigger.PERSON, Trigger.OPERATOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a connection stood when its lease was taken: what a sync has to know before it asks Plaid."""

    cursor: str
    state: str
    institution_id: str | None
    secret: Sealed | None
    reread: bool  # everything is to be read anew, from the start
    calm: bool  # a sync that brings nothing has nothing else to change
    unfinished: SyncId | None  # an update that a worker began to write and did not finish
    balances_at: dt.datetime | None  # of the open account that was read longest ago
    sync_hours: int | None  # the member's choice
    bank_failures: int
    bank_rests_until: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to sync one connection, for a while."""

    connection_id: ConnectionId
    fence: int
    wanted_seq: int
    sync_id: SyncId
    begun_at: dt.datetime
    trigger: str
    standing: Standing


class Leases:
    """Takes, keeps and gives back leases."""

    def __init__(self, *, ambient: Ambient, environment: str) -> None:
        self._ambient = ambient
        self._environment = environment
        self._claim = (
            update(TABLE)
            .where(TABLE.c.id == bindparam("of"), *self._wanted(bindparam("now", type_=UtcDateTime())))
            .values(
                lease_until=bindparam("until"),
                fence=TABLE.c.fence + 1,
                crashes=TABLE.c.crashes + 1,  # until it is given back
            )
            .returning(*TABLE.c, *BESIDE)
        )

    def wish(self, unit: Unit, connection: PlaidConnection, trigger: Trigger) -> SyncId:
        """Wish for a sync in the caller's unit; of several one waits. What somebody asks for ends the patience."""
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
        """The lease, or None when nothing is wanted or somebody holds it. All that is read comes with the claim."""
        now = self._ambient.now()
        with unit_of_work() as unit:
            row = (
                unit.session.connection()
                .execute(self._claim, {"of": connection_id, "now": now, "until": now + LEASE})
                .one_or_none()
            )
            if row is None:
                return None
            sync_id, trigger = self._begin_log(unit, row, now)
            return Lease(
                connection_id=connection_id,
                fence=row.fence,
                wanted_seq=row.wanted_seq,
                sync_id=sync_id,
                begun_at=now,
                trigger=trigger,
                standing=_standing(row, now),
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

    def _wanted(self, now: dt.datetime | BindParameter[dt.datetime]) -> tuple[ColumnElement[bool], ...]:
        return (
            PlaidConnection.wanted_seq > PlaidConnection.done_seq,
            PlaidConnection.paused_at.is_(None),
            PlaidConnection.crashes < MOST_CRASHES,
            or_(PlaidConnection.lease_until.is_(None), PlaidConnection.lease_until <= now),
            PlaidConnection.environment == self._environment,
            PlaidConnection.state.in_({state.value for state in READABLE}),
        )

    def _begin_log(self, unit: Unit, connection: Claimed, now: dt.datetime) -> tuple[SyncId, str]:
        """The log of this run: the waiting one; what a dead worker left running is superseded by it."""
        rows = unit.session.connection().execute(BEGIN_LOG, {"of": connection.id, "now": now}).all()
        begun = sorted((row.id, row.trigger) for row in rows if row.status == RUNNING)
        if begun:
            return begun[0]
        log = self._new_log(
            unit, connection, Trigger.SCHEDULE
        )  # the wish of a run that failed and is tried again
        log.status, log.started_at = RUNNING, now
        return log.id, log.trigger

    def _new_log(self, unit: Unit, connection: Claimed, trigger: Trigger) -> PlaidSyncLog:
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


def _standing(row: Row[Any], now: dt.datetime) -> Standing:
    """The standing behind what the claim returned."""
    oldest, parked, failing, unfinished, hours, failures, rests_until, *sealed = row[-len(BESIDE) :]
    healthy = row.failures == 0 and row.crashes == 1 and row.error_code is None
    return Standing(
        cursor=row.sync_cursor,
        state=row.state,
        institution_id=row.plaid_institution_id,
        secret=_sealed(row.secret_id, *sealed),
        reread=row.reread_wanted,
        calm=healthy
        and (parked, failing, unfinished) == (None, None, None)
        and row.state == working_state(row, now),
        unfinished=unfinished,
        balances_at=oldest,
        sync_hours=hours,
        bank_failures=failures or 0,
        bank_rests_until=rests_until,
    )


def _sealed(
    secret_id: SecretId | None, key_id: str | None, nonce: bytes | None, ciphertext: bytes | None
) -> Sealed | None:
    if secret_id is None or key_id is None or nonce is None or ciphertext is None:
        return None
    return Sealed(id=secret_id, key_id=key_id, nonce=nonce, ciphertext=ciphertext)
