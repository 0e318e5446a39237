"""What a list of transactions is narrowed to, and the conditions that do it."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import not_
from sqlalchemy import or_

from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.transactions import seeking
from mingus.transactions import spending
from mingus.transactions.categories import Flow

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal

    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId
    from mingus.money import Currency
    from mingus.plaid.models import AccountId
    from mingus.transactions.categories import Catalogue
    from mingus.transactions.spending import Seen
    from mingus.transactions.summing import Sums

CONDITION_OF = {
    Flow.INCOME: spending.is_income,
    Flow.SPENDING: spending.is_spending,
    Flow.TRANSFER: spending.is_transfer,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """None or empty: not narrowed. Amounts are in major units; `least_size` looks away from the sign."""

    search: str | None = None
    accounts: tuple[AccountId, ...] = ()
    categories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    merchant: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    least_size: Decimal | None = None
    most_size: Decimal | None = None
    money_in: bool | None = None
    pending: bool | None = None
    flow: Flow | None = None
    currency: Currency | None = None
    hidden: bool | None = False  # the hidden ones instead of the shown; None: both
    removed: bool = False  # what the bank took back instead of what is there


def conditions(user_id: UserId, filters: Filters, catalogue: Catalogue) -> list[ColumnElement[bool]]:
    """One condition for each thing the list is narrowed to."""
    return [
        *_of_facts(user_id, filters),
        *_of_amounts(filters),
        *_of_meaning(filters, catalogue, spending.rows()),
        *_of_decisions(filters),
    ]


def on_sums(filters: Filters, catalogue: Catalogue, sums: Sums) -> list[ColumnElement[bool]]:
    """The same, of sums whose days and accounts are chosen already; for filters that `is_summed` admits."""
    found = _of_meaning(filters, catalogue, sums.seen)
    if filters.currency is not None:
        found.append(sums.c.currency == filters.currency)
    if filters.hidden is not None:
        found.append(not_(sums.shown) if filters.hidden else sums.shown)
    return found


def is_summed(filters: Filters) -> bool:
    """True when nothing is asked that only single rows know."""
    asked = replace(filters, accounts=(), categories=(), since=None, until=None, currency=None)
    return replace(asked, money_in=None, flow=None, hidden=False) == Filters()


def _of_meaning(filters: Filters, catalogue: Catalogue, seen: Seen) -> list[ColumnElement[bool]]:
    """What follows from category and sign."""
    found: list[ColumnElement[bool]] = []
    if filters.money_in is not None:
        found.append(seen.sign > 0 if filters.money_in else seen.sign < 0)
    if filters.categories:
        codes = {code for chosen in filters.categories for code in catalogue.codes_under(chosen)}
        found.append(spending.in_category(tuple(sorted(codes)), seen))
    if filters.flow is not None:
        found.append(CONDITION_OF[filters.flow](seen))
    return found


def _of_facts(user_id: UserId, filters: Filters) -> list[ColumnElement[bool]]:
    table, found = PlaidTransaction, []
    if filters.since is not None:
        found.append(table.date >= filters.since)
    if filters.until is not None:
        found.append(table.date <= filters.until)
    if filters.accounts:
        found.append(table.account_id.in_(filters.accounts))
    if filters.merchant is not None:
        found.append(seeking.is_merchant(filters.merchant))
    if filters.currency is not None:
        found.append(table.currency == filters.currency)
    if filters.pending is not None:
        found.append(table.pending.expression if filters.pending else not_(table.pending))
    if filters.search is not None:
        found.append(seeking.search(user_id, filters.search))
    return found


def _of_amounts(filters: Filters) -> list[ColumnElement[bool]]:
    amount, found = PlaidTransaction.amount_minor, []
    if filters.least is not None:
        found.append(amount >= seeking.minor_of(filters.least))
    if filters.most is not None:
        found.append(amount <= seeking.minor_of(filters.most))
    return found + size_conditions(filters.least_size, filters.most_size)


def size_conditions(least: Decimal | None, most: Decimal | None) -> list[ColumnElement[bool]]:
    """Amounts of this size, whatever their sign, in each row's own currency."""
    size, found = func.abs(PlaidTransaction.amount_minor), []
    if least is not None:
        found.append(size >= seeking.minor_of(least))
    if most is not None:
        found.append(size <= seeking.minor_of(most))
    return found


def _of_decisions(filters: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.tags:
        found.append(or_(*map(seeking.has_tag, filters.tags)))
    if not filters.removed and filters.hidden is not None:
        found.append(TransactionChoice.hidden.expression if filters.hidden else spending.is_shown())
    return found
