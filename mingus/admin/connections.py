"""Everybody's connections, for the people who run this MINGUS: state, health, what comes next, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.paging import Page
from mingus.paging import cut
from mingus.plaid.failures import Family
from mingus.plaid.failures import advice
from mingus.plaid.ledger import ParkedRow
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.models import ConnectionChange
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.products import ProductRefresh
from mingus.plaid.states import ENDED
from mingus.plaid.states import MOST_CRASHES
from mingus.plaid.states import READABLE
from mingus.plaid.states import SYNC_GAP
from mingus.plaid.states import ConnectionState
from mingus.plaid.states import Health
from mingus.plaid.states import health

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId
    from mingus.plaid.models import ConnectionId

MOST_CHANGES = 20


class Group(StrEnum):
    """Connections that are asked for by something else than their state."""

    PARKED = "parked"
    PAUSED = "paused"
    FAILING = "failing"
    STALE = "stale"


class Todo(StrEnum):
    """What the people who run this should do about a connection, or why they should not."""

    NOTHING = "nothing"
    PAUSED = "paused"
    PARKED = "parked"
    PERSON = "person"
    ENDS_SOON = "ends_soon"
    BANK = "bank"
    OPERATOR = "operator"
    STALE = "stale"
    ASIDE = "aside"
    IMPORTING = "importing"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionRow:
    """One connection in a list."""

    id: ConnectionId
    user_id: UserId
    institution_name: str
    state: ConnectionState
    health: Health
    todo: Todo
    error_code: str | None
    last_good_at: dt.datetime | None
    next_check_at: dt.datetime | None
    paused_at: dt.datetime | None
    is_parked: bool  # its syncs ended the worker each time: left alone until somebody asks
    can_sync: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One step in a connection's life."""

    at: dt.datetime
    before: ConnectionState
    after: ConnectionState
    cause: str
    request_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRow:
    """What is read beside transactions, and how that went."""

    product: str
    last_good_at: dt.datetime | None
    next_at: dt.datetime | None
    failures: int
    error_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionDetail:
    """One connection with what it takes to help."""

    row: ConnectionRow
    plaid_item_id: str
    institution_id: str | None
    state_since: dt.datetime
    created_at: dt.datetime
    error_request_id: str | None
    checked_at: dt.datetime | None
    bank_data_at: dt.datetime | None
    last_webhook_at: dt.datetime | None
    next_sync_at: dt.datetime | None
    consent_expires_at: dt.datetime | None
    failures: int
    crashes: int
    accounts: int
    parked: int
    quarantined: int
    reread_wanted: bool
    changes: tuple[ChangeRow, ...]
    products: tuple[ProductRow, ...]


def page(
    *,
    environment: str,
    now: dt.datetime,
    limit: int,
    state: ConnectionState | None = None,
    group: Group | None = None,
    institution_id: str | None = None,
    after: ConnectionId | None = None,
) -> Page[ConnectionRow, ConnectionId]:
    """A page of connections; those in a state, in a group or of a bank, when asked."""
    query = select(PlaidConnection).where(*_at_banks(environment))
    if state is not None:
        query = query.where(PlaidConnection.state == state.value)
    if group is not None:
        query = query.where(*_in_group(group, now))
    if institution_id is not None:
        query = query.where(PlaidConnection.plaid_institution_id == institution_id)
    if after is not None:
        query = query.where(PlaidConnection.id < after)
    found = db.session.scalars(query.order_by(PlaidConnection.id.desc()).limit(limit + 1))
    return cut([_row(connection, now) for connection in found], limit, lambda row: row.id)


