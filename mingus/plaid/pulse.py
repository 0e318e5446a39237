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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What stands there now."""

    mark: str  # another one whenever something changed
    syncing: int  # banks that are being read
    at: dt.datetime | None  # when the last sync ended
    added: int  # transactions that came after the asked time


def pulse(user_id: UserId, *, environment: str, since: dt.datetime | None) -> Pulse:
    """The person's pulse; two queries over their connections and latest syncs."""
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
    running = (SyncStatus.RUNNING.value, SyncStatus.WAITING.value)
    syncing, fetched, ended = db.session.execute(
        select(
            func.count().filter(PlaidSyncLog.status.in_(running)),
            func.coalesce(func.sum(PlaidSyncLog.fetched).filter(PlaidSyncLog.status.in_(running)), 0),
            func.max(PlaidSyncLog.finished_at),
        ).where(PlaidSyncLog.user_id == user_id)
    ).one()
    facts = repr(([tuple(row) for row in connections], int(fetched), ended))
    return Pulse(
        mark=hashlib.sha256(facts.encode()).hexdigest()[:32],
        syncing=syncing,
        at=ended,
        added=_added(user_id, since) if since is not None else 0,
    )


def _added(user_id: UserId, since: dt.datetime) -> int:
    query = select(func.coalesce(func.sum(PlaidSyncLog.added), 0)).where(
        PlaidSyncLog.user_id == user_id,
        PlaidSyncLog.requested_at > since - LONGEST_SYNC,
        PlaidSyncLog.finished_at > since,
    )
    return int(db.session.scalar(query) or 0)
