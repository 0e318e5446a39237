"""Reading transactions: a page by key in either direction, what a set of them comes to, one day's sum.

The owner comes first everywhere; pages and API read through here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from functools import cached_property
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import Text
from sqlalchemy import and_
from sqlalchemy import case
from sqlalchemy import cast
from sqlalchemy import func
from sqlalchemy import literal
from sqlalchemy import not_
from sqlalchemy import or_
from sqlalchemy import select

from mingus.db import db
from mingus.money import Currency
from mingus.money import Money
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.ledger import TransactionId
from mingus.transactions import spending
from mingus.transactions.filters import conditions
from mingus.transactions.filters import is_summed
from mingus.transactions.filters import on_sums
from mingus.transactions.seeking import seek
from mingus.transactions.summing import sums_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Iterator
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy import Select

    from mingus.auth.models import UserId
    from mingus.plaid.models import AccountId
    from mingus.transactions.categories import Catalogue
    from mingus.transactions.categories import Category
    from mingus.transactions.filters import Filters
    from mingus.transactions.seeking import Sought

LARGEST_PAGE = 500
LONG = 20_000
PARTS = ("currency", "minor", "count", "sign", "moved")


class Sort(StrEnum):
    """The order of a list; amounts by their size, each currency by itself."""

    NEWEST = "newest"
    OLDEST = "oldest"
    LARGEST = "largest"
    SMALLEST = "smallest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One transaction as its owner sees it: spent is negative, their own words win over the bank's."""

    id: TransactionId
    account_id: AccountId
    date: dt.date
    bank_name: str
    own_name: str | None
    merchant_name: str | None
    amount: Money
    category: Category
    categories: tuple[str, ...]  # the person's one, or the bank's from coarse to fine
    pending: bool
    removed_at: dt.datetime | None
    hidden: bool
    notes: str | None
    tags: tuple[str, ...]
    paired: bool

    @property
    def title(self) -> str:
        return self.own_name or self.merchant_name or self.bank_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some entries, and the keys behind which more lie on either side."""

    entries: tuple[Entry, ...]
    newer: TransactionId | None
    older: TransactionId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What a set of transactions comes to in one currency; what was only moved is told apart."""

    count: int
    money_in: Money
    money_out: Money
    moved: int


