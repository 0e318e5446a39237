"""What a person's transactions come to: whole months from their sums, the days of others from the rows.

One table of both: whatever is asked is asked of rows and sums alike, with the conditions of `spending`.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
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
from mingus.transactions.models import MonthSum
from mingus.transactions.spending import Seen
from mingus.transactions.sums import first_of_month

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy import Select

    from mingus.auth.models import UserId
    from mingus.plaid.models import AccountId

DAY = dt.timedelta(days=1)
OWNER: BindParameter[Any] = bindparam("sums_owner")
ENVIRONMENT: BindParameter[Any] = bindparam("sums_environment")
ACCOUNTS: BindParameter[Any] = bindparam("sums_accounts", expanding=True)
NAMES = ("month", "currency", "code", "banks_group", "sign", "paired", "hidden", "minor", "count")
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

    c: Any  # the columns of a table of its own
    seen: Seen
    params: dict[str, Any]

    @property
    def shown(self) -> ColumnElement[bool]:
        """True for what the person does not hide."""
        shown: ColumnElement[bool] = self.c.hidden.is_(false())
        return shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Days as whole months, by their first days, and as what is left over; no months: `first` is None."""

    first: dt.date | None
    last: dt.date | None
    rest: tuple[tuple[dt.date, dt.date], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a table of sums is made of: months or not, so many spans of days, all accounts or some."""

    months: bool
    rest: int
    some_accounts: bool


def sums_of(
    user_id: UserId,
    *,
    environment: str,
    since: dt.date | None = None,
    until: dt.date | None = None,
    accounts: tuple[AccountId, ...] = (),
) -> Sums:
    """The person's living rows of these days and accounts, added up; one small query, and what is asked of it then."""
    split = _split(since or dt.date.min, _end(user_id, until))
    shape = Shape(months=split.first is not None, rest=len(split.rest), some_accounts=bool(accounts))
    columns, seen = _table(shape, db.session().get_bind().dialect.name)
    params: dict[str, Any] = {"sums_owner": user_id, "sums_environment": environment}
    if shape.months:
        params |= {"sums_first": split.first, "sums_last": split.last}
    for number, (first, last) in enumerate(split.rest):
        params |= {f"sums_since_{number}": first, f"sums_until_{number}": last}
    if accounts:
        params["sums_accounts"] = accounts
    return Sums(c=columns, seen=seen, params=params)


@cache  # to build it takes longer than to read through it
def _table(shape: Shape, _dialect: str) -> tuple[Any, Seen]:
    """What is added up, whoever asks: a table to ask of, and what its rows count as."""
    parts: list[Select[Any]] = []
    if shape.months:
        parts.append(_months(shape))
    if shape.rest:
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


def _end(user_id: UserId, until: dt.date | None) -> dt.date:
    """The last day; none at all when nothing lies beyond it, so that the month need not be asked by its days."""
    if until is None:
        return dt.date.max
    beyond = db.session.scalar(BEYOND, {"sums_owner": user_id, "sums_until": until})
    return until if beyond else dt.date.max


def _split(since: dt.date, until: dt.date) -> Split:
    first = since if since.day == 1 else _last_of(since) + DAY
    last = until.replace(day=1) if until == _last_of(until) else (until.replace(day=1) - DAY).replace(day=1)
    if first > last:
        return Split(first=None, last=None, rest=((since, until),))
    rest = [] if first == since else [(since, first - DAY)]
    if _last_of(last) < until:
        rest.append((_last_of(last) + DAY, until))
    return Split(first=first, last=last, rest=tuple(rest))


def _last_of(day: dt.date) -> dt.date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def _months(shape: Shape) -> Select[Any]:
    asleep = (
        select(PlaidAccount.id)
        .join(PlaidConnection, PlaidConnection.id == PlaidAccount.connection_id)
        .where(PlaidAccount.user_id == OWNER, PlaidConnection.environment != ENVIRONMENT)
    )
    statement = select(*(getattr(MonthSum, name) for name in NAMES)).where(
        MonthSum.user_id == OWNER,
        MonthSum.month.between(bindparam("sums_first"), bindparam("sums_last")),
        MonthSum.account_id.not_in(asleep),
        MonthSum.account_id.not_in(replaced_accounts(OWNER)),
    )
    return statement.where(MonthSum.account_id.in_(ACCOUNTS)) if shape.some_accounts else statement


def _days(shape: Shape) -> Select[Any]:
    table = PlaidTransaction
    columns: tuple[ColumnElement[Any], ...] = (
        first_of_month(db.session(), table.date.expression),
        table.currency.expression,
        func.coalesce(spending.effective_code(), ""),
        spending.banks_group(),
        case((table.amount_minor > 0, 1), (table.amount_minor < 0, -1), else_=0),
        spending.is_paired(),
        func.coalesce(TransactionChoice.hidden, false()),
        table.amount_minor.expression,
        literal(1),
    )
    named = [column.label(name) for column, name in zip(columns, NAMES, strict=True)]
    days = or_(
        *(
            table.date.between(bindparam(f"sums_since_{number}"), bindparam(f"sums_until_{number}"))
            for number in range(shape.rest)
        )
    )
    statement = spending.rows_of(OWNER, environment=ENVIRONMENT).with_only_columns(*named).where(days)
    return statement.where(table.account_id.in_(ACCOUNTS)) if shape.some_accounts else statement
