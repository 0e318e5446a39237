"""What pages and API read of syncs; the owner comes first, pages go by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog

if TYPE_CHECKING:
    from mingus.auth.models import UserId
    from mingus.plaid.ledger import SyncId
    from mingus.plaid.models import ConnectionId


def sync_log(user_id: UserId, sync_id: SyncId) -> PlaidSyncLog | None:
    log = db.session.get(PlaidSyncLog, sync_id)
    return log if log is not None and log.user_id == user_id else None


def sync_logs(
    user_id: UserId, *, limit: int, after: SyncId | None = None, connection_id: ConnectionId | None = None
) -> list[PlaidSyncLog]:
    """The person's syncs, newest first, after a key."""
    statement = select(PlaidSyncLog).where(PlaidSyncLog.user_id == user_id)
    if connection_id is not None:
        statement = statement.where(PlaidSyncLog.connection_id == connection_id)
    if after is not None:
        statement = statement.where(PlaidSyncLog.id < after)
    return list(db.session.scalars(statement.order_by(PlaidSyncLog.id.desc()).limit(limit)))