class Listing:
    """One person's transactions under filters."""

    def __init__(self, user_id: UserId, filters: Filters, catalogue: Catalogue, *, environment: str) -> None:
        self._catalogue = catalogue
        self._user_id = user_id
        self._environment = environment
        self._filters = filters

    @cached_property
    def _statement(self) -> Select[PlaidTransaction, TransactionChoice | None]:
        """The rows, found in the way that suits how many they are."""
        filters, few = self._sought.rest, self._sought.few
        rows = spending.rows_of(self._user_id, environment=self._environment, removed=filters.removed)
        asked = rows.where(*conditions(self._user_id, filters, self._catalogue))
        return asked if few is None else asked.where(few)

    @cached_property
    def _sought(self) -> Sought:
        return seek(self._user_id, self._filters)

    def page(
        self,
        *,
        limit: int,
        sort: Sort = Sort.NEWEST,
        after: TransactionId | None = None,
        before: TransactionId | None = None,
        offset: int = 0,
    ) -> Page:
        """Entries after a key, or before one (fast at any depth), or at an offset; an unknown key: none."""
        key = before or after
        statement = self._statement.with_only_columns(*told())
        order = _turned(_order(sort)) if before else _order(sort)
        if key is not None:
            anchor = self._anchor(key, order)
            if anchor is None:
                return Page(entries=(), newer=None, older=None)
            statement = statement.where(_beyond(order, anchor))
        ordered = statement.order_by(*(column.desc() if down else column.asc() for column, down in order))
        found = db.session.execute(ordered.offset(offset).limit(limit + 1)).all()
        more, rows = len(found) > limit, found[:limit]
        if before:
            rows = rows[::-1]
        entries = self._entries(rows)
        if not entries:
            return Page(entries=(), newer=None, older=None)
        newer, older = entries[0].id, entries[-1].id
        has_newer = more if before else (after is not None or offset > 0)
        has_older = True if before else more
        return Page(entries=entries, newer=newer if has_newer else None, older=older if has_older else None)

    def everything(self, *, sort: Sort = Sort.NEWEST) -> Iterator[Entry]:
        """All of it, read a page at a time."""
        after = None
        while True:
            page = self.page(limit=LARGEST_PAGE, sort=sort, after=after)
            yield from page.entries
            if page.older is None:
                return
            after = page.older

    def count(self, *, at_most: int | None = None) -> int:
        """How many there are; where rows are counted, that ends at `at_most`."""
        if is_summed(self._filters):
            return sum(total.count for total in self.totals())
        some = self._statement.with_only_columns(PlaidTransaction.id).limit(at_most).subquery()
        return int(db.session.scalar(select(func.count()).select_from(some)) or 0)

    def ids(self, *, limit: int) -> list[TransactionId]:
        """The ids of all, for an edit of many; at most `limit`."""
        statement = self._statement.with_only_columns(PlaidTransaction.id).order_by(PlaidTransaction.id)
        return list(db.session.scalars(statement.limit(limit)))

    def among(self, ids: Iterable[str]) -> tuple[Entry, ...]:
        """Those of these that are in the list, newest first."""
        statement = self._statement.where(PlaidTransaction.id.in_(tuple(ids))).with_only_columns(*told())
        newest = (PlaidTransaction.date.desc(), PlaidTransaction.id.desc())
        return self._entries(db.session.execute(statement.order_by(*newest)).all())

    def currencies(self) -> list[Currency]:
        """The currencies of all, by code."""
        found = self._statement.with_only_columns(PlaidTransaction.currency).distinct()
        return [Currency(code) for code in db.session.scalars(found.order_by(PlaidTransaction.currency))]

    def totals(self) -> tuple[Total, ...]:
        """In, out and count by currency; transfers are counted, but neither in nor out."""
        found = [
            Total(
                count=int(count),
                money_in=Money(minor=int(money_in), currency=Currency(currency)),
                money_out=Money(minor=int(money_out), currency=Currency(currency)),
                moved=int(moved),
            )
            for currency, count, moved, money_in, money_out in (
                _added_up(self._few) if self._is_few else self._summed()
            )
        ]
        return tuple(sorted(found, key=lambda total: (-total.count, total.money_in.currency)))

    def _summed(self) -> Iterable[Any]:
        """By currency: how many, how many of them moved, what came in and what went out."""
        parts, params = self._parts()
        each = parts.offset(0).subquery()  # the databases would judge what is moved again for each sum
        counts, minor = not_(each.c.moved), each.c.minor
        counted = func.sum(each.c.count)
        columns: tuple[Any, ...] = (
            each.c.currency,
            counted,
            func.sum(case((each.c.moved, each.c.count), else_=0)),
            func.sum(case((and_(counts, each.c.sign > 0), minor), else_=0)),
            func.sum(case((and_(counts, each.c.sign <= 0), minor), else_=0)),
        )
        return db.session.execute(
            select(*columns).group_by(each.c.currency).having(counted > 0), params
        ).all()

    @property
    def _is_few(self) -> bool:
        """True when rows were sought and are so few that all of them may be read."""
        return self._sought.few is not None

    @cached_property
    def _few(self) -> Sequence[Any]:
        """Day, currency, amount and whether it was only moved, of each row that was sought: read once for all sums."""
        table = PlaidTransaction
        columns: tuple[Any, ...] = (table.date, table.currency, table.amount_minor, spending.is_transfer())
        return db.session.execute(self._statement.with_only_columns(*columns)).all()

    def _parts(self) -> tuple[Select[Any], dict[str, Any]]:
        """What is to be added up, of sums or of rows, and what was only moved; with the parameters."""
        if not is_summed(self._filters):
            table, seen = PlaidTransaction, spending.rows()
            asked, params = self._statement, dict[str, Any]()
            columns: tuple[Any, ...] = (table.currency, table.amount_minor, literal(1))
        else:
            sums = sums_of(
                self._user_id,
                environment=self._environment,
                since=self._filters.since,
                until=self._filters.until,
                accounts=self._filters.accounts,
            )
            seen, params = sums.seen, sums.params
            asked = select(sums.c.minor).where(*on_sums(self._filters, self._catalogue, sums))
            columns = (sums.c.currency, sums.c.minor, sums.c.count)
        named = zip((*columns, seen.sign, spending.is_transfer(seen)), PARTS, strict=True)
        return asked.with_only_columns(*(column.label(name) for column, name in named)), params

    def is_long(self) -> bool:
        """True when adding it up would keep a page waiting."""
        if self._is_few or is_summed(self._filters):
            return False
        return self._sought.many or self.count(at_most=LONG + 1) > LONG

    def day_totals(self, days: Sequence[dt.date]) -> dict[dt.date, tuple[Money, ...]]:
        """The sum of each day by currency: of all its rows in the list, not only of those on one page."""
        sums = Counter[tuple[dt.date, str]]()
        if self._is_few:
            for day, currency, minor, _ in self._few:
                sums[day, currency] += minor
        else:
            sums.update({(day, currency): int(minor) for day, currency, minor in self._of_days(days)})
        found: dict[dt.date, tuple[Money, ...]] = {}
        for (day, currency), minor in sorted(sums.items()):
            found[day] = (*found.get(day, ()), Money(minor=minor, currency=Currency(currency)))
        return found

    def _of_days(self, days: Sequence[dt.date]) -> Iterable[Any]:
        table = PlaidTransaction
        return db.session.execute(
            self._statement.with_only_columns(table.date, table.currency, func.sum(table.amount_minor))
            .where(table.date.in_(days))
            .group_by(table.date, table.currency)
        ).all()

    def _anchor(self, key: TransactionId, order: Order) -> Sequence[Any] | None:
        columns = [column for column, _ in order]
        mine = (PlaidTransaction.id == key, PlaidTransaction.user_id == self._user_id)
        return db.session.execute(select(*columns).where(*mine)).one_or_none()

    def _entries(self, rows: Sequence[Any]) -> tuple[Entry, ...]:
        ids = [row.id for row in rows]
        paired = set(
            db.session.scalars(
                select(PlaidTransaction.id).where(PlaidTransaction.id.in_(ids), spending.is_paired())
            )
        )
        return tuple(entry_of(row, self._catalogue, paired=row.id in paired) for row in rows)


