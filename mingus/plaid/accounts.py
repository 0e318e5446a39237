"""Stored accounts and what the bank shows: matched, written, closed, never deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus.plaid.models import AccountId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ENDED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from collections.abc import Sequence

    from mingus.db import Unit
    from mingus.plaid.wire import AccountFacts


def write_accounts(
    unit: Unit,
    connection: PlaidConnection,
    shown: Sequence[AccountFacts],
    *,
    now: dt.datetime,
    new_id: Callable[[str], str],
) -> int:
    """Bring a connection's accounts to what the bank shows, in the caller's unit; how many there are.

    One that is no longer shown is closed and keeps its history; one that is shown again opens again.
    """
    known = {
        account.plaid_account_id: account
        for account in unit.session.scalars(
            select(PlaidAccount).where(PlaidAccount.connection_id == connection.id)
        )
    }
    for facts in shown:
        account = known.pop(facts.plaid_account_id, None)
        if account is None:
            account = PlaidAccount(
                id=AccountId(new_id("acc")),
                connection_id=connection.id,
                user_id=connection.user_id,
                plaid_account_id=facts.plaid_account_id,
                created_at=now,
                replaces_id=_predecessor(unit, connection, facts),
            )
            unit.session.add(account)
        _write(account, facts, now)
    for account in known.values():
        account.closed_at = account.closed_at or now
    return len(shown)


def _write(account: PlaidAccount, facts: AccountFacts, now: dt.datetime) -> None:
    account.persistent_account_id = facts.persistent_account_id
    account.name, account.official_name, account.mask = facts.name, facts.official_name, facts.mask
    account.type, account.subtype, account.currency = facts.type, facts.subtype, facts.currency
    account.current_minor, account.available_minor = facts.current_minor, facts.available_minor
    account.limit_minor, account.balance_at, account.closed_at = facts.limit_minor, now, None


def _predecessor(unit: Unit, connection: PlaidConnection, facts: AccountFacts) -> AccountId | None:
    """The same real account under an ended connection, so that it does not count twice."""
    ended = (
        select(PlaidAccount)
        .join(PlaidConnection, PlaidConnection.id == PlaidAccount.connection_id)
        .where(
            PlaidConnection.user_id == connection.user_id,
            PlaidConnection.environment == connection.environment,
            PlaidConnection.plaid_institution_id == connection.plaid_institution_id,
            PlaidConnection.id != connection.id,
            PlaidConnection.state.in_({state.value for state in ENDED}),
        )
        .order_by(PlaidAccount.created_at.desc())
    )
    for account in unit.session.scalars(ended):
        if same_account(account, facts):
            return account.id
    return None


def same_account(account: PlaidAccount, facts: AccountFacts) -> bool:
    """By the bank's lasting id where there is one, else by mask, kind and name together."""
    if account.persistent_account_id and facts.persistent_account_id:
        return account.persistent_account_id == facts.persistent_account_id
    return account.mask is not None and (account.mask, account.type, account.subtype, account.name) == (
        facts.mask,
        facts.type,
        facts.subtype,
        facts.name,
    )
