"""What pages and API read of connections and accounts; the owner comes first."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import Select
from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.money import Currency
from mingus.money import Money
from mingus.money import totals
from mingus.plaid.accounts import replaced_accounts
from mingus.plaid.failures import Action
from mingus.plaid.failures import advice
from mingus.plaid.ledger import ParkedRow
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.linkstates import LinkState
from mingus.plaid.models import AccountChoice
from mingus.plaid.models import AccountId
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import LinkId
from mingus.plaid.models import LinkSession
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.models import PlaidInstitution
from mingus.plaid.states import ENDED
from mingus.plaid.states import MOST_CRASHES
from mingus.plaid.states import READABLE
from mingus.plaid.states import ConnectionState
from mingus.plaid.states import Health
from mingus.plaid.states import health

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from mingus.auth.models import UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """One account as its owner sees it: what they have is positive, what they owe negative, unknown is None."""

    id: AccountId
    connection_id: ConnectionId
    institution_name: str
    name: str
    official_name: str | None
    mask: str | None
    type: str
    subtype: str | None
    currency: Currency
    current: Money | None
    available: Money | None
    limit: Money | None
    as_of: dt.datetime
    hidden: bool
    closed: bool
    manual: bool  # kept by hand: no bank tells of it
    ended: bool  # its connection is over: its history stays, it counts no more


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCard:
    """One bank connection with its accounts, its state in words, and the one thing to do."""

    id: ConnectionId
    institution_name: str
    logo: str | None
    color: str | None
    state: ConnectionState
    since: dt.datetime
    health: Health
    recommendation: str
    sentence: str | None
    action: Action
    error_code: str | None
    request_id: str | None
    new_accounts: bool
    consent_expires_at: dt.datetime | None
    bank_data_at: dt.datetime | None
    checked_at: dt.datetime | None
    paused_since: dt.datetime | None  # the operator lets it rest
    set_aside: int  # rows of it that are kept but can't be read, or not yet
    accounts: tuple[AccountRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLink:
    """A finished Link that waits for the person: the bank seems to be connected already."""

    id: LinkId
    institution_name: str
    connection_id: ConnectionId
    at: dt.datetime


def connection_cards(
    user_id: UserId, *, environment: str, now: dt.datetime, accounts: Iterable[AccountRow] | None = None
) -> list[ConnectionCard]:
    """The person's connections of this environment, those that need something first. Two queries at most.

    An ended one is among them, last, while its history is kept.
    """
    if accounts is None:
        accounts = accounts_of(user_id, environment=environment, hidden_too=True)
    rows = db.session.execute(
        select(PlaidConnection, PlaidInstitution.logo, PlaidInstitution.primary_color, *SET_ASIDE)
        .outerjoin(
            PlaidInstitution, PlaidInstitution.plaid_institution_id == PlaidConnection.plaid_institution_id
        )
        .where(
            PlaidConnection.user_id == user_id,
            PlaidConnection.environment == environment,
            PlaidConnection.state != ConnectionState.MANUAL.value,
        )
        .order_by(PlaidConnection.institution_name, PlaidConnection.id)
    ).all()
    of_connection = {
        connection_id: tuple(group)
        for connection_id, group in groupby(accounts, key=lambda account: account.connection_id)
    }
    cards = [
        _card(connection, logo, color, sum(aside), of_connection.get(connection.id, ()), now)
        for connection, logo, color, *aside in rows
    ]
    shown = [card for card in cards if card.accounts or card.state is not ConnectionState.REMOVED]
    return sorted(shown, key=lambda card: (card.state is ConnectionState.REMOVED, URGENCY.index(card.health)))


SET_ASIDE = tuple(
    select(func.count()).where(aside.connection_id == PlaidConnection.id).scalar_subquery()
    for aside in (QuarantinedRow, ParkedRow)
)
URGENCY = (Health.CRITICAL, Health.WARNING, Health.UNKNOWN, Health.HEALTHY)


def connection_card(
    user_id: UserId, connection_id: ConnectionId, *, environment: str, now: dt.datetime
) -> ConnectionCard | None:
    cards = connection_cards(user_id, environment=environment, now=now)
    return next((card for card in cards if card.id == connection_id), None)


def accounts_of(user_id: UserId, *, environment: str, hidden_too: bool = False) -> list[AccountRow]:
    """The person's open accounts, by connection; hidden ones on request."""
    rows = db.session.execute(_accounts(user_id, environment)).all()
    found = [_account(*row) for row in rows]
    return [account for account in found if hidden_too or not account.hidden]


def account(user_id: UserId, account_id: AccountId, *, environment: str) -> AccountRow | None:
    row = db.session.execute(
        _accounts(user_id, environment).where(PlaidAccount.id == account_id)
    ).one_or_none()
    return _account(*row) if row is not None else None


def counted(accounts: Iterable[AccountRow]) -> list[AccountRow]:
    """Those that make up what a person has: hidden, closed and ended ones are left out."""
    return [row for row in accounts if not row.hidden and not row.closed and not row.ended]


def net_worth(accounts: Iterable[AccountRow]) -> tuple[Money, ...]:
    """What the person has less what they owe, by currency; unknown balances are left out too."""
    return totals(account.current for account in counted(accounts))