def _added_up(rows: Iterable[Any]) -> Iterator[Any]:
    """By currency: how many, how many of them moved, what came in and what went out."""
    found = dict[str, list[int]]()
    for _, currency, minor, moved in rows:
        sums = found.setdefault(currency, [0, 0, 0, 0])
        sums[0] += 1
        if moved:
            sums[1] += 1
        else:
            sums[2 if minor > 0 else 3] += minor
    for currency, sums in found.items():
        yield currency, *sums


Order = list[tuple["ColumnElement[Any]", bool]]


def _order(sort: Sort) -> Order:
    """Columns and whether they fall; ids make it total."""
    table = PlaidTransaction
    if sort in {Sort.NEWEST, Sort.OLDEST}:
        down = sort is Sort.NEWEST
        return [(table.date.expression, down), (table.id.expression, down)]
    down = sort is Sort.LARGEST
    return [
        (table.currency.expression, False),
        (func.abs(table.amount_minor), down),
        (table.id.expression, down),
    ]


def _turned(order: Order) -> Order:
    return [(column, not down) for column, down in order]


def _beyond(order: Order, anchor: Sequence[Any]) -> ColumnElement[bool]:
    """True for rows after the anchor in this order; the first column's bound alone lets an index begin there."""
    steps = []
    for at, (column, down) in enumerate(order):
        same = [other == anchor[before] for before, (other, _) in enumerate(order[:at])]
        steps.append(and_(*same, column < anchor[at] if down else column > anchor[at]))
    first, down = order[0]
    return and_(first <= anchor[0] if down else first >= anchor[0], or_(*steps))


@cache
def told() -> tuple[Any, ...]:
    """What an entry is made of: the bank's facts, and the person's decisions under names of their own."""
    facts, decided = PlaidTransaction, TransactionChoice
    return (
        *(facts.id, facts.account_id, facts.date, facts.name, facts.merchant_name, facts.amount_minor),
        *(facts.currency, facts.category, facts.category_detailed, facts.pending, facts.removed_at),
        *(decided.name.label("own_name"), decided.category.label("own_category")),
        *(decided.hidden, decided.notes, decided.tags),
    )


def entry_of(row: Any, catalogue: Catalogue, *, paired: bool) -> Entry:
    """The bank's facts and the person's decisions in one value, of a row that has the columns of `told`."""
    own = row.own_category
    banks = tuple(filter(None, (row.category, row.category_detailed)))
    return Entry(
        id=row.id,
        account_id=row.account_id,
        date=row.date,
        bank_name=row.name,
        own_name=row.own_name,
        merchant_name=row.merchant_name,
        amount=Money(minor=row.amount_minor, currency=Currency(row.currency)),
        category=catalogue.find(own or row.category_detailed or row.category),
        categories=(own,) if own else banks,
        pending=row.pending,
        removed_at=row.removed_at,
        hidden=bool(row.hidden),
        notes=row.notes,
        tags=tuple(row.tags or ()),
        paired=paired,
    )


def tags_of(user_id: UserId) -> list[str]:
    """Every tag the person uses, by name."""
    tags = cast(TransactionChoice.tags, Text)
    rows = db.session.scalars(
        select(tags).where(TransactionChoice.user_id == user_id, tags != "[]").distinct()
    )
    return sorted({tag for told in rows for tag in json.loads(told)}, key=str.lower)