def detail(connection_id: ConnectionId, *, environment: str, now: dt.datetime) -> ConnectionDetail | None:
    """One connection of this environment, its last steps and what is read beside transactions."""
    connection = db.session.scalar(
        select(PlaidConnection).where(PlaidConnection.id == connection_id, *_at_banks(environment))
    )
    if connection is None:
        return None
    parked, quarantined, accounts = (
        db.session.scalar(select(func.count()).select_from(table).where(table.connection_id == connection_id))
        or 0
        for table in (ParkedRow, QuarantinedRow, PlaidAccount)
    )
    return ConnectionDetail(
        row=_row(connection, now, aside=parked + quarantined),
        plaid_item_id=connection.plaid_item_id,
        institution_id=connection.plaid_institution_id,
        state_since=connection.state_since,
        created_at=connection.created_at,
        error_request_id=connection.error_request_id,
        checked_at=connection.last_checked_at,
        bank_data_at=connection.bank_data_at,
        last_webhook_at=connection.last_webhook_at,
        next_sync_at=connection.next_sync_at,
        consent_expires_at=connection.consent_expires_at,
        failures=connection.failures,
        crashes=connection.crashes,
        accounts=accounts,
        parked=parked,
        quarantined=quarantined,
        reread_wanted=connection.reread_wanted,
        changes=_changes(connection_id),
        products=_products(connection_id),
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


def group_counts(*, environment: str, now: dt.datetime) -> dict[Group, int]:
    """How many connections are in each group."""
    row = db.session.execute(
        select(*(func.count().filter(*_in_group(group, now)) for group in Group)).where(
            *_at_banks(environment)
        )
    ).one()
    return dict(zip(Group, row, strict=True))


def owner_of(connection_id: ConnectionId, *, environment: str) -> UserId | None:
    """Whose connection it is, if the environment has it; those of others are asleep."""
    return db.session.scalar(
        select(PlaidConnection.user_id).where(PlaidConnection.id == connection_id, *_at_banks(environment))
    )


def _at_banks(environment: str) -> tuple[ColumnElement[bool], ...]:
    """What people keep by hand is nobody else's business."""
    return PlaidConnection.environment == environment, PlaidConnection.state != ConnectionState.MANUAL.value


def _in_group(group: Group, now: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    living = PlaidConnection.state.in_([state.value for state in READABLE])
    if group is Group.PARKED:
        return living, PlaidConnection.crashes >= MOST_CRASHES
    if group is Group.PAUSED:
        return living, PlaidConnection.paused_at.is_not(None)
    if group is Group.FAILING:
        return living, PlaidConnection.error_code.is_not(None)
    return living, func.coalesce(PlaidConnection.last_good_at, PlaidConnection.created_at) <= now - SYNC_GAP


def _changes(connection_id: ConnectionId) -> tuple[ChangeRow, ...]:
    rows = db.session.scalars(
        select(ConnectionChange)
        .where(ConnectionChange.connection_id == connection_id)
        .order_by(ConnectionChange.at.desc(), ConnectionChange.id.desc())
        .limit(MOST_CHANGES)
    )
    return tuple(
        ChangeRow(
            at=row.at,
            before=ConnectionState(row.before),
            after=ConnectionState(row.after),
            cause=row.cause,
            request_id=row.request_id,
        )
        for row in rows
    )


def _products(connection_id: ConnectionId) -> tuple[ProductRow, ...]:
    rows = db.session.scalars(
        select(ProductRefresh)
        .where(ProductRefresh.connection_id == connection_id)
        .order_by(ProductRefresh.product)
    )
    return tuple(
        ProductRow(
            product=row.product,
            last_good_at=row.last_good_at,
            next_at=row.next_refresh_at,
            failures=row.failures,
            error_code=row.error_code,
        )
        for row in rows
    )


def _row(connection: PlaidConnection, now: dt.datetime, *, aside: int = 0) -> ConnectionRow:
    state = ConnectionState(connection.state)
    paused = connection.paused_at is not None and state in READABLE
    report = health(
        state,
        last_good_at=connection.last_good_at,
        asleep=False,
        paused=paused,
        failing=connection.error_code is not None,
        now=now,
    )
    return ConnectionRow(
        id=connection.id,
        user_id=connection.user_id,
        institution_name=connection.institution_name,
        state=state,
        health=report.health,
        todo=_todo(connection, state, now, aside=aside),
        error_code=connection.error_code,
        last_good_at=connection.last_good_at,
        next_check_at=connection.next_check_at,
        paused_at=connection.paused_at if paused else None,
        is_parked=connection.crashes >= MOST_CRASHES,
        can_sync=state in READABLE and not paused,
    )


def _todo(connection: PlaidConnection, state: ConnectionState, now: dt.datetime, *, aside: int) -> Todo:
    """The first thing that matters: what stops everything before what stops a part."""
    if state in ENDED:
        return Todo.ENDED
    if connection.paused_at is not None:
        return Todo.PAUSED
    if connection.crashes >= MOST_CRASHES:
        return Todo.PARKED
    if connection.error_code is not None and advice(None, connection.error_code).family is Family.OPERATOR:
        return Todo.OPERATOR
    of_state = {
        ConnectionState.NEEDS_SIGN_IN: Todo.PERSON,
        ConnectionState.ATTENTION_SOON: Todo.ENDS_SOON,
        ConnectionState.BANK_TROUBLE: Todo.BANK,
        ConnectionState.LINKING: Todo.IMPORTING,
        ConnectionState.IMPORTING: Todo.IMPORTING,
    }
    if state in of_state:
        return of_state[state]
    if connection.last_good_at is None or now - connection.last_good_at >= SYNC_GAP:
        return Todo.STALE
    return Todo.ASIDE if aside else Todo.NOTHING
