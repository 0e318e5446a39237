"""One sync with all that is known of it: its calls, what asked for it, which rows it touched, what to tell Plaid."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus.admin.syncs import row_of
from mingus.db import db
from mingus.plaid.ledger import ParkedRow
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.ledger import TransactionChange
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidCall
from mingus.plaid.models import PlaidConnection
from mingus.webhooks.models import WebhookEvent

if TYPE_CHECKING:
    from mingus.admin.syncs import SyncRow
    from mingus.plaid.ledger import SyncId
    from mingus.plaid.models import ConnectionId

ASIDE: dict[str, type[ParkedRow | QuarantinedRow]] = {"parked": ParkedRow, "quarantined": QuarantinedRow}
MOST_CALLS = 500
MOST_ROWS = 200
MOST_FIELDS = 40


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
    after_milliseconds: int  # from the beginning of the sync to the call's end


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
    connection_id: ConnectionId
    institution_id: str | None
    plaid_item_id: str
    environment: str
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedRow:
    """A row that a sync wrote: what was done to it, never what it says."""

    id: str
    kind: str  # added, a kind of change, parked or quarantined
    fields: tuple[str, ...]


def detail(sync_id: SyncId, *, now: dt.datetime) -> SyncDetail | None:
    """One sync, the calls of its connection while it ran, and the webhooks that asked for it."""
    log = db.session.get(PlaidSyncLog, sync_id)
    if log is None or log.trigger == Trigger.IMPORT:
        return None
    connection = db.session.get_one(PlaidConnection, log.connection_id)
    return SyncDetail(
        sync=row_of(log, connection.institution_name),
        connection_id=log.connection_id,
        institution_id=connection.plaid_institution_id,
        plaid_item_id=connection.plaid_item_id,
        environment=connection.environment,
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


def touched(detail: SyncDetail) -> list[TouchedRow]:
    """The rows that a sync added, changed, removed or set aside; of each kind so many at most."""
    sync_id = detail.sync.id
    added = db.session.scalars(
        select(PlaidTransaction.id)
        .where(
            PlaidTransaction.connection_id == detail.connection_id, PlaidTransaction.first_sync_id == sync_id
        )
        .order_by(PlaidTransaction.id)
        .limit(MOST_ROWS)
    )
    changes = db.session.execute(
        select(TransactionChange.transaction_id, TransactionChange.kind, TransactionChange.fields)
        .where(TransactionChange.sync_id == sync_id)
        .order_by(TransactionChange.id)
        .limit(MOST_ROWS)
    )
    found = [TouchedRow(id=row_id, kind="added", fields=()) for row_id in added]
    found += [
        TouchedRow(id=row_id, kind=kind, fields=tuple(sorted(names))[:MOST_FIELDS])
        for row_id, kind, names in changes
    ]
    for kind, table in ASIDE.items():
        aside = select(table.id).where(table.connection_id == detail.connection_id, table.sync_id == sync_id)
        found += [
            TouchedRow(id=row_id, kind=kind, fields=())
            for row_id in db.session.scalars(aside.order_by(table.id).limit(MOST_ROWS))
        ]
    return found


def for_plaid(detail: SyncDetail) -> str:
    """What Plaid's support needs to find the sync on its side: ids, times and codes. In English, as they are."""
    lines = [
        f"Environment: {detail.environment}",
        f"Item: {detail.plaid_item_id}",
        f"Institution: {detail.institution_id or 'unknown'} ({detail.sync.institution_name})",
        f"From {_utc(detail.started_at)} to {_utc(detail.finished_at)}, {detail.sync.status.value}",
    ]
    if detail.sync.error_code:
        lines.append(f"Error: {detail.sync.error_code}, request_id {detail.error_request_id or 'none'}")
    lines += [
        f"{_utc(call.at)} {call.endpoint} request_id={call.request_id or 'none'}"
        f" status={call.status or 'no answer'} {call.milliseconds} ms{_error(call)}"
        for call in detail.calls
    ]
    return "\n".join(lines)


def _error(call: CallRow) -> str:
    return f" {call.error_type or '-'}/{call.error_code}" if call.error_code else ""


def _utc(instant: dt.datetime | None) -> str:
    return instant.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if instant is not None else "?"


def _calls(log: PlaidSyncLog, now: dt.datetime) -> tuple[CallRow, ...]:
    begun = log.started_at
    if begun is None:
        return ()
    calls = db.session.scalars(
        select(PlaidCall)
        .where(
            PlaidCall.connection_id == log.connection_id, PlaidCall.at.between(begun, log.finished_at or now)
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
            after_milliseconds=int((call.at - begun).total_seconds() * 1000),
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
