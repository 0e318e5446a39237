"""Everybody's syncs, for the people who run this MINGUS: states, counts and codes, no names and no amounts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_
from sqlalchemy import distinct
from sqlalchemy import func
from sqlalchemy import or_
from sqlalchemy import select

from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidCall
from mingus.plaid.models import PlaidConnection
from mingus.webhooks.models import WebhookEvent

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import SyncId
    from mingus.plaid.models import ConnectionId

MOST_CALLS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which syncs are asked for; None: any."""

    status: SyncStatus | None = None
    trigger: Trigger | None = None
    error: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        pairs = (
            (PlaidSyncLog.status, self.status),
            (PlaidSyncLog.trigger, self.trigger),
            (PlaidSyncLog.error_code, self.error),
        )
        # what people brought in files is no sync
        return [
            PlaidSyncLog.trigger != Trigger.IMPORT.value,
            *(column == value for column, value in pairs if value is not None),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRow:
    """One sync in a list."""

    id: SyncId
    institution_name: str
    status: SyncStatus
    trigger: Trigger
    requested_at: dt.datetime
    milliseconds: int | None  # None: it never began, or has not ended
    added: int
    modified: int
    removed: int
    set_aside: int
    error_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPage:
    """Some syncs, newest first, and the key that older ones come after."""

    rows: tuple[SyncRow, ...]
    next: SyncId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failed syncs with the same error."""

    error_code: str | None
    times: int
    connections: int
    first_at: dt.datetime
    last_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call to Plaid."""

    at: dt.datetime
    endpoint: str
    request_id: str | None
    status: int | None
    milliseconds: int
    error_type: str | None
    error_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    """A webhook that asked for a sync."""

    id: str
    at: dt.datetime
    webhook_type: str
    webhook_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncDetail:
    """One sync with everything that Plaid's support would ask for."""

    sync: SyncRow
    user_id: UserId
    connection_id: ConnectionId
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    pages: int
    restarts: int
    fetched: int
    parked: int
    quarantined: int
    update_status: str | None
    cursor_before: str | None
    cursor_after: str | None
    error_request_id: str | None
    calls: tuple[CallRow, ...]
    webhooks: tuple[CauseRow, ...]


def page(filters: Filters, *, limit: int, after: SyncId | None = None) -> SyncPage:
    """A page of syncs; a key that is gone gives none."""
    query = (
        select(PlaidSyncLog, PlaidConnection.institution_name)
        .join(PlaidConnection, PlaidConnection.id == PlaidSyncLog.connection_id)
        .where(*filters.conditions())
        .order_by(PlaidSyncLog.requested_at.desc(), PlaidSyncLog.id.desc())
        .limit(limit + 1)
    )
    if after is not None:
        last = db.session.get(PlaidSyncLog, after)
        if last is None:
            return SyncPage(rows=(), next=None)
        at = PlaidSyncLog.requested_at
        query = query.where(
            at <= last.requested_at,
            or_(at < last.requested_at, and_(at == last.requested_at, PlaidSyncLog.id < last.id)),
        )
    found = db.session.execute(query).all()
    return SyncPage(
        rows=tuple(_row(log, name) for log, name in found[:limit]),
        next=found[limit - 1][0].id if len(found) > limit else None,
    )


def failures(since: dt.datetime) -> list[FailureGroup]:
    """What went wrong since then, by error; the most frequent first."""
    times = func.count()
    rows = db.session.execute(
        select(
            PlaidSyncLog.error_code,
            times,
            func.count(distinct(PlaidSyncLog.connection_id)),
            func.min(PlaidSyncLog.requested_at),
            func.max(PlaidSyncLog.requested_at),
        )
        .where(PlaidSyncLog.status == SyncStatus.FAILED.value, PlaidSyncLog.requested_at >= since)
        .group_by(PlaidSyncLog.error_code)
        .order_by(times.desc(), PlaidSyncLog.error_code)
    )
    return [
        FailureGroup(error_code=code, times=number, connections=connections, first_at=first, last_at=last)
        for code, number, connections, first, last in rows
    ]


def detail(sync_id: SyncId, *, now: dt.datetime) -> SyncDetail | None:
    """One sync, the calls of its connection while it ran, and the webhooks that asked for it."""
    log = db.session.get(PlaidSyncLog, sync_id)
    if log is None or log.trigger == Trigger.IMPORT:
        return None
    connection = db.session.get_one(PlaidConnection, log.connection_id)
    return SyncDetail(
        sync=_row(log, connection.institution_name),
        user_id=log.user_id,
        connection_id=log.connection_id,
        started_at=log.started_at,
        finished_at=log.finished_at,
        pages=log.pages,
        restarts=log.restarts,
        fetched=log.fetched,
        parked=log.parked,
        quarantined=log.quarantined,
        update_status=log.update_status,
        cursor_before=log.cursor_before,
        cursor_after=log.cursor_after,
        error_request_id=log.error_request_id,
        calls=_calls(log, now),
        webhooks=_causes(log),
    )


def _row(log: PlaidSyncLog, institution_name: str) -> SyncRow:
    lasted = log.finished_at - log.started_at if log.finished_at and log.started_at else None
    return SyncRow(
        id=log.id,
        institution_name=institution_name,
        status=SyncStatus(log.status),
        trigger=Trigger(log.trigger),
        requested_at=log.requested_at,
        milliseconds=int(lasted.total_seconds() * 1000) if lasted is not None else None,
        added=log.added,
        modified=log.modified,
        removed=log.removed,
        set_aside=log.parked + log.quarantined,
        error_code=log.error_code,
    )


def _calls(log: PlaidSyncLog, now: dt.datetime) -> tuple[CallRow, ...]:
    if log.started_at is None:
        return ()
    calls = db.session.scalars(
        select(PlaidCall)
        .where(
            PlaidCall.connection_id == log.connection_id,
            PlaidCall.at.between(log.started_at, log.finished_at or now),
        )
        .order_by(PlaidCall.at, PlaidCall.id)
        .limit(MOST_CALLS)
    )
    return tuple(
        CallRow(
            at=call.at,
            endpoint=call.endpoint,
            request_id=call.request_id,
            status=call.status,
            milliseconds=call.milliseconds,
            error_type=call.error_type,
            error_code=call.error_code,
        )
        for call in calls
    )


def _causes(log: PlaidSyncLog) -> tuple[CauseRow, ...]:
    events = db.session.scalars(
        select(WebhookEvent)
        .where(WebhookEvent.connection_id == log.connection_id, WebhookEvent.sync_id == log.id)
        .order_by(WebhookEvent.first_seen_at, WebhookEvent.id)
    )
    return tuple(
        CauseRow(
            id=event.id,
            at=event.first_seen_at,
            webhook_type=event.webhook_type,
            webhook_code=event.webhook_code,
        )
        for event in events
    )
