"""What a person's transactions come to: whole years and months from their sums, other days from the rows.

One table of all: whatever is asked is asked of rows and sums alike, with the conditions of `spending`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import BindParameter
from sqlalchemy import bindparam
from sqlalchemy import case
from sqlalchemy import false
from sqlalchemy import func
from sqlalchemy import literal
from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import union_all

from mingus.db import db
from mingus.plaid.accounts import replaced_accounts
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.transactions import spending
from mingus.transactions.merchantsums import last_of
from mingus.transactions.models import MonthSum
from mingus.transactions.models import YearSum
from mingus.transactions.spending import Seen
from mingus.transactions.sums import first_of_month

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy import Select

    from mingus.auth.models import UserId
    from mingus.plaid.models import AccountId

Span = tuple[dt.date, dt.date]  # the first of them and the last
DAY = dt.timedelta(days=1)
OWNER: BindParameter[Any] = bindparam("sums_owner")
ENVIRONMENT: BindParameter[Any] = bindparam("sums_environment")
ACCOUNTS: BindParameter[Any] = bindparam("sums_accounts", expanding=True)
NAMES = ("currency", "code", "banks_group", "sign", "paired", "hidden", "minor", "count")
BEYOND = (
    select(literal(1))
    .where(
        PlaidTransaction.user_id == OWNER,
        PlaidTransaction.removed_at.is_(None),
        PlaidTransaction.date > bindparam("sums_until"),
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Columns to ask of, one row for each sum, and what says what it counts as.

    Every statement over them is executed with their `params`: whose they are, of which days and accounts.
    """

    c: Any  # the columns of a table of its own, `month` among them where that was asked for
    seen: Seen
    params: dict[str, Any]

    @property
    def shown(self) -> ColumnElement[bool]:
        """True for what the person does not hide."""
        shown: ColumnElement[bool] = self.c.hidden.is_(false())
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Days as whole years and whole months, each by their first days, and as what is left over."""

    years: tuple[Span, ...]
    months: tuple[Span, ...]
    days: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a table of sums is made of: so many spans of years, months and days, all accounts or some."""

    years: int
    months: int
    days: int
    some_accounts: bool
    by_month: bool


def sums_of(
    user_id: UserId,
    *,
    environment: str,
    since: dt.date | None = None,
    until: dt.date | None = None,
    accounts: tuple[AccountId, ...] = (),
    by_month: bool = False,
) -> Sums:
    """The person's living rows of these days and accounts, added up; one small query, and what is asked of it then."""
    split = _split(since or dt.date.min, end_of(user_id, until), by_month=by_month)
    shape = Shape(
        years=len(split.years),
        months=len(split.months),
        days=len(split.days),
        some_accounts=bool(accounts),
        by_month=by_month,
    )
    columns, seen = _table(shape, db.session().get_bind().dialect.name)
    params: dict[str, Any] = {"sums_owner": user_id, "sums_environment": environment}
    for kind, spans in (("years", split.years), ("months", split.months), ("days", split.days)):
        for number, (first, last) in enumerate(spans):
            params |= {f"sums_{kind}_since_{number}": first, f"sums_{kind}_until_{number}": last}
    if accounts:
        params["sums_accounts"] = accounts
    return Sums(c=columns, seen=seen, params=params)


@cache  # to build it takes longer than to read through it
def _table(shape: Shape, _dialect: str) -> tuple[Any, Seen]:
    """What is added up, whoever asks: a table to ask of, and what its rows count as."""
    parts: list[Select[Any]] = []
    if shape.years:
        parts.append(_kept(shape, YearSum, _within(YearSum.year.expression, "years", shape.years)))
    if shape.months:
        parts.append(_kept(shape, MonthSum, _within(MonthSum.month.expression, "months", shape.months)))
    if shape.days:
        parts.append(_days(shape))
    table = (parts[0] if len(parts) == 1 else union_all(*parts)).subquery()
    seen = Seen(
        owner=OWNER,
        code=func.nullif(table.c.code, ""),
        banks_group=table.c.banks_group,
        sign=table.c.sign,
        paired=table.c.paired,
    )
    return table.c, seen


