"""Everybody's connections, for the people who run this MINGUS: state, health and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import MOST_CRASHES
from mingus.plaid.states import READABLE
from mingus.plaid.states import ConnectionState
from mingus.plaid.states import Health
from mingus.plaid.states import health

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId
    from mingus.plaid.models import ConnectionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRow:
    """One connection in a list."""

    id: ConnectionId
    user_id: UserId
    institution_name: str
    state: ConnectionState
    health: Health
    recommendation: str
    error_code: str | None
    last_good_at: dt.datetime | None
    next_check_at: dt.datetime | None
    is_parked: bool  # its syncs ended the worker each time: left alone until somebody asks
    can_sync: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionPage:
    """Some connections, newest first, and the key that older ones come after."""

    rows: tuple[ConnectionRow, ...]
    next: ConnectionId | None


def page(
    *,
    environment: str,
    now: dt.datetime,
    limit: int,
    state: ConnectionState | None = None,
    parked: bool = False,
    after: ConnectionId | None = None,
) -> ConnectionPage:
    """A page of connections; those in a state, or the parked ones, when asked."""
    query = select(PlaidConnection).where(*_at_banks(environment))
    if state is not None:
        query = query.where(PlaidConnection.state == state.value)
    if parked:
        query = query.where(PlaidConnection.crashes >= MOST_CRASHES)
    if after is not None:
        query = query.where(PlaidConnection.id < after)
    found = db.session.scalars(query.order_by(PlaidConnection.id.desc()).limit(limit + 1)).all()
    return ConnectionPage(
        rows=tuple(_row(connection, now) for connection in found[:limit]),
        next=found[limit - 1].id if len(found) > limit else None,
    )


def counts(*, environment: str) -> dict[ConnectionState, int]:
    """How many connections are in each state; states without any are left out."""
    rows = db.session.execute(
        select(PlaidConnection.state, func.count())
        .where(*_at_banks(environment))
        .group_by(PlaidConnection.state)
    )
    found = {ConnectionState(state): number for state, number in rows}
    return {state: found[state] for state in ConnectionState if state in found}


def owner_of(connection_id: ConnectionId, *, environment: str) -> UserId | None:
    """Whose connection it is, if the environment has it; those of others are asleep."""
    connection = db.session.get(PlaidConnection, connection_id)
    if connection is None or connection.environment != environment:
        return None
    return connection.user_id if connection.state != ConnectionState.MANUAL else None


def _at_banks(environment: str) -> tuple[ColumnElement[bool], ...]:
    """What people keep by hand is nobody else's business."""
    return PlaidConnection.environment == environment, PlaidConnection.state != ConnectionState.MANUAL.value


def _row(connection: PlaidConnection, now: dt.datetime) -> ConnectionRow:
    state = ConnectionState(connection.state)
    report = health(
        state,
        last_good_at=connection.last_good_at,
        asleep=False,
        failing=connection.error_code is not None,
        now=now,
    )
    return ConnectionRow(
        id=connection.id,
        user_id=connection.user_id,
        institution_name=connection.institution_name,
        state=state,
        health=report.health,
        recommendation=report.recommendation,
        error_code=connection.error_code,
        last_good_at=connection.last_good_at,
        next_check_at=connection.next_check_at,
        is_parked=connection.crashes >= MOST_CRASHES,
        can_sync=state in READABLE,
    )
