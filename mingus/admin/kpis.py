"""How the installation does against its targets; counts only, of everybody together."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import distinct
from sqlalchemy import func
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

MONTH = dt.timedelta(days=30)


class Measure(StrEnum):
    """What is measured."""

    CONNECTING = "connecting"
    WEBHOOKS = "webhooks"
    SYNCS = "syncs"
    SIGN_INS = "sign_ins"
    CALLS = "calls"
    RESPONSE = "response"


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


def kpis(*, environment: str, now: dt.datetime, span: dt.timedelta) -> list[Kpi]:
    """All figures over the time before `now`; new sign-ins always over a month, as their target says."""
    since = now - span
    return [
        _connecting(environment, since),
        _webhooks(since),
        _syncs(since),
        _sign_ins(environment, now - MONTH),
        *_calls(since),
    ]


def _share(measure: Measure, counted: int, of: int, *, target: float, at_least: bool) -> Kpi:
    value = counted / of if of else None
    return Kpi(measure=measure, value=value, target=target, at_least=at_least, counted=counted, of=of)


def _counts(good: ColumnElement[bool], *conditions: ColumnElement[bool]) -> tuple[int, int]:
    counted, of = db.session.execute(select(func.count().filter(good), func.count()).where(*conditions)).one()
    return counted, of


def _connecting(environment: str, since: dt.datetime) -> Kpi:
    """Of the Links that came to an end: those that connected. Who only left the page is not counted."""
    state = LinkSession.state
    failed = or_(
        state.in_([LinkState.FAILED.value, LinkState.LOST.value]),
        (state == LinkState.EXITED.value) & LinkSession.error_code.is_not(None),
    )
    connected = state == LinkState.CONNECTED.value
    counted, of = _counts(
        connected,
        or_(connected, failed),
        LinkSession.purpose == Purpose.CONNECT.value,
        LinkSession.environment == environment,
        LinkSession.created_at >= since,
    )
    return _share(Measure.CONNECTING, counted, of, target=0.95, at_least=True)


def _webhooks(since: dt.datetime) -> Kpi:
    """Of the verified webhooks that nothing waits for: those that were handled."""
    waiting = [EventState.WAITING.value, EventState.UNKNOWN_ITEM.value, EventState.REFUSED.value]
    counted, of = _counts(
        WebhookEvent.state == EventState.HANDLED.value,
        WebhookEvent.state.not_in(waiting),
        WebhookEvent.first_seen_at >= since,
    )
    return _share(Measure.WEBHOOKS, counted, of, target=0.99, at_least=True)


def _syncs(since: dt.datetime) -> Kpi:
    """Of the syncs that ended: those that wrote every row. A partial one is no success."""
    ended = [SyncStatus.SUCCESS.value, SyncStatus.PARTIAL.value, SyncStatus.FAILED.value]
    counted, of = _counts(
        PlaidSyncLog.status == SyncStatus.SUCCESS.value,
        PlaidSyncLog.status.in_(ended) & (PlaidSyncLog.trigger != Trigger.IMPORT.value),
        PlaidSyncLog.requested_at >= since,
    )
    return _share(Measure.SYNCS, counted, of, target=0.98, at_least=True)


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
    return _share(Measure.SIGN_INS, counted or 0, of or 0, target=0.05, at_least=False)


def _calls(since: dt.datetime) -> tuple[Kpi, Kpi]:
    """Of the calls to Plaid: those with an error or no answer; and how long an answer took on average."""
    failed = or_(PlaidCall.error_code.is_not(None), PlaidCall.status.is_(None))
    answered = PlaidCall.status.is_not(None)
    errors, calls, answers, mean = db.session.execute(
        select(
            func.count().filter(failed),
            func.count(),
            func.count().filter(answered),
            func.avg(PlaidCall.milliseconds).filter(answered),
        ).where(PlaidCall.at >= since)
    ).one()
    response = Kpi(
        measure=Measure.RESPONSE,
        value=float(mean) if mean is not None else None,
        target=500,
        at_least=False,
        counted=answers,
        of=calls,
    )
    return _share(Measure.CALLS, errors, calls, target=0.01, at_least=False), response
