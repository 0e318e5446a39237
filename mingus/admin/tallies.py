"""Counting what happened, day by day, out of the rows themselves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import Integer
from sqlalchemy import distinct
from sqlalchemy import extract
from sqlalchemy import func
from sqlalchemy import literal_column
from sqlalchemy import or_
from sqlalchemy import select

from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.linkstates import LinkState
from mingus.plaid.models import ConnectionChange
from mingus.plaid.models import LinkSession
from mingus.plaid.models import PlaidCall
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import READABLE
from mingus.plaid.states import ConnectionState
from mingus.plaid.states import Purpose
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm.attributes import InstrumentedAttribute

MONTH = dt.timedelta(days=30)
SECONDS_A_DAY = 86_400


class Measure(StrEnum):
    """What is measured."""

    CONNECTING = "connecting"
    WEBHOOKS = "webhooks"
    SYNCS = "syncs"
    SIGN_INS = "sign_ins"
    CALLS = "calls"
    RESPONSE = "response"


@dataclass(frozen=True, slots=True)
class Tally:
    """So many, of so many; for the response the milliseconds of so many answers."""

    counted: int = 0
    total: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.counted + other.counted, self.total + other.total)

    @property
    def value(self) -> float | None:
        """None: nothing happened that could be counted."""
        return self.counted / self.total if self.total else None


Days = dict[dt.date, Tally]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """How a share is counted: of the rows that fit, those that are so."""

    so: ColumnElement[bool]
    fits: tuple[ColumnElement[bool], ...]
    at: InstrumentedAttribute[dt.datetime]


def by_day(environment: str, since: dt.datetime, until: dt.datetime | None = None) -> dict[Measure, Days]:
    """Every measure on each day (UTC) since then, and before `until`, on which something happened.

    New sign-ins have no days of their own: they are counted over a month.
    """
    found = {measure: _share_by_day(how, since, until) for measure, how in _shares(environment).items()}
    day, answered = _day(PlaidCall.at), PlaidCall.status.is_not(None)
    calls = db.session.execute(
        select(
            day,
            func.count(),
            func.count().filter(or_(PlaidCall.error_code.is_not(None), ~answered)),
            func.count().filter(answered),
            func.coalesce(func.sum(PlaidCall.milliseconds).filter(answered), 0),
        )
        .where(*_between(PlaidCall.at, since, until))
        .group_by(day)
    ).all()
    found[Measure.CALLS] = {_date(second): Tally(failed, made) for second, made, failed, _, _ in calls}
    found[Measure.RESPONSE] = {
        _date(second): Tally(int(milliseconds), answers) for second, _, _, answers, milliseconds in calls
    }
    return found


def sign_ins(environment: str, until: dt.datetime) -> Tally:
    """Of the connections that lived in the month before: those whose bank asked for the person again."""
    since = until - MONTH
    counted = db.session.scalar(
        select(func.count(distinct(ConnectionChange.connection_id)))
        .join(PlaidConnection, PlaidConnection.id == ConnectionChange.connection_id)
        .where(
            ConnectionChange.after == ConnectionState.NEEDS_SIGN_IN.value,
            ConnectionChange.before != ConnectionState.NEEDS_SIGN_IN.value,
            ConnectionChange.at >= since,
            ConnectionChange.at <= until,
            PlaidConnection.environment == environment,
        )
    )
    total = db.session.scalar(
        select(func.count())
        .select_from(PlaidConnection)
        .where(
            PlaidConnection.environment == environment,
            PlaidConnection.state != ConnectionState.MANUAL.value,
            PlaidConnection.created_at <= until,
            or_(
                PlaidConnection.state.in_([state.value for state in READABLE]),
                PlaidConnection.state_since >= since,
            ),
        )
    )
    return Tally(counted or 0, total or 0)


def _shares(environment: str) -> dict[Measure, _Counted]:
    state = LinkSession.state
    connected = state == LinkState.CONNECTED.value
    failed = or_(
        state.in_([LinkState.FAILED.value, LinkState.LOST.value]),
        (state == LinkState.EXITED.value) & LinkSession.error_code.is_not(None),
    )
    waiting = [EventState.WAITING.value, EventState.UNKNOWN_ITEM.value, EventState.REFUSED.value]
    ended = [SyncStatus.SUCCESS.value, SyncStatus.PARTIAL.value, SyncStatus.FAILED.value]
    return {
        # of the Links that came to an end: who only left the page is not counted
        Measure.CONNECTING: _Counted(
            so=connected,
            fits=(
                or_(connected, failed),
                LinkSession.purpose == Purpose.CONNECT.value,
                LinkSession.environment == environment,
            ),
            at=LinkSession.created_at,
        ),
        # of the verified webhooks that nothing waits for
        Measure.WEBHOOKS: _Counted(
            so=WebhookEvent.state == EventState.HANDLED.value,
            fits=(WebhookEvent.state.not_in(waiting),),
            at=WebhookEvent.first_seen_at,
        ),
        # of the syncs that ended: a partial one is no success
        Measure.SYNCS: _Counted(
            so=PlaidSyncLog.status == SyncStatus.SUCCESS.value,
            fits=(PlaidSyncLog.status.in_(ended), PlaidSyncLog.trigger != Trigger.IMPORT.value),
            at=PlaidSyncLog.requested_at,
        ),
    }


def _share_by_day(how: _Counted, since: dt.datetime, until: dt.datetime | None) -> Days:
    day = _day(how.at)
    rows = db.session.execute(
        select(day, func.count().filter(how.so), func.count())
        .where(*how.fits, *_between(how.at, since, until))
        .group_by(day)
    )
    return {_date(second): Tally(counted, total) for second, counted, total in rows}


def _between(
    at: InstrumentedAttribute[dt.datetime], since: dt.datetime, until: dt.datetime | None
) -> tuple[ColumnElement[bool], ...]:
    return (at >= since,) if until is None else (at >= since, at < until)


def _day(at: InstrumentedAttribute[dt.datetime]) -> ColumnElement[int]:
    """The second that the day of an instant begins with (UTC), the same on both databases."""
    second = extract("epoch", at)
    return second - second % literal_column(str(SECONDS_A_DAY), Integer)


def _date(second: int) -> dt.date:
    return dt.datetime.fromtimestamp(int(second), dt.UTC).date()