def all_connections(*, environment: str) -> list[PlaidConnection]:
    """Every connection of an environment, for its operator."""
    statement = select(PlaidConnection).where(
        PlaidConnection.environment == environment, PlaidConnection.state != ConnectionState.MANUAL.value
    )
    return list(db.session.scalars(statement.order_by(PlaidConnection.id)))


def asleep_count(user_id: UserId, *, environment: str) -> int:
    """How many living connections of the person belong to another environment."""
    return int(
        db.session.scalar(
            select(func.count())
            .select_from(PlaidConnection)
            .where(
                PlaidConnection.user_id == user_id,
                PlaidConnection.environment != environment,
                PlaidConnection.state.not_in({state.value for state in ENDED}),
            )
        )
        or 0
    )


def parked_syncs() -> int:
    """How many connections are left alone because their syncs ended the worker each time."""
    query = select(func.count()).where(PlaidConnection.crashes >= MOST_CRASHES)
    return db.session.scalar(query) or 0


def oldest_wanted_sync(environment: str) -> dt.datetime | None:
    """Since when the oldest sync waits that a worker may begin; None when none waits."""
    return db.session.scalar(
        select(func.min(PlaidSyncLog.requested_at))
        .join(PlaidConnection, PlaidConnection.id == PlaidSyncLog.connection_id)
        .where(
            PlaidSyncLog.status == SyncStatus.WAITING.value,
            PlaidConnection.environment == environment,
            PlaidConnection.state.in_([state.value for state in READABLE]),
            PlaidConnection.paused_at.is_(None),
            PlaidConnection.crashes < MOST_CRASHES,
        )
    )


def waiting_links(user_id: UserId, *, environment: str) -> list[WaitingLink]:
    """Finished Links that wait for "reconnect or keep both"."""
    rows = db.session.scalars(
        select(LinkSession).where(
            LinkSession.user_id == user_id,
            LinkSession.environment == environment,
            LinkSession.state == LinkState.RECEIVED.value,
            LinkSession.next_look_at.is_(None),
            LinkSession.connection_id.is_not(None),
        )
    )
    return [
        WaitingLink(
            id=row.id,
            institution_name=row.institution_name or "",
            connection_id=row.connection_id or ConnectionId(""),
            at=row.changed_at,
        )
        for row in rows
    ]


def _accounts(user_id: UserId, environment: str) -> Select[PlaidAccount, AccountChoice, str, str]:
    """Accounts that count: an account that was linked anew under another connection replaces its predecessor."""
    return (
        select(PlaidAccount, AccountChoice, PlaidConnection.institution_name, PlaidConnection.state)
        .join(PlaidConnection, PlaidConnection.id == PlaidAccount.connection_id)
        .outerjoin(AccountChoice, AccountChoice.account_id == PlaidAccount.id)
        .where(
            PlaidAccount.user_id == user_id,
            PlaidConnection.environment == environment,
            PlaidAccount.id.not_in(replaced_accounts(user_id)),
        )
        .order_by(PlaidAccount.connection_id, PlaidAccount.closed_at.is_not(None), PlaidAccount.id)
    )


def _account(
    account: PlaidAccount, choice: AccountChoice | None, institution_name: str, state: str
) -> AccountRow:
    currency = Currency(account.currency)

    def amount(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor=minor, currency=currency)

    return AccountRow(
        id=account.id,
        connection_id=account.connection_id,
        institution_name=institution_name,
        name=(choice.name if choice is not None else None) or account.name,
        official_name=account.official_name,
        mask=account.mask,
        type=account.type,
        subtype=account.subtype,
        currency=currency,
        current=amount(account.current_minor),
        available=amount(account.available_minor),
        limit=amount(account.limit_minor),
        as_of=account.balance_at,
        hidden=choice is not None and choice.hidden,
        closed=account.closed_at is not None,
        manual=state == ConnectionState.MANUAL,
        ended=state in ENDED,
    )


def _card(
    connection: PlaidConnection,
    logo: str | None,
    color: str | None,
    set_aside: int,
    accounts: tuple[AccountRow, ...],
    now: dt.datetime,
) -> ConnectionCard:
    state = ConnectionState(connection.state)
    report = health(
        state,
        last_good_at=connection.last_good_at,
        asleep=False,
        paused=connection.paused_at is not None,
        failing=connection.error_code is not None,
        now=now,
    )
    known = advice(None, connection.error_code) if connection.error_code else None
    return ConnectionCard(
        id=connection.id,
        institution_name=connection.institution_name,
        logo=logo,
        color=color,
        state=state,
        since=connection.state_since,
        health=report.health,
        recommendation=report.recommendation,
        sentence=known.sentence if known else None,
        action=known.action if known else Action.NONE,
        error_code=connection.error_code,
        request_id=connection.error_request_id,
        new_accounts=connection.new_accounts,
        consent_expires_at=connection.consent_expires_at,
        bank_data_at=connection.bank_data_at,
        checked_at=connection.last_checked_at,
        paused_since=connection.paused_at if state not in ENDED else None,
        set_aside=set_aside,
        accounts=accounts,
    )
