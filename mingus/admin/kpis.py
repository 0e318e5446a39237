"""How the installation does against its targets; counts only, of everybody together."""

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


# each figure's bound, and whether it is a floor; else it is a ceiling
TARGETS: dict[Measure, tuple[float, bool]] = {
    Measure.CONNECTING: (0.95, True),
    Measure.WEBHOOKS: (0.99, True),
    Measure.SYNCS: (0.98, True),
    Measure.SIGN_INS: (0.05, False),
    Measure.CALLS: (0.01, False),
    Measure.RESPONSE: (500, False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One figure: a share (0 to 1), or milliseconds for the response."""

    measure: Measure
    value: float | None  # None: nothing happened that could be counted
    target: float
    at_least: bool  # the target is a floor; else a ceiling
    counted: int
    of: int

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value > self.target if self.at_least else self.value < self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigure:
    """A measure on one day (UTC) on which something happened that counts."""

    day: dt.date
    value: float
    counted: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """How a share is counted: of the rows that fit, those that are so."""

    so: ColumnElement[bool]
    fits: tuple[ColumnElement[bool], ...]
    at: InstrumentedAttribute[dt.datetime]


def kpis(*, environment: str, now: dt.datetime, span: dt.timedelta) -> list[Kpi]:
    """All figures over the time before `now`; new sign-ins always over a month, as their target says."""
    since = now - span
    shares = _shares(environment)
    return [
        _share(Measure.CONNECTING, *_counts(shares[Measure.CONNECTING], since)),
        _share(Measure.WEBHOOKS, *_counts(shares[Measure.WEBHOOKS], since)),
        _share(Measure.SYNCS, *_counts(shares[Measure.SYNCS], since)),
        _sign_ins(environment, now - MONTH),
        _share(Measure.CALLS, *_counts(shares[Measure.CALLS], since)),
        _response(since),
    ]


def by_day(*, environment: str, now: dt.datetime) -> dict[Measure, list[DayFigure]]:
    """What can be told of single days, over a month; days without anything are left out."""
    midnight = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - MONTH + dt.timedelta(days=1)
    found = {}
    for measure, how in _shares(environment).items():
        day = _day(how.at)
        rows = db.session.execute(
            select(day, func.count().filter(how.so), func.count())
            .where(*how.fits, how.at >= since)
            .group_by(day)
            .order_by(day)
        )
        found[measure] = [
            DayFigure(day=_date(second), value=counted / of, counted=counted, of=of)
            for second, counted, of in rows
        ]
    day = _day(PlaidCall.at)
    means = db.session.execute(
        select(day, func.avg(PlaidCall.milliseconds), func.count())
        .where(PlaidCall.at >= since, PlaidCall.status.is_not(None))
        .group_by(day)
        .order_by(day)
    )
    found[Measure.RESPONSE] = [
        DayFigure(day=_date(second), value=float(mean), counted=count, of=count)
        for second, mean, count in means
    ]
    return found


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
        # of all calls: those with an error or no answer
        Measure.CALLS: _Counted(
            so=or_(PlaidCall.error_code.is_not(None), PlaidCall.status.is_(None)), fits=(), at=PlaidCall.at
        ),
    }


def _share(measure: Measure, counted: int, of: int) -> Kpi:
    target, at_least = TARGETS[measure]
    value = counted / of if of else None
    return Kpi(measure=measure, value=value, target=target, at_least=at_least, counted=counted, of=of)


def _counts(how: _Counted, since: dt.datetime) -> tuple[int, int]:
    counted, of = db.session.execute(
        select(func.count().filter(how.so), func.count()).where(*how.fits, how.at >= since)
    ).one()
    return counted, of


def _sign_ins(environment: str, since: dt.datetime) -> Kpi:
    """Of the connections that lived in the month: those whose bank asked for the person again."""
    counted = db.session.scalar(
        select(func.count(distinct(ConnectionChange.connection_id)))
        .join(PlaidConnection, PlaidConnection.id == ConnectionChange.connection_id)
        .where(
            ConnectionChange.after == ConnectionState.NEEDS_SIGN_IN.value,
            ConnectionChange.before != ConnectionState.NEEDS_SIGN_IN.value,
            ConnectionChange.at >= since,
            PlaidConnection.environment == environment,
        )
    )
    of = db.session.scalar(
        select(func.count())
        .select_from(PlaidConnection)
        .where(
            PlaidConnection.environment == environment,
            PlaidConnection.state != ConnectionState.MANUAL.value,
            or_(
                PlaidConnection.state.in_([state.value for state in READABLE]),
                PlaidConnection.state_since >= since,
            ),
        )
    )
    return _share(Measure.SIGN_INS, counted or 0, of or 0)


def _response(since: dt.datetime) -> Kpi:
    """How long an answer of Plaid took on average."""
    answered = PlaidCall.status.is_not(None)
    answers, calls, mean = db.session.execute(
        select(
            func.count().filter(answered), func.count(), func.avg(PlaidCall.milliseconds).filter(answered)
        ).where(PlaidCall.at >= since)
    ).one()
    target, at_least = TARGETS[Measure.RESPONSE]
    value = float(mean) if mean is not None else None
    return Kpi(
        measure=Measure.RESPONSE, value=value, target=target, at_least=at_least, counted=answers, of=calls
    )


def _day(at: InstrumentedAttribute[dt.datetime]) -> ColumnElement[int]:
    """The second that the day of an instant begins with (UTC), the same on both databases."""
    second = extract("epoch", at)
    return second - second % literal_column(str(SECONDS_A_DAY), Integer)


def _date(second: int) -> dt.date:
    return dt.datetime.fromtimestamp(int(second), dt.UTC).date()
