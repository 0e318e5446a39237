"""Stored accounts and what the bank shows: matched, written, closed, never deleted."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import Select
from sqlalchemy import and_
from sqlalchemy import case
from sqlalchemy import not_
from sqlalchemy import select
from sqlalchemy.orm import aliased

from mingus.plaid.models import AccountId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ENDED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import BindParameter
    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId
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
    written: list[PlaidAccount] = []
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
            )
            unit.session.add(account)
        _write(account, facts, now)
        written.append(account)
    for account in known.values():
        account.closed_at = account.closed_at or now
    unit.session.flush()  # what is looked for next names these rows
    _find_predecessors(unit, connection, [account for account in written if account.replaces_id is None])
    return len(shown)


def _write(account: PlaidAccount, facts: AccountFacts, now: dt.datetime) -> None:
    account.persistent_account_id = facts.persistent_account_id
    account.name, account.official_name, account.mask = facts.name, facts.official_name, facts.mask
    account.type, account.subtype, account.currency = facts.type, facts.subtype, facts.currency
    account.current_minor, account.available_minor = facts.current_minor, facts.available_minor
    account.limit_minor, account.balance_at, account.closed_at = facts.limit_minor, now, None


def _find_predecessors(unit: Unit, connection: PlaidConnection, accounts: Sequence[PlaidAccount]) -> None:
    """Note which older account each is the same real one as, so that it does not count twice.

    An ended or closed account is recognised by all that is known of it. Of two living ones only the bank's own
    lasting id says that they are the same: the person asked to keep both, and may mean two.
    """
    if not accounts:
        return
    older = unit.session.execute(
        select(PlaidAccount, PlaidConnection.state)
        .join(PlaidConnection, PlaidConnection.id == PlaidAccount.connection_id)
        .where(
            PlaidConnection.user_id == connection.user_id,
            PlaidConnection.environment == connection.environment,
            PlaidConnection.plaid_institution_id == connection.plaid_institution_id,
        )
        .order_by(PlaidAccount.created_at.desc(), PlaidAccount.id.desc())
    ).all()
    taken = {account.replaces_id for account, _ in older}
    for account in accounts:
        for other, state in older:
            over = state in ENDED or other.closed_at is not None
            if other.id >= account.id or other.id in taken or not (over or other.persistent_account_id):
                continue
            if same_account(other, account) if over else _same_lasting_id(other, account):
                account.replaces_id = other.id
                taken.add(other.id)
                break


def replaced_accounts(user_id: UserId | BindParameter[Any]) -> Select[AccountId]:
    """Of every two accounts that are the same real one, that which does not count: both would count twice.

    It is the older one, unless that one alone still lives.
    """
    replaced, owner = _replaced()
    return replaced.where(owner == user_id)


@cache  # building an alias costs more than reading through it
def _replaced() -> tuple[Select[AccountId], ColumnElement[UserId]]:
    """Everybody's, and whose. The aliases are this call's own: half made, another thread would take them for empty."""
    older, newer = aliased(PlaidAccount), aliased(PlaidAccount)
    theirs, ours = aliased(PlaidConnection), aliased(PlaidConnection)
    ended = {state.value for state in ENDED}
    older_lives = and_(theirs.state.not_in(ended), older.closed_at.is_(None))
    newer_lives = and_(ours.state.not_in(ended), newer.closed_at.is_(None))
    statement = (
        select(case((and_(older_lives, not_(newer_lives)), newer.id), else_=older.id))
        .select_from(older)
        .join(newer, newer.replaces_id == older.id)
        .join(theirs, theirs.id == older.connection_id)
        .join(ours, ours.id == newer.connection_id)
    )
    return statement, newer.user_id.expression


def same_account(account: PlaidAccount, facts: AccountFacts | PlaidAccount) -> bool:
    """By the bank's lasting id where there is one, else by mask, kind and name together."""
    if account.persistent_account_id and facts.persistent_account_id:
        return account.persistent_account_id == facts.persistent_account_id
    return account.mask is not None and (account.mask, account.type, account.subtype, account.name) == (
        facts.mask,
        facts.type,
        facts.subtype,
        facts.name,
    )


def _same_lasting_id(one: PlaidAccount, other: PlaidAccount) -> bool:
    return one.persistent_account_id is not None and one.persistent_account_id == other.persistent_account_id
