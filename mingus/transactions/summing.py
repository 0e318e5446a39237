"""What a person's transactions come to: all years, whole ones and months from their sums, other days from the rows.

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
from mingus.transactions.models import ALL_YEARS
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
FIRST = dt.date(ALL_YEARS.year + 1, 1, 1)
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
    """Columns to ask of, one row for each sum, and what says what it counts as. Some are there to be taken off: only
    what is added up of them is true, and a group that counts nothing is none.

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

    @property
    def counted(self) -> ColumnElement[int]:
        """How many rows a group comes to."""
        return func.sum(self.c.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Days as whole years and whole months, each by their first days, days beside them and days to be taken off."""

    years: tuple[Span, ...] = ()
    months: tuple[Span, ...] = ()
    days: tuple[Span, ...] = ()
    less: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a table of sums is made of: so many spans of each, all accounts or some."""

    years: int
    months: int
    days: int
    less: int
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
    split = split_of(since, end_of(user_id, until), by_month=by_month)
    shape = Shape(
        years=len(split.years),
        months=len(split.months),
        days=len(split.days),
        less=len(split.less),
        some_accounts=bool(accounts),
        by_month=by_month,
    )
    columns, seen = _table(shape, db.session().get_bind().dialect.name)
    params: dict[str, Any] = {"sums_owner": user_id, "sums_environment": environment}
    for kind in ("years", "months", "days", "less"):
        for number, (first, last) in enumerate(getattr(split, kind)):
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
        parts.append(_days(shape, "days", shape.days))
    if shape.less:
        parts.append(_days(shape, "less", shape.less, times=-1))
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


def split_of(begin: dt.date | None, until: dt.date, *, by_month: bool) -> Split:
    """Whole months, and of the outer ones whichever are fewer: the days asked for, or the others to be taken off."""
    if begin is None and until == dt.date.max and not by_month:
        return Split(years=((ALL_YEARS, ALL_YEARS),))
    since = max(begin or FIRST, FIRST)
    first, end = since.replace(day=1), last_of(until)
    before, asked_first = since.day - 1, (last_of(since) - since).days + 1
    behind, asked_last = (end - until).days, until.day
    if since > until or (first == until.replace(day=1) and before + behind > (until - since).days):
        return Split(days=((since, until),))
    days, less = list[Span](), list[Span]()
    if first < until.replace(day=1):
        if before > asked_first:
            days.append((since, last_of(since)))
            before, first = 0, last_of(since) + DAY
        if behind > asked_last:
            days.append((until.replace(day=1), until))
            behind, end = 0, until.replace(day=1) - DAY
    if before:
        less.append((first, since - DAY))
    if behind:
        less.append((until + DAY, end))
    years, months = _whole_years(first, end.replace(day=1), by_month=by_month)
    return Split(years=years, months=months, days=tuple(days), less=tuple(less))


def _whole_years(
    first: dt.date, last: dt.date, *, by_month: bool
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The years that lie whole among these months, and the months before and behind them; of none, none."""
    earliest = first.year if first.month == 1 else first.year + 1
    latest = last.year if last.month == 12 else last.year - 1
    if by_month or earliest > latest:
        return (), ((first, last),) if first <= last else ()
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


def _days(shape: Shape, kind: str, spans: int, *, times: int = 1) -> Select[Any]:
    """Rows, each as a sum of its own; what is to be taken off, times -1."""
    table = PlaidTransaction
    columns: tuple[ColumnElement[Any], ...] = (
        table.currency.expression,
        func.coalesce(spending.effective_code(), ""),
        spending.banks_group(),
        case((table.amount_minor > 0, 1), (table.amount_minor < 0, -1), else_=0),
        spending.is_paired(),
        func.coalesce(TransactionChoice.hidden, false()),
        table.amount_minor.expression if times > 0 else -table.amount_minor,
        literal(times),
    )
    named: list[ColumnElement[Any]] = [
        column.label(name) for column, name in zip(columns, NAMES, strict=True)
    ]
    if shape.by_month:
        named.append(first_of_month(db.session(), table.date.expression).label("month"))
    statement: Select[Any] = spending.rows_of(OWNER, environment=ENVIRONMENT).with_only_columns(*named)
    statement = statement.where(_within(table.date.expression, kind, spans))
    return statement.where(table.account_id.in_(ACCOUNTS)) if shape.some_accounts else statement
