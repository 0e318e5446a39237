"""The sums of years, months and days, kept true: whoever writes rows brings them up to date, in the same transaction.

New rows are added to what is there, months of which a row changed are added up anew; both last of what a unit writes to
rows. Two writers of one person follow one another there, so that neither adds up without what the other wrote.
"""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import Date
from sqlalchemy import Select
from sqlalchemy import Table
from sqlalchemy import case
from sqlalchemy import cast
from sqlalchemy import delete
from sqlalchemy import false
from sqlalchemy import func
from sqlalchemy import insert
from sqlalchemy import literal
from sqlalchemy import or_
from sqlalchemy import select

from mingus import bulk
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.models import PlaidAccount
from mingus.plaid.staging import is_settled
from mingus.transactions import merchantsums
from mingus.transactions import spending
from mingus.transactions import wording
from mingus.transactions.models import ALL_YEARS
from mingus.transactions.models import DaySum
from mingus.transactions.models import MonthSum
from mingus.transactions.models import TransferPair
from mingus.transactions.models import YearSum
from mingus.transactions.turns import wait_for_turn

if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Iterable
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from mingus.auth.models import UserId
    from mingus.db import Unit
    from mingus.plaid.models import ConnectionId

Bucket = tuple[str, dt.date]  # an account and the first day of a month
MOST_SPANS = 6  # beyond that, what lies between the months is added up too
APART = ("account_id", "currency", "code", "banks_group", "sign", "paired", "hidden")
KEY = ("user_id", "month", *APART)
COLUMNS = (*KEY, "minor", "count")
YEAR_KEY = ("user_id", "year", *APART)
YEAR_COLUMNS = (*YEAR_KEY, "minor", "count")
DAY_KEY = ("account_id", "day", "currency")
DAY_COLUMNS = (*DAY_KEY, "user_id", "minor")
MONTHS: Table = MonthSum.__table__  # type: ignore[assignment]  # a mapped class has a table
YEARS: Table = YearSum.__table__  # type: ignore[assignment]
DAYS: Table = DaySum.__table__  # type: ignore[assignment]


class NewRows:
    """What rows that nobody decided about yet come to."""

    def __init__(self) -> None:
        self._sums: dict[tuple[Any, ...], list[int]] = {}
        self._days: dict[tuple[str, dt.date, str], int] = {}

    def add(
        self,
        *,
        account_id: str,
        day: dt.date,
        currency: str,
        amount_minor: int,
        category: str | None,
        detailed: str | None,
        pending: bool,
    ) -> None:
        code = detailed if detailed is not None else category
        sign = (amount_minor > 0) - (amount_minor < 0)
        key = (day.replace(day=1), account_id, currency, code or "", category or "", sign)
        found = self._sums.setdefault(key, [0, 0])
        found[0] += amount_minor
        found[1] += 1
        if not pending:
            posted = (account_id, day, currency)
            self._days[posted] = self._days.get(posted, 0) + amount_minor

    @property
    def months_touched(self) -> set[dt.date]:
        return {month for month, *_ in self._sums}

    def days(self, user_id: UserId) -> list[bulk.Row]:
        """As rows of the sums of days."""
        return [(*key, user_id, minor) for key, minor in sorted(self._days.items())]

    def months(self, user_id: UserId) -> list[bulk.Row]:
        """As rows of the sums of months."""
        return [(user_id, *key, False, False, *sums) for key, sums in sorted(self._sums.items())]

    def years(self, user_id: UserId) -> list[bulk.Row]:
        """As rows of the sums of years, and of all of them."""
        found: dict[tuple[Any, ...], list[int]] = {}
        for (month, *apart), (minor, count) in self._sums.items():
            for year in (month.replace(month=1), ALL_YEARS):
                of_year = found.setdefault((year, *apart), [0, 0])
                of_year[0] += minor
                of_year[1] += count
        return [(user_id, *key, False, False, *sums) for key, sums in sorted(found.items())]


def add(unit: Unit, user_id: UserId, new: NewRows) -> None:
    """Add what new rows come to."""
    months = new.months(user_id)
    if not months:
        return
    wait_for_turn(unit, user_id)
    unit.session.flush()  # the sums name the accounts
    summed = ("minor", "count")
    bulk.add_up(unit.session, MONTHS, COLUMNS, months, key=KEY, summed=summed)
    bulk.add_up(unit.session, YEARS, YEAR_COLUMNS, new.years(user_id), key=YEAR_KEY, summed=summed)
    merchantsums.touch(unit, user_id, new.months_touched)
    bulk.add_up(unit.session, DAYS, DAY_COLUMNS, new.days(user_id), key=DAY_KEY, summed=("minor",))


