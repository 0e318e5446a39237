"""Reading the inbox."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent
from mingus.webhooks.models import WebhookRefusal
from mingus.webhooks.verify import Reason

CLOCK_SPAN = dt.timedelta(hours=1)
CLOCK_EVENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One webhook in a list."""

    id: str
    at: dt.datetime
    webhook_type: str
    webhook_code: str
    state: EventState
    times_seen: int
    attempts: int
    outcome: str | None
    failure: str | None


def events(
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    states: frozenset[EventState] = frozenset(),
    limit: int = 100,
) -> list[EventRow]:
    """The newest webhooks first."""
    query = (
        select(WebhookEvent).order_by(WebhookEvent.first_seen_at.desc(), WebhookEvent.id.desc()).limit(limit)
    )
    if since is not None:
        query = query.where(WebhookEvent.first_seen_at >= since)
    if until is not None:
        query = query.where(WebhookEvent.first_seen_at < until)
    if states:
        query = query.where(WebhookEvent.state.in_({state.value for state in states}))
    return [_row(event) for event in db.session.scalars(query)]


def oldest_waiting() -> dt.datetime | None:
    """When the oldest webhook came that nobody has handled yet; None when none waits."""
    return db.session.scalar(
        select(func.min(WebhookEvent.first_seen_at)).where(WebhookEvent.state == EventState.WAITING.value)
    )


def clock_lead(now: dt.datetime) -> dt.timedelta | None:
    """How far our clock is ahead of Plaid's, as the last hour's webhooks show; below zero: behind; None: none came.

    A webhook is signed when it is sent. The quickest of several took about no time, so what is left is the clocks'.
    Those signed in our future beyond the minute that is allowed are refused, which `refused_for_time` counts.
    """
    recent = db.session.execute(
        select(WebhookEvent.first_seen_at, WebhookEvent.signed_at)
        .where(WebhookEvent.first_seen_at > now - CLOCK_SPAN)
        .order_by(WebhookEvent.first_seen_at.desc())
        .limit(CLOCK_EVENTS)
    ).all()
    return min((row.first_seen_at - row.signed_at for row in recent), default=None)


def refused_for_time(day: dt.date) -> int:
    """How many webhooks of a day were signed too long ago, or in our future."""
    return (
        db.session.scalar(
            select(func.sum(WebhookRefusal.count)).where(
                WebhookRefusal.day == day, WebhookRefusal.reason == Reason.TIME.value
            )
        )
        or 0
    )


def counts() -> dict[EventState, int]:
    """How many webhooks are in each state."""
    rows = db.session.execute(select(WebhookEvent.state, func.count()).group_by(WebhookEvent.state))
    return {EventState(state): number for state, number in rows}


def _row(event: WebhookEvent) -> EventRow:
    return EventRow(
        id=event.id,
        at=event.first_seen_at,
        webhook_type=event.webhook_type,
        webhook_code=event.webhook_code,
        state=EventState(event.state),
        times_seen=event.times_seen,
        attempts=event.attempts,
        outcome=event.outcome,
        failure=event.failure,
    )
