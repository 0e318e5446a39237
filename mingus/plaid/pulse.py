"""Has anything of a person's changed? One small answer for pages that stand open."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.models import PlaidConnection

if TYPE_CHECKING:
    from mingus.auth.models import UserId

LONGEST_SYNC = dt.timedelta(days=1)
UNDER_WAY = (SyncStatus.RUNNING.value, SyncStatus.WAITING.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What stands there now."""

    mark: str  # another one whenever something changed
    syncing: int  # banks that are being read
    at: dt.datetime | None  # when a bank was last read
    added: int  # transactions that came after the asked time


def pulse_of(
    user_id: UserId, *, environment: str, now: dt.datetime, since: dt.datetime | None = None
) -> Pulse:
    """The person's pulse; two queries over their connections and latest syncs.

    A page asks for the mark that it carries before it reads its rows: these are as new or newer, never older.
    """
    connections = db.session.execute(
        select(
            PlaidConnection.id,
            PlaidConnection.state,
            PlaidConnection.state_since,
            PlaidConnection.error_code,
            PlaidConnection.new_accounts,
            PlaidConnection.last_checked_at,
            PlaidConnection.wanted_seq,
            PlaidConnection.done_seq,
            PlaidConnection.fence,
        )
        .where(PlaidConnection.user_id == user_id, PlaidConnection.environment == environment)
        .order_by(PlaidConnection.id)
    ).all()
    under_way = PlaidSyncLog.status.in_(UNDER_WAY)
    syncing, fetched, ended = db.session.execute(
        select(
            func.count().filter(under_way),
            func.coalesce(func.sum(PlaidSyncLog.fetched).filter(under_way), 0),
            func.max(PlaidSyncLog.finished_at),
        ).where(PlaidSyncLog.user_id == user_id, PlaidSyncLog.requested_at > now - LONGEST_SYNC)
    ).one()
    facts = repr(([tuple(row) for row in connections], int(fetched), ended))
    read = [row.last_checked_at for row in connections if row.last_checked_at is not None]
    return Pulse(
        mark=hashlib.sha256(facts.encode()).hexdigest()[:32],
        syncing=syncing,
        at=max(read if ended is None else [ended, *read], default=None),
        added=_added(user_id, since) if since is not None else 0,
    )


def _added(user_id: UserId, since: dt.datetime) -> int:
    query = select(func.coalesce(func.sum(PlaidSyncLog.added), 0)).where(
        PlaidSyncLog.user_id == user_id,
        PlaidSyncLog.requested_at > since - LONGEST_SYNC,
        PlaidSyncLog.finished_at > since,
    )
    return int(db.session.scalar(query) or 0)