def refresh(unit: Unit, user_id: UserId, buckets: Iterable[Bucket]) -> None:
    """Add these months up anew; the months between them may be too."""
    wanted = set(buckets)
    if not wanted:
        return
    session = unit.session
    session.flush()  # the sums read what this unit wrote
    wait_for_turn(unit, user_id)
    merchantsums.touch(unit, user_id, (month for _, month in wanted))
    accounts = sorted({account_id for account_id, _ in wanted})
    for first, last in _spans({month for _, month in wanted}):
        session.execute(
            delete(MonthSum)
            .where(
                MonthSum.user_id == user_id,
                MonthSum.account_id.in_(accounts),
                MonthSum.month.between(first, last),
            )
            .execution_options(synchronize_session=False)
        )
        last_day = merchantsums.last_of(last)
        session.execute(
            delete(DaySum)
            .where(DaySum.account_id.in_(accounts), DaySum.day.between(first, last_day))
            .execution_options(synchronize_session=False)
        )
        rows = (PlaidTransaction.account_id.in_(accounts), PlaidTransaction.date.between(first, last_day))
        session.execute(insert(MonthSum).from_select(COLUMNS, _months(session, *rows)))
        session.execute(insert(DaySum).from_select(DAY_COLUMNS, _days(*rows)))
    first, last = min(month for _, month in wanted), max(month for _, month in wanted)
    _refresh_years(session, user_id, accounts, first.replace(month=1), last.replace(month=1))


def _refresh_years(
    session: Session, user_id: UserId, accounts: Collection[str], first: dt.date, last: dt.date
) -> None:
    """What the months of these years come to, once they are right, and all years together."""
    mine = (YearSum.user_id == user_id, YearSum.account_id.in_(accounts))
    session.execute(
        delete(YearSum)
        .where(*mine, or_(YearSum.year.between(first, last), YearSum.year == ALL_YEARS))
        .execution_options(synchronize_session=False)
    )
    months = select(*(getattr(MonthSum, name) for name in COLUMNS)).where(
        MonthSum.user_id == user_id,
        MonthSum.account_id.in_(accounts),
        MonthSum.month.between(first, last.replace(month=12)),
    )
    session.execute(insert(YearSum).from_select(YEAR_COLUMNS, _years(session, months)))
    session.execute(insert(YearSum).from_select(YEAR_COLUMNS, _together(*mine)))


def refresh_rows(unit: Unit, user_id: UserId, ids: Collection[str]) -> None:
    """Add up the months of these rows."""
    if ids:
        unit.session.flush()  # the rows may be of this unit
        refresh(unit, user_id, months_of(unit, bulk.among(unit.session, PlaidTransaction.id, ids)))


def refresh_category(unit: Unit, user_id: UserId, code: str) -> None:
    """Add up the months in which something is in this category."""
    found = unit.session.execute(
        select(MonthSum.account_id, MonthSum.month).where(MonthSum.user_id == user_id, MonthSum.code == code)
    )
    refresh(unit, user_id, [(row.account_id, row.month) for row in found])


@contextmanager
def going(unit: Unit, user_id: UserId, *rows: ColumnElement[bool]) -> Iterator[None]:
    """Around the deletion of the person's rows that meet the conditions."""
    months = months_of(unit, *rows) | partners_months(unit, *rows)
    yield
    refresh(unit, user_id, months)
    wording.forget_unused(unit, user_id)


def delete_accounts(unit: Unit, user_id: UserId, connection_id: ConnectionId) -> None:
    """Delete a connection's accounts with all that hangs on them."""
    with going(unit, user_id, PlaidTransaction.connection_id == connection_id):
        for account in unit.session.scalars(
            select(PlaidAccount).where(PlaidAccount.connection_id == connection_id)
        ):
            unit.session.delete(account)


def months_of(unit: Unit, *rows: ColumnElement[bool]) -> set[Bucket]:
    """The months of the rows that meet the conditions."""
    found = select(PlaidTransaction.account_id, PlaidTransaction.date).where(*rows).distinct()
    return {(row.account_id, row.date.replace(day=1)) for row in unit.session.execute(found)}


def partners_months(unit: Unit, *rows: ColumnElement[bool]) -> set[Bucket]:
    """The months of the other sides of transfers: they count again when these rows go, and no more when they return."""
    ids = select(PlaidTransaction.id).where(*rows).scalar_subquery()
    sides = (TransferPair.out_id, TransferPair.in_id)
    others = [select(other).where(one.in_(ids)) for one, other in (sides, sides[::-1])]
    return months_of(unit, or_(*(PlaidTransaction.id.in_(other) for other in others)))


def rebuild(unit: Unit, user_id: UserId) -> None:
    """Add up everything of a person anew."""
    stale = {
        (account_id, first)
        for kept, span in ((MonthSum, MonthSum.month), (YearSum, YearSum.year))
        for account_id, first in unit.session.execute(
            select(kept.account_id, span).where(kept.user_id == user_id).distinct()
        )
    }
    refresh(unit, user_id, stale | months_of(unit, PlaidTransaction.user_id == user_id))


