"""The figures behind reports and dashboard: sums by month, category and merchant, each in one currency.

The owner comes first in every scope. What counts as spent or earned is decided in `transactions.spending`, so that
every page comes to the same totals.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import case
from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.money import Currency
from mingus.money import Money
from mingus.plaid.ledger import PlaidTransaction
from mingus.transactions import spending
from mingus.transactions.summing import sums_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Select

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import TransactionChoice
    from mingus.plaid.models import AccountId
    from mingus.transactions.categories import Catalogue
    from mingus.transactions.categories import Category
    from mingus.transactions.summing import Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose transactions, of which days and accounts; None and empty: not narrowed."""

    user_id: UserId
    environment: str
    since: dt.date | None = None
    until: dt.date | None = None
    accounts: tuple[AccountId, ...] = ()
    currency: Currency | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What came in and went out in a month; `spent` is what spending comes to, refunds taken off."""

    first: dt.date
    earned: Money
    spent: Money

    @property
    def last(self) -> dt.date:
        return (self.first.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)

    @property
    def kept(self) -> Money:
        return Money(minor=self.earned.minor - self.spent.minor, currency=self.earned.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class CategorySum:
    """What was spent in a category or in a group of them."""

    category: Category
    spent: Money
    count: int


def currencies(scope: Scope) -> list[Currency]:
    """The currencies of these transactions, the most frequent first."""
    sums, statement = _sums(scope)
    found = statement.with_only_columns(sums.c.currency).group_by(sums.c.currency).having(sums.counted > 0)
    ordered = found.order_by(sums.counted.desc(), sums.c.currency)
    return [Currency(code) for code in db.session.scalars(ordered, sums.params)]


def first_day(scope: Scope) -> dt.date | None:
    """The date of the oldest transaction."""
    return db.session.scalar(
        _rows(scope).with_only_columns(PlaidTransaction.date).order_by(PlaidTransaction.date).limit(1)
    )


def get_user_transaction_count(scope: Scope) -> int:
    """How many transactions there are, transfers among them."""
    sums, statement = _sums(scope)
    return int(db.session.scalar(statement.with_only_columns(sums.counted), sums.params) or 0)


def get_user_income(scope: Scope) -> tuple[Money, ...]:
    """What was earned, by currency."""
    sums, statement = _sums(scope)
    return _by_currency(sums, statement.where(spending.is_income(sums.seen)), sign=1)


def get_user_spending(scope: Scope) -> tuple[Money, ...]:
    """What was spent, by currency: positive, refunds taken off."""
    sums, statement = _sums(scope)
    return _by_currency(sums, statement.where(spending.is_spending(sums.seen)), sign=-1)


def get_user_spending_by_category(scope: Scope, catalogue: Catalogue) -> list[CategorySum]:
    """Spending by its finest category, the largest first; the scope names the currency."""
    sums, statement = _sums(scope)
    rows = db.session.execute(
        statement.where(spending.is_spending(sums.seen))
        .with_only_columns(sums.c.code, func.sum(sums.c.minor), sums.counted)
        .group_by(sums.c.code)
        .having(sums.counted > 0),
        sums.params,
    )
    found: dict[Category, tuple[int, int]] = {}
    for code, minor, count in rows:
        category = catalogue.find(code)
        before = found.get(category, (0, 0))
        found[category] = (before[0] - int(minor), before[1] + int(count))
    return _by_size(found, _currency(scope))


def by_group(parts: Iterable[CategorySum], catalogue: Catalogue) -> list[CategorySum]:
    """The same, a line for each group."""
    sums: dict[Category, tuple[int, int]] = {}
    currency = None
    for part in parts:
        group = catalogue.find(part.category.group)
        before = sums.get(group, (0, 0))
        sums[group] = (before[0] + part.spent.minor, before[1] + part.count)
        currency = part.spent.currency
    return _by_size(sums, currency) if currency is not None else []


def spending_by_month(scope: Scope, catalogue: Catalogue) -> dict[dt.date, dict[Category, int]]:
    """Minor units spent in each month, by group."""
    sums, statement = _sums(scope, by_month=True)
    rows = db.session.execute(
        statement.where(spending.is_spending(sums.seen))
        .with_only_columns(sums.c.month, sums.c.code, func.sum(sums.c.minor))
        .group_by(sums.c.month, sums.c.code)
        .having(sums.counted > 0),
        sums.params,
    )
    found: dict[dt.date, dict[Category, int]] = {}
    for month, code, minor in rows:
        of_month = found.setdefault(month, {})
        group = catalogue.group_of(code)
        of_month[group] = of_month.get(group, 0) - int(minor)
    return found


def cash_flow(scope: Scope) -> list[Month]:
    """Each month from the first to the last of the scope's days, the empty ones too."""
    currency, (sums, statement) = _currency(scope), _sums(scope, by_month=True)
    columns: tuple[Any, ...] = (sums.c.month, sums.c.minor, sums.c.count)
    way = spending.earned_or_spent(sums.seen).label("way")
    each = (
        statement.with_only_columns(*columns, way).offset(0).subquery()
    )  # else it would be judged for each sum
    rows = db.session.execute(
        select(
            each.c.month,
            func.sum(case((each.c.way > 0, each.c.minor), else_=0)),
            func.sum(case((each.c.way < 0, each.c.minor), else_=0)),
        )
        .group_by(each.c.month)
        .having(func.sum(each.c.count) > 0),
        sums.params,
    )
    found = {month: (int(earned), -int(spent)) for month, earned, spent in rows}
    firsts = months(scope.since or min(found), scope.until or max(found)) if found else []
    return [
        Month(
            first=first,
            earned=Money(minor=found.get(first, (0, 0))[0], currency=currency),
            spent=Money(minor=found.get(first, (0, 0))[1], currency=currency),
        )
        for first in firsts
    ]


