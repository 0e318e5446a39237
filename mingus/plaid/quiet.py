"""A sync that found nothing new: what makes it one, and what it leaves behind."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from typing import TYPE_CHECKING

from sqlalchemy import Table
from sqlalchemy import bindparam
from sqlalchemy import update

from mingus import metrics
from mingus.plaid.fetching import COMPLETE
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidConnection
from mingus.plaid.polling import next_sync

if TYPE_CHECKING:
    from mingus.db import Unit
    from mingus.plaid.fetching import Update
    from mingus.plaid.leases import Lease
    from mingus.plaid.ledger import SyncId
    from mingus.plaid.spool import PageSpool

log = logging.getLogger(__name__)

SCHEDULED_BALANCES_KEEP = dt.timedelta(hours=1)
BALANCES_KEEP = {Trigger.PERSON.value: dt.timedelta(minutes=1)}
CONNECTIONS: Table = PlaidConnection.__table__  # type: ignore[assignment]  # a mapped class has a table
LOGS: Table = PlaidSyncLog.__table__  # type: ignore[assignment]  # a mapped class has a table
# built once: most syncs bring nothing, and building these took longer than running them
QUIET_CONNECTION = (
    update(CONNECTIONS)
    .where(
        CONNECTIONS.c.id == bindparam("of"),
        CONNECTIONS.c.fence == bindparam("by"),
        CONNECTIONS.c.sync_cursor == bindparam("was"),
        CONNECTIONS.c.state == bindparam("still"),
    )
    .values(
        sync_cursor=bindparam("cursor"),
        crashes=0,
        last_checked_at=bindparam("now"),
        last_good_at=bindparam("now"),
        synced_at=bindparam("begun_at"),
        done_seq=bindparam("done_seq"),
        lease_until=None,
        next_sync_at=bindparam("next_sync_at"),
    )
    .returning(CONNECTIONS.c.wanted_seq)
)
QUIET_LOG = (
    update(LOGS)
    .where(LOGS.c.id == bindparam("of"))
    .values(
        status=SyncStatus.SUCCESS.value,
        finished_at=bindparam("now"),
        update_status=COMPLETE,
        pages=bindparam("pages"),
        cursor_before=bindparam("before"),
        cursor_after=bindparam("after"),
    )
)


def is_quiet(lease: Lease, spool: PageSpool, found: Update) -> bool:
    """True when the bank has nothing new and all else is as it should be, balances included.

    Balances may move without a transaction: after an hour they are asked for again, for a person at once.
    """
    standing, keep = lease.standing, BALANCES_KEEP.get(lease.trigger, SCHEDULED_BALANCES_KEEP)
    fresh = standing.balances_at is not None and lease.begun_at - standing.balances_at < keep
    return spool.rows == 0 and found.status == COMPLETE and not found.full and standing.calm and fresh


def write(unit: Unit, lease: Lease, spool: PageSpool, found: Update, *, now: dt.datetime) -> int | None:
    """Give the lease back and close the log, in the caller's unit; the connection's wishes, None when it is lost."""
    written = unit.session.connection()
    wanted: int | None = written.scalar(
        QUIET_CONNECTION,
        {
            "of": lease.connection_id,
            "by": lease.fence,
            "was": found.before,
            "still": lease.standing.state,
            "cursor": found.after or found.before,
            "now": now,
            "begun_at": lease.begun_at,
            "done_seq": lease.wanted_seq,
            "next_sync_at": next_sync(lease.connection_id, now, lease.standing.sync_hours),
        },
    )
    if wanted is not None:
        cursors = {"before": hash_of(found.before), "after": hash_of(found.after)}
        written.execute(QUIET_LOG, {"of": lease.sync_id, "now": now, "pages": spool.pages, **cursors})
    return wanted


def tell(sync_id: SyncId) -> None:
    """Count it by itself: a success that brought nothing."""
    metrics.sync_done(status="quiet")
    log.info("nothing new", extra={"sync_log_id": sync_id})


def hash_of(cursor: str) -> str | None:
    """What is told of a cursor."""
    return hashlib.sha256(cursor.encode()).hexdigest() if cursor else None
