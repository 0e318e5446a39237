"""Everything that Plaid sent, for the people who run this MINGUS: what it was and what became of it, not its body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.paging import Page
from mingus.paging import cut
from mingus.paging import older
from mingus.plaid.models import PlaidConnection
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent
from mingus.webhooks.models import WebhookRefusal

if TYPE_CHECKING:
    import datetime as dt

    from mingus.auth.models import UserId
    from mingus.plaid.models import ConnectionId

SIGNATURE = "Plaid-Verification"  # three lines of signature say nothing to people


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One verified webhook."""

    id: str
    webhook_type: str
    webhook_code: str
    key_id: str
    state: EventState
    times_seen: int
    attempts: int
    first_seen_at: dt.datetime
    last_seen_at: dt.datetime
    what_came_of_it: str | None
    sync_id: str | None

    @property
    def can_be_replayed(self) -> bool:
        return self.state not in {EventState.REFUSED, EventState.UNREADABLE, EventState.WAITING}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventDetail:
    """One webhook with all that is kept of it, its body apart."""

    row: EventRow
    user_id: UserId | None
    connection_id: ConnectionId | None
    institution_name: str | None
    signed_at: dt.datetime
    handled_at: dt.datetime | None
    next_try_at: dt.datetime | None
    headers: tuple[tuple[str, str], ...]
    bytes_long: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalGroup:
    """Webhooks turned away for the same reason."""

    reason: str
    times: int
    last_on: dt.date


def page(states: frozenset[EventState], *, limit: int, after: str | None = None) -> Page[EventRow, str]:
    """A page of webhooks in any of the states, or in whatever state; a key that is gone gives none."""
    first_seen = WebhookEvent.first_seen_at
    query = select(WebhookEvent).order_by(first_seen.desc(), WebhookEvent.id.desc()).limit(limit + 1)
    if states:
        query = query.where(WebhookEvent.state.in_([state.value for state in states]))
    if after is not None:
        last = db.session.get(WebhookEvent, after)
        if last is None:
            return Page()
        query = query.where(*older(first_seen, WebhookEvent.id, last.first_seen_at, last.id))
    return cut([_row(event) for event in db.session.scalars(query)], limit, lambda row: row.id)


def one(event_id: str) -> EventDetail | None:
    """A webhook, and whose connection it was about."""
    event = db.session.get(WebhookEvent, event_id)
    if event is None:
        return None
    connection = db.session.get(PlaidConnection, event.connection_id) if event.connection_id else None
    return EventDetail(
        row=_row(event),
        user_id=connection.user_id if connection is not None else None,
        connection_id=event.connection_id,
        institution_name=connection.institution_name if connection is not None else None,
        signed_at=event.signed_at,
        handled_at=event.handled_at,
        next_try_at=event.next_try_at,
        headers=tuple(
            (name, str(value)) for name, value in sorted(event.headers.items()) if name != SIGNATURE
        ),
        bytes_long=len(event.body),
    )


def body(event_id: str) -> str:
    """What a webhook said, word for word but for its tokens."""
    return db.session.get_one(WebhookEvent, event_id).body.decode("utf-8", "replace")


def refusals(since: dt.date) -> list[RefusalGroup]:
    """What was turned away since that day, by reason; the most frequent first."""
    times = func.sum(WebhookRefusal.count)
    rows = db.session.execute(
        select(WebhookRefusal.reason, times, func.max(WebhookRefusal.day))
        .where(WebhookRefusal.day >= since)
        .group_by(WebhookRefusal.reason)
        .order_by(times.desc(), WebhookRefusal.reason)
    )
    return [RefusalGroup(reason=reason, times=int(number), last_on=day) for reason, number, day in rows]


def _row(event: WebhookEvent) -> EventRow:
    return EventRow(
        id=event.id,
        webhook_type=event.webhook_type,
        webhook_code=event.webhook_code,
        key_id=event.key_id,
        state=EventState(event.state),
        times_seen=event.times_seen,
        attempts=event.attempts,
        first_seen_at=event.first_seen_at,
        last_seen_at=event.last_seen_at,
        what_came_of_it=event.failure or event.outcome,
        sync_id=event.sync_id,
    )