def months(since: dt.date, until: dt.date) -> list[dt.date]:
    """The first days of the months from `since` to `until`."""
    count = (until.year - since.year) * 12 + until.month - since.month + 1
    starts = (since.year * 12 + since.month - 1 + number for number in range(max(count, 0)))
    return [dt.date(start // 12, start % 12 + 1, 1) for start in starts]


def _sums(scope: Scope, *, by_month: bool = False) -> tuple[Sums, Select[Any]]:
    """What the scope's shown transactions come to, and a statement over it."""
    sums = sums_of(
        scope.user_id,
        environment=scope.environment,
        since=scope.since,
        until=scope.until,
        accounts=scope.accounts,
        by_month=by_month,
    )
    statement = select(sums.c.minor).where(sums.shown)
    if scope.currency is not None:
        statement = statement.where(sums.c.currency == scope.currency)
    return sums, statement


def _rows(scope: Scope) -> Select[PlaidTransaction, TransactionChoice]:
    statement = spending.shown_rows(scope.user_id, environment=scope.environment)
    table = PlaidTransaction
    if scope.since is not None:
        statement = statement.where(table.date >= scope.since)
    if scope.until is not None:
        statement = statement.where(table.date <= scope.until)
    if scope.accounts:
        statement = statement.where(table.account_id.in_(scope.accounts))
    if scope.currency is not None:
        statement = statement.where(table.currency == scope.currency)
    return statement


def _currency(scope: Scope) -> Currency:
    if scope.currency is None:
        message = "sums of several currencies have no meaning: the scope must name one"
        raise ValueError(message)
    return scope.currency


def _by_currency(sums: Sums, statement: Select[Any], *, sign: int) -> tuple[Money, ...]:
    rows = db.session.execute(
        statement.with_only_columns(sums.c.currency, func.sum(sums.c.minor))
        .group_by(sums.c.currency)
        .having(sums.counted > 0)
        .order_by(sums.counted.desc(), sums.c.currency),
        sums.params,
    )
    return tuple(Money(minor=sign * int(minor), currency=Currency(currency)) for currency, minor in rows)


def _by_size(sums: dict[Category, tuple[int, int]], currency: Currency) -> list[CategorySum]:
    found = [
        CategorySum(category=category, spent=Money(minor=minor, currency=currency), count=count)
        for category, (minor, count) in sums.items()
    ]
    return sorted(found, key=lambda one: (-one.spent.minor, one.category.label))
