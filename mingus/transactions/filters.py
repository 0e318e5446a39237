"""What a list of transactions is narrowed to, and the conditions that do it. Search lives in one function here."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Text
from sqlalchemy import case
from sqlalchemy import cast
from sqlalchemy import func
from sqlalchemy import not_
from sqlalchemy import or_

from mingus import money
from mingus.money import Currency
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.transactions import spending
from mingus.transactions.categories import Flow

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal

    from sqlalchemy import ColumnElement

    from mingus.plaid.models import AccountId
    from mingus.transactions.categories import Catalogue
    from mingus.transactions.spending import Seen
    from mingus.transactions.summing import Sums

DOLLAR = money.official("USD")
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


def conditions(filters: Filters, catalogue: Catalogue) -> list[ColumnElement[bool]]:
    """One condition for each thing the list is narrowed to."""
    return [
        *_of_facts(filters),
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


def _of_facts(filters: Filters) -> list[ColumnElement[bool]]:
    table, found = PlaidTransaction, []
    if filters.since is not None:
        found.append(table.date >= filters.since)
    if filters.until is not None:
        found.append(table.date <= filters.until)
    if filters.accounts:
        found.append(table.account_id.in_(filters.accounts))
    if filters.merchant is not None:
        found.append(func.coalesce(table.merchant_name, table.name) == filters.merchant)
    if filters.currency is not None:
        found.append(table.currency == filters.currency)
    if filters.pending is not None:
        found.append(table.pending.is_(filters.pending))
    if filters.search is not None:
        found.append(search(filters.search))
    return found


def _of_amounts(filters: Filters) -> list[ColumnElement[bool]]:
    amount, found = PlaidTransaction.amount_minor, []
    if filters.least is not None:
        found.append(amount >= _minor(filters.least))
    if filters.most is not None:
        found.append(amount <= _minor(filters.most))
    return found + size_conditions(filters.least_size, filters.most_size)


def size_conditions(least: Decimal | None, most: Decimal | None) -> list[ColumnElement[bool]]:
    """Amounts of this size, whatever their sign, in each row's own currency."""
    size, found = func.abs(PlaidTransaction.amount_minor), []
    if least is not None:
        found.append(size >= _minor(least))
    if most is not None:
        found.append(size <= _minor(most))
    return found


def _of_decisions(filters: Filters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.tags:
        tags = cast(TransactionChoice.tags, Text)
        found.append(or_(*(tags.contains(json.dumps(tag), autoescape=True) for tag in filters.tags)))
    if not filters.removed and filters.hidden is not None:
        found.append(TransactionChoice.hidden.is_(True) if filters.hidden else spending.is_shown())
    return found


def search(words: str) -> ColumnElement[bool]:
    """In the bank's text, the merchant, the person's name, notes and tags, or as an amount; % and _ mean themselves."""
    fields = (
        PlaidTransaction.name,
        PlaidTransaction.merchant_name,
        TransactionChoice.name,
        TransactionChoice.notes,
    )
    found = [func.lower(field).contains(words.lower(), autoescape=True) for field in fields]
    tags = func.lower(cast(TransactionChoice.tags, Text))
    found.append(tags.contains(json.dumps(words.lower())[1:-1], autoescape=True))
    amount = _amount_in(words)
    if amount is not None:
        found.append(func.abs(PlaidTransaction.amount_minor) == _minor(amount))
    return or_(*found)


def _amount_in(words: str) -> Decimal | None:
    """The size of the amount that the words are, such as 12.50, $12.50 or -1,200.00."""
    bare = words.strip().lstrip("+-−").strip("$€£¥ ")
    try:
        value = money.parse(bare.replace(",", "")) if bare[:1].isdigit() else None
        return abs(value) if value is not None and abs(money.to_minor(value, DOLLAR)) >= 0 else None
    except money.NotMoney:
        return None


def _minor(value: Decimal) -> ColumnElement[int]:
    """The amount in the minor units of each row's own currency."""
    by_digits = defaultdict(list)
    for currency, digits in money.ISO_DIGITS.items():
        by_digits[digits].append(currency)
    for coin, digits in money.COIN_DIGITS.items():
        by_digits[digits].append(f"{money.UNOFFICIAL_MARK}{coin}")
    arms = [
        (PlaidTransaction.currency.in_(currencies), _to_minor(value, currencies[0]))
        for currencies in by_digits.values()
    ]
    return case(*arms, else_=_to_minor(value, DOLLAR))


def _to_minor(value: Decimal, currency: str) -> int:
    """What no row can hold is as good as the most that one can."""
    try:
        return money.to_minor(value, Currency(currency))
    except money.NotMoney:
        return money.MAX_MINOR if value > 0 else -money.MAX_MINOR
