"""With whom most was spent: months that are kept from their sums, other days from the rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import false
from sqlalchemy import func
from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import union_all

from mingus.db import db
from mingus.money import Money
from mingus.plaid.ledger import PlaidTransaction
from mingus.transactions import merchantsums
from mingus.transactions.models import MerchantSum
from mingus.transactions.summing import DAY
from mingus.transactions.summing import end_of

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Select

    from mingus.money import Currency
    from mingus.reports.figures import Scope
    from mingus.transactions.summing import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """What was spent at one place."""

    name: str
    spent: Money
    count: int
    last_on: dt.date


def merchants(scope: Scope, currency: Currency, *, limit: int) -> list[Merchant]:
    """Where most was spent."""
    since, until = scope.since or dt.date.min, end_of(scope.user_id, scope.until)
    months = _kept(scope, since, until)
    each = union_all(
        _of_sums(scope, currency, months), _of_rows(scope, currency, _between(months, since, until))
    ).subquery()
    total = func.sum(each.c.minor)
    rows = db.session.execute(
        select(each.c.name, total, func.sum(each.c.count), func.max(each.c.last_on))
        .group_by(each.c.name)
        .having(total < 0)
        .order_by(total, each.c.name)
        .limit(limit)
    )
    return [
        Merchant(
            name=name, spent=Money(minor=-int(minor), currency=currency), count=int(count), last_on=last_on
        )
        for name, minor, count, last_on in rows
    ]


def _kept(scope: Scope, since: dt.date, until: dt.date) -> list[Span]:
    """The whole months among these days whose sums are there, as days; of some accounts there are none."""
    if scope.accounts:
        return []
    months = merchantsums.kept(scope.user_id, environment=scope.environment)
    return [
        (month, merchantsums.last_of(month))
        for month in sorted(months)
        if since <= month and merchantsums.last_of(month) <= until
    ]


def _between(spans: list[Span], since: dt.date, until: dt.date) -> list[Span]:
    """The days from `since` to `until` that are in none of the spans."""
    found, begin = [], since
    for first, last in spans:
        if begin < first:
            found.append((begin, first - DAY))
        begin = last + DAY
    return [*found, (begin, until)] if begin <= until else found


def _of_sums(scope: Scope, currency: Currency, months: list[Span]) -> Select[Any]:
    table = MerchantSum
    columns: tuple[Any, ...] = (table.name, table.minor, table.count, table.last_on)
    return select(*columns).where(
        table.user_id == scope.user_id,
        table.currency == currency,
        table.month.in_([first for first, _ in months]),
    )


def _of_rows(scope: Scope, currency: Currency, days: list[Span]) -> Select[Any]:
    table, name = PlaidTransaction, merchantsums.merchant().label("name")
    rows = merchantsums.spent_rows(scope.user_id, environment=scope.environment).where(
        table.currency == currency,
        or_(false(), *(table.date.between(first, last) for first, last in days)),
    )
    if scope.accounts:
        rows = rows.where(table.account_id.in_(scope.accounts))
    columns: tuple[Any, ...] = (
        name,
        func.sum(table.amount_minor).label("minor"),
        func.count().label("count"),
        func.max(table.date).label("last_on"),
    )
    return rows.with_only_columns(*columns).group_by(name)