def end_of(user_id: UserId, until: dt.date | None) -> dt.date:
    """The last day; none at all when nothing lies beyond it, so that the month need not be asked by its days."""
    if until is None:
        return dt.date.max
    beyond = db.session.scalar(BEYOND, {"sums_owner": user_id, "sums_until": until})
    return until if beyond else dt.date.max


def _split(since: dt.date, until: dt.date, *, by_month: bool) -> Split:
    first = since if since.day == 1 else last_of(since) + DAY
    last = until.replace(day=1) if until == last_of(until) else (until.replace(day=1) - DAY).replace(day=1)
    if first > last:
        return Split(years=(), months=(), days=((since, until),))
    days = [] if first == since else [(since, first - DAY)]
    if last_of(last) < until:
        days.append((last_of(last) + DAY, until))
    years, months = ((), ((first, last),)) if by_month else _whole_years(first, last)
    return Split(years=years, months=months, days=tuple(days))


def _whole_years(first: dt.date, last: dt.date) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The years that lie whole among these months, and the months before and behind them."""
    earliest = first.year if first.month == 1 else first.year + 1
    latest = last.year if last.month == 12 else last.year - 1
    if earliest > latest:
        return (), ((first, last),)
    months = [] if first.year == earliest else [(first, dt.date(first.year, 12, 1))]
    if last.year > latest:
        months.append((dt.date(last.year, 1, 1), last))
    return ((dt.date(earliest, 1, 1), dt.date(latest, 1, 1)),), tuple(months)


def _within(date: ColumnElement[dt.date], kind: str, spans: int) -> ColumnElement[bool]:
    """True in one of the spans that the parameters tell."""
    return or_(
        *(
            date.between(bindparam(f"sums_{kind}_since_{number}"), bindparam(f"sums_{kind}_until_{number}"))
            for number in range(spans)
        )
    )


def _kept(shape: Shape, model: type[MonthSum | YearSum], within: ColumnElement[bool]) -> Select[Any]:
    """Sums that are there already."""
    asleep = (
        select(PlaidAccount.id)
        .join(PlaidConnection, PlaidConnection.id == PlaidAccount.connection_id)
        .where(PlaidAccount.user_id == OWNER, PlaidConnection.environment != ENVIRONMENT)
    )
    names = (*NAMES, "month") if shape.by_month else NAMES
    statement: Select[Any] = select(*(getattr(model, name) for name in names)).where(
        model.user_id == OWNER,
        within,
        model.account_id.not_in(asleep),
        model.account_id.not_in(replaced_accounts(OWNER)),
    )
    return statement.where(model.account_id.in_(ACCOUNTS)) if shape.some_accounts else statement


def _days(shape: Shape) -> Select[Any]:
    """Rows, each as a sum of its own."""
    table = PlaidTransaction
    columns: tuple[ColumnElement[Any], ...] = (
        table.currency.expression,
        func.coalesce(spending.effective_code(), ""),
        spending.banks_group(),
        case((table.amount_minor > 0, 1), (table.amount_minor < 0, -1), else_=0),
        spending.is_paired(),
        func.coalesce(TransactionChoice.hidden, false()),
        table.amount_minor.expression,
        literal(1),
    )
    named: list[ColumnElement[Any]] = [
        column.label(name) for column, name in zip(columns, NAMES, strict=True)
    ]
    if shape.by_month:
        named.append(first_of_month(db.session(), table.date.expression).label("month"))
    statement: Select[Any] = spending.rows_of(OWNER, environment=ENVIRONMENT).with_only_columns(*named)
    statement = statement.where(_within(table.date.expression, "days", shape.days))
    return statement.where(table.account_id.in_(ACCOUNTS)) if shape.some_accounts else statement
