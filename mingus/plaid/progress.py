"""How far a connection's history is: a phase in a word, and counts while a sync runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import SyncId
    from mingus.plaid.models import ConnectionId


class Phase(StrEnum):
    """What of a bank's history is here."""

    CONNECTED = "connected"  # nothing yet: the bank is being asked
    RECENT = "recent"  # the last weeks
    FULL = "full"  # all that the bank gives


PHASES = {"INITIAL_UPDATE_COMPLETE": Phase.RECENT, "HISTORICAL_UPDATE_COMPLETE": Phase.FULL}
DONE = (SyncStatus.SUCCESS.value, SyncStatus.PARTIAL.value)
OPEN = (SyncStatus.WAITING.value, SyncStatus.RUNNING.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one connection is, and what is under way for it."""

    phase: Phase = Phase.CONNECTED
    imported: int = 0  # transactions that came so far
    sync_id: SyncId | None = None  # of the sync that runs or waits
    running: bool = False
    started_at: dt.datetime | None = None
    fetched: int = 0  # rows that the running sync has read; seen only once it ends
    pages: int = 0


def progress_of(
    user_id: UserId, connection_ids: Sequence[ConnectionId] | None = None
) -> dict[ConnectionId, Progress]:
    """The progress of the person's connections; three queries, one without an entry has nothing yet."""
    mine = [PlaidSyncLog.user_id == user_id]
    if connection_ids is not None:
        mine.append(PlaidSyncLog.connection_id.in_(connection_ids))
    finished = select(PlaidSyncLog.connection_id, func.sum(PlaidSyncLog.added), func.max(PlaidSyncLog.id))
    sums = db.session.execute(
        finished.where(*mine, PlaidSyncLog.status.in_(DONE)).group_by(PlaidSyncLog.connection_id)
    ).all()
    newest = [sync_id for _, _, sync_id in sums]
    words = {
        row.connection_id: row.update_status
        for row in db.session.execute(
            select(PlaidSyncLog.connection_id, PlaidSyncLog.update_status).where(PlaidSyncLog.id.in_(newest))
        )
    }
    imported = {connection_id: int(added) for connection_id, added, _ in sums}
    logs = db.session.scalars(select(PlaidSyncLog).where(*mine, PlaidSyncLog.status.in_(OPEN))).all()
    # of a running and a waiting one the running one is told
    under_way = {
        log.connection_id: log for log in sorted(logs, key=lambda log: log.status == SyncStatus.RUNNING)
    }
    return {
        connection_id: _progress(
            words.get(connection_id),
            imported.get(connection_id, 0),
            under_way.get(connection_id),
        )
        for connection_id in imported.keys() | under_way.keys()
    }


def phase_of(update_status: str | None) -> Phase:
    """The phase behind Plaid's word for how far its history is."""
    return PHASES.get(update_status or "", Phase.CONNECTED)


def _progress(update_status: str | None, imported: int, log: PlaidSyncLog | None) -> Progress:
    phase = phase_of(update_status)
    if log is None:
        return Progress(phase=phase, imported=imported)
    return Progress(
        phase=phase,
        imported=imported,
        sync_id=log.id,
        running=log.status == SyncStatus.RUNNING,
        started_at=log.started_at,
        fetched=log.fetched,
        pages=log.pages,
    )
