"""What accounts were worth, day by day: as the bank said it, and before that as the transactions tell it backwards."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import or_
from sqlalchemy import select

from mingus.db import db
from mingus.money import Currency
from mingus.plaid.accounts import replaced_accounts
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.models import AccountChoice
from mingus.plaid.models import AccountId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ENDED
from mingus.transactions.models import DaySum

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId

DAY = dt.timedelta(days=1)
# what these hold changes its value without any transaction: nothing can be told backwards
BY_MARKET = frozenset({"investment", "brokerage"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancePoint:
    """A balance at the end of a day; owed is negative. Reconstructed: told by transactions, not by the bank."""

    date: dt.date
    minor: int
    currency: Currency
    reconstructed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    id: AccountId
    type: str
    currency: Currency
    ended_on: dt.date | None


def account_history(
    user_id: UserId, account_id: AccountId, *, environment: str, since: dt.date | None = None
) -> list[BalancePoint]:
    """The account's balances on the days on which they are known or changed, oldest first; two queries."""
    accounts = _accounts(user_id, environment, PlaidAccount.id == account_id)
    points = _points(accounts, since).get(account_id, [])
    return [point for point in points if since is None or point.date >= since]


def standing(points: Sequence[BalancePoint], *, since: dt.date | None, until: dt.date) -> list[BalancePoint]:
    """Values that stand until the next is given, as steps from one day to another."""
    found: list[BalancePoint] = []
    for point in points:
        last = found[-1] if found else None
        if last is not None and last.date < point.date - DAY:
            found.append(replace(last, date=point.date - DAY))
        found.append(point)
    if found and found[-1].date < until:
        found.append(replace(found[-1], date=until))
    before = [point for point in found if since is not None and point.date < since]
    shown = found[len(before) :]
    if before and since is not None and shown and shown[0].date > since:
        shown.insert(0, replace(before[-1], date=since))
    return shown


def net_worth_history(
    user_id: UserId, *, environment: str, since: dt.date, until: dt.date
) -> dict[Currency, list[BalancePoint]]:
    """What the person had less what they owed at the end of each day, by currency; two queries for all accounts.

    A day counts as reconstructed while any account's part of it is. An account of which nothing is known that far
    back stands at its first known balance; hidden ones are left out, ended ones from the day they ended.
    """
    shown = or_(AccountChoice.hidden.is_(None), AccountChoice.hidden.is_(False))
    counted = PlaidAccount.id.not_in(replaced_accounts(user_id))
    accounts = _accounts(user_id, environment, shown, counted)
    points = _points(accounts, since)
    sums: dict[Currency, dict[dt.date, tuple[int, bool]]] = defaultdict(dict)
    for account in accounts:
        found = points[account.id]
        if found:
            _add(sums[account.currency], found, account.ended_on, since, until)
    return {
        currency: [
            BalancePoint(date=day, minor=minor, currency=currency, reconstructed=reconstructed)
            for day, (minor, reconstructed) in sorted(days.items())
        ]
        for currency, days in sorted(sums.items())
    }


def _add(
    days: dict[dt.date, tuple[int, bool]],
    points: Sequence[BalancePoint],
    ended_on: dt.date | None,
    since: dt.date,
    until: dt.date,
) -> None:
    """Add one account's balance to each day, each point holding until the next."""
    place, day = -1, since
    last = until if ended_on is None else min(until, ended_on - DAY)
    while day <= last:
        while place + 1 < len(points) and points[place + 1].date <= day:
            place += 1
        point = points[max(place, 0)]
        minor, reconstructed = days.get(day, (0, False))
        days[day] = (minor + point.minor, reconstructed or point.reconstructed or place < 0)
        day += DAY


def _accounts(user_id: UserId, environment: str, *conditions: ColumnElement[bool]) -> list[_Account]:
    rows = db.session.execute(
        select(
            PlaidAccount.id,
            PlaidAccount.type,
            PlaidAccount.currency,
            PlaidAccount.closed_at,
            PlaidConnection.state,
            PlaidConnection.state_since,
        )
        .join(PlaidConnection, PlaidConnection.id == PlaidAccount.connection_id)
        .outerjoin(AccountChoice, AccountChoice.account_id == PlaidAccount.id)
        .where(PlaidAccount.user_id == user_id, PlaidConnection.environment == environment, *conditions)
    )
    return [
        _Account(
            id=row.id,
            type=row.type,
            currency=Currency(row.currency),
            ended_on=_ended_on(row.closed_at, row.state_since if row.state in ENDED else None),
        )
        for row in rows
    ]


def _ended_on(closed_at: dt.datetime | None, left_at: dt.datetime | None) -> dt.date | None:
    ends = [at.date() for at in (closed_at, left_at) if at is not None]
    return min(ends) if ends else None


def _points(accounts: Sequence[_Account], since: dt.date | None) -> dict[AccountId, list[BalancePoint]]:
    """Each account's known balances, with those before the first of them told backwards."""
    ids = [account.id for account in accounts]
    said = _said(ids)
    moved = _moved([account for account in accounts if account.type not in BY_MARKET], since)
    found: dict[AccountId, list[BalancePoint]] = {}
    for account in accounts:
        known = said.get(account.id, [])
        earlier = _backwards(known[0], moved.get(account.id, {}), account.currency) if known else []
        found[account.id] = earlier + [
            BalancePoint(date=day, minor=minor, currency=account.currency, reconstructed=False)
            for day, minor in known
        ]
    return found


def _said(ids: Sequence[AccountId]) -> dict[AccountId, list[tuple[dt.date, int]]]:
    """What the bank said, by account, oldest first."""
    rows = db.session.execute(
        select(BalanceSnapshot.account_id, BalanceSnapshot.taken_on, BalanceSnapshot.current_minor)
        .where(BalanceSnapshot.account_id.in_(ids))
        .order_by(BalanceSnapshot.taken_on)
    )
    found: defaultdict[AccountId, list[tuple[dt.date, int]]] = defaultdict(list)
    for account_id, day, minor in rows:
        if minor is not None:
            found[account_id].append((day, minor))
    return found


def _moved(accounts: Sequence[_Account], since: dt.date | None) -> dict[AccountId, dict[dt.date, int]]:
    """What was posted to each account on each day, in the account's own currency."""
    own = {account.id: account.currency for account in accounts}
    statement = select(DaySum.account_id, DaySum.day, DaySum.currency, DaySum.minor).where(
        DaySum.account_id.in_(own)
    )
    if since is not None:
        statement = statement.where(DaySum.day >= since)
    found: defaultdict[AccountId, dict[dt.date, int]] = defaultdict(dict)
    for account_id, day, currency, minor in db.session.execute(statement):
        if currency == own[account_id]:
            found[account_id][day] = minor
    return found


def _backwards(
    first: tuple[dt.date, int], moved: Mapping[dt.date, int], currency: Currency
) -> list[BalancePoint]:
    """From the first known balance back: a day's end is the next day's less what was posted on it."""
    found = []
    day, minor = first
    for moved_on in sorted((moved_on for moved_on in moved if moved_on <= day), reverse=True):
        minor -= moved[moved_on]
        found.append(BalancePoint(date=moved_on - DAY, minor=minor, currency=currency, reconstructed=True))
    found.reverse()
    return found