def wrong_months(session: Session, user_id: UserId | None = None) -> set[Bucket]:
    """The months whose sums are not what their rows come to: none, or something wrote past `refresh`.

    A wrong year is told as its first month, all of them together as the month of ALL_YEARS.
    """

    def kept(model: type[YearSum | MonthSum | DaySum], columns: tuple[str, ...]) -> Select[Any]:
        statement = select(*(getattr(model, name) for name in columns))
        return statement if user_id is None else statement.where(model.user_id == user_id)

    rows = () if user_id is None else (PlaidTransaction.user_id == user_id,)
    mine = () if user_id is None else (YearSum.user_id == user_id,)
    months, years = _months(session, *rows), kept(YearSum, YEAR_COLUMNS)
    spans = (
        (years.where(YearSum.year == ALL_YEARS), _together(*mine)),
        (years.where(YearSum.year != ALL_YEARS), _years(session, months)),
        (kept(MonthSum, COLUMNS), months),
    )
    wrong = {(row[2], row[1]) for span in spans for row in _differing(session, *span)}
    days = _differing(session, kept(DaySum, DAY_COLUMNS), _days(*rows))
    return wrong | {(row[0], row[1].replace(day=1)) for row in days}


def _differing(session: Session, kept: Select[Any], true: Select[Any]) -> set[tuple[Any, ...]]:
    one, other = ({tuple(row) for row in session.execute(some)} for some in (kept, true))
    return one ^ other


def _spans(months: set[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """The months as stretches without a gap, by their first days; many of them as one."""
    found: list[tuple[dt.date, dt.date]] = []
    for month in sorted(months):
        if found and _next(found[-1][1]) == month:
            found[-1] = (found[-1][0], month)
        else:
            found.append((month, month))
    return found if len(found) <= MOST_SPANS else [(found[0][0], found[-1][1])]


def _next(month: dt.date) -> dt.date:
    return (month + dt.timedelta(days=31)).replace(day=1)


def _days(*rows: ColumnElement[bool]) -> Select[Any]:
    """What was posted on each day, of the living rows that meet the conditions."""
    table = PlaidTransaction
    apart: tuple[Any, ...] = (table.account_id, table.date, table.currency, table.user_id)
    return (
        select(*apart, func.sum(table.amount_minor))
        .where(table.removed_at.is_(None), table.pending.is_(False), is_settled(), *rows)
        .group_by(*apart)
    )


def _months(session: Session, *rows: ColumnElement[bool]) -> Select[Any]:
    """The sums of the living rows that meet the conditions."""
    table = PlaidTransaction
    parts: tuple[Any, ...] = (
        table.user_id,
        first_of_month(session, table.date.expression),
        table.account_id,
        table.currency,
        func.coalesce(spending.effective_code(), ""),
        spending.banks_group(),
        case((table.amount_minor > 0, 1), (table.amount_minor < 0, -1), else_=0),
        spending.is_paired(),
        func.coalesce(TransactionChoice.hidden, false()),
    )
    each = (
        select(*(part.label(name) for part, name in zip(parts, KEY, strict=True)), table.amount_minor)
        .select_from(table)
        .outerjoin(TransactionChoice, TransactionChoice.transaction_id == table.id)
        .where(table.removed_at.is_(None), is_settled(), *rows)
        .offset(0)  # keeps SQLite from asking for each part twice
        .subquery()
    )
    apart = [each.c[name] for name in KEY]
    minor, count = func.sum(each.c.amount_minor).label("minor"), func.count().label("count")
    return select(*apart, minor, count).group_by(*apart)


def _years(session: Session, months: Select[Any]) -> Select[Any]:
    """What these months come to, by year."""
    each = months.subquery()
    apart = (each.c.user_id, first_of_year(session, each.c.month), *(each.c[name] for name in APART))
    return select(*apart, func.sum(each.c.minor), func.sum(each.c.count)).group_by(*apart)


def _together(*mine: ColumnElement[bool]) -> Select[Any]:
    """What these years come to, all together."""
    apart = tuple(getattr(YearSum, name) for name in APART)
    return (
        select(YearSum.user_id, literal(ALL_YEARS), *apart, func.sum(YearSum.minor), func.sum(YearSum.count))
        .where(YearSum.year != ALL_YEARS, *mine)
        .group_by(YearSum.user_id, *apart)
    )


def first_of_month(session: Session, day: ColumnElement[dt.date]) -> ColumnElement[dt.date]:
    """The first day of a date's month."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.date_trunc("month", day), Date)
    return func.date(day, "start of month", type_=Date)


def first_of_year(session: Session, day: ColumnElement[dt.date]) -> ColumnElement[dt.date]:
    """The first day of a date's year."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.date_trunc("year", day), Date)
    return func.date(day, "start of year", type_=Date)
