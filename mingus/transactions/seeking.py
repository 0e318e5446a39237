"""Finding what is rare: the ids of the few rows that a search, a merchant, a tag or the hidden ones come to.

A list of few is read from those ids; one of many along its order, where its first page is near. Which of the two it is
says the number of ids, counted no further than it matters.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import Text
from sqlalchemy import and_
from sqlalchemy import case
from sqlalchemy import cast
from sqlalchemy import func
from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import true
from sqlalchemy import union_all

from mingus import bulk
from mingus import money
from mingus.db import db
from mingus.money import Currency
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.transactions.models import Wording
from mingus.transactions.wording import DIGITS
from mingus.transactions.wording import shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from sqlalchemy import ColumnElement
    from sqlalchemy import Select
    from sqlalchemy.orm import InstrumentedAttribute
    from sqlalchemy.sql.expression import CompoundSelect

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import TransactionId
    from mingus.transactions.filters import Filters

    Ids = Select[TransactionId] | CompoundSelect[TransactionId]

FEW = 4_000
DOLLAR = money.official("USD")
ROW, CHOICE = PlaidTransaction, TransactionChoice
ROWS_TEXTS = (ROW.name, ROW.merchant_name)
CHOICES_TEXTS = (CHOICE.name, CHOICE.notes)


@dataclass(frozen=True, slots=True)
class Sought:
    """What was looked for, and what became of it."""

    rest: Filters  # what is left to be asked
    few: ColumnElement[bool] | None = (
        None  # finds the rows; None: they are many, or nothing rare was asked for
    )
    many: bool = False


def seek(user_id: UserId, filters: Filters) -> Sought:
    """Find the rows when they are few."""
    many = False
    for ids, rest in _narrow(user_id, filters):
        found = list(db.session.scalars(ids.limit(FEW + 1)))
        if len(found) <= FEW:
            return Sought(rest, few=bulk.among(db.session(), ROW.id, found))
        many = True
    return Sought(filters, many=many)


def _narrow(user_id: UserId, filters: Filters) -> Iterator[tuple[Ids, Filters]]:
    """Ways to ask for few ids, each with what it leaves to be asked of them."""
    if filters.search is not None:
        yield _found_by_words(user_id, filters.search), replace(filters, search=None)
    if filters.merchant is not None:
        yield _found_by_merchant(user_id, filters.merchant), replace(filters, merchant=None)
    if filters.tags:
        parts: list[Ids] = []
        for tag in filters.tags:
            parts += _choices_saying(user_id, shape(tag), again=has_tag(tag), unkeyed=has_tag(tag))
        yield union_all(*parts), replace(filters, tags=())
    if filters.hidden:
        yield select(CHOICE.transaction_id).where(CHOICE.user_id == user_id, CHOICE.hidden), filters


# what rows say, as conditions of a statement over rows with their decisions


def search(user_id: UserId, words: str) -> ColumnElement[bool]:
    """In the bank's text, the merchant, the person's name, notes and tags, or as an amount; % and _ mean themselves."""
    keys = select(Wording.key).where(Wording.user_id == user_id, _says(shape(words)))
    found = [
        or_(
            and_(model.wording.in_(keys), _again(words, texts)),
            and_(model.wording.is_(None), texts),
        )
        for model, texts in ((ROW, _in_row(words)), (CHOICE, _in_choice(words)))
    ]
    amount = _amount_in(words)
    return or_(*found) if amount is None else or_(*found, func.abs(ROW.amount_minor) == minor_of(amount))


def is_merchant(name: str) -> ColumnElement[bool]:
    return func.coalesce(ROW.merchant_name, ROW.name) == name


def has_tag(tag: str) -> ColumnElement[bool]:
    return cast(CHOICE.tags, Text).contains(json.dumps(tag), autoescape=True)


def minor_of(value: Decimal) -> ColumnElement[int]:
    """The amount in the minor units of each row's own currency."""
    arms = [(ROW.currency.in_(currencies), minor) for minor, currencies in _minors(value).items()]
    return case(*arms, else_=_to_minor(value, DOLLAR))


# the same, beginning at what is said


def _found_by_words(user_id: UserId, words: str) -> CompoundSelect[TransactionId]:
    like = shape(words)
    in_row, in_choice = _in_row(words), _in_choice(words)
    parts = [
        *_rows_saying(user_id, like, unkeyed=in_row, again=_again(words, in_row)),
        *_choices_saying(user_id, like, unkeyed=in_choice, again=_again(words, in_choice)),
    ]
    amount = _amount_in(words)
    if amount is not None:
        sizes = {*_minors(amount), _to_minor(amount, DOLLAR)}
        either = ROW.amount_minor.in_(sorted(sizes | {-size for size in sizes}))
        exactly = func.abs(ROW.amount_minor) == minor_of(amount)
        parts.append(select(ROW.id).where(ROW.user_id == user_id, either, exactly))
    return union_all(*parts)


def _found_by_merchant(user_id: UserId, name: str) -> CompoundSelect[TransactionId]:
    """A merchant is the last line of a wording, or all of it."""
    like, exactly = shape(name), is_merchant(name)
    said = or_(Wording.text == like, Wording.text.endswith(f"\n{like}", autoescape=True))
    return union_all(*_saying(ROW, ROW.id, user_id, said, again=exactly, unkeyed=exactly))


def _rows_saying(user_id: UserId, shaped: str, **also: ColumnElement[bool]) -> list[Ids]:
    return _saying(ROW, ROW.id, user_id, _says(shaped), **also)


def _choices_saying(user_id: UserId, shaped: str, **also: ColumnElement[bool]) -> list[Ids]:
    return _saying(CHOICE, CHOICE.transaction_id, user_id, _says(shaped), **also)


def _saying(
    model: type[PlaidTransaction | TransactionChoice],
    row_id: InstrumentedAttribute[TransactionId],
    user_id: UserId,
    said: ColumnElement[bool],
    *,
    again: ColumnElement[bool],
    unkeyed: ColumnElement[bool],
) -> list[Ids]:
    """Those whose wording says it and that stand another look, and those without a wording."""
    keyed = select(row_id).join_from(Wording, model, model.wording == Wording.key)
    mine = (model.user_id == user_id, Wording.user_id == user_id)
    bare = select(row_id).where(model.user_id == user_id, model.wording.is_(None))
    return [keyed.where(*mine, said, again), bare.where(unkeyed)]


def _says(shaped: str) -> ColumnElement[bool]:
    return Wording.text.contains(shaped, autoescape=True)


def _again(words: str, texts: ColumnElement[bool]) -> ColumnElement[bool]:
    """Rows are looked at again where their wording does not tell which number they say."""
    return texts if DIGITS.search(words) else true()


def _in_row(words: str) -> ColumnElement[bool]:
    return or_(*(_contains(field, words) for field in ROWS_TEXTS))


def _in_choice(words: str) -> ColumnElement[bool]:
    tags = func.lower(cast(CHOICE.tags, Text)).contains(json.dumps(words.lower())[1:-1], autoescape=True)
    return or_(*(_contains(field, words) for field in CHOICES_TEXTS), tags)


def _contains(field: InstrumentedAttribute[Any], words: str) -> ColumnElement[bool]:
    return func.lower(field).contains(words.lower(), autoescape=True)


def _amount_in(words: str) -> Decimal | None:
    """The size of the amount that the words are, such as 12.50, $12.50 or -1,200.00."""
    bare = words.strip().lstrip("+-−").strip("$€£¥ ")
    try:
        value = money.parse(bare.replace(",", "")) if bare[:1].isdigit() else None
        return abs(value) if value is not None and abs(money.to_minor(value, DOLLAR)) >= 0 else None
    except money.NotMoney:
        return None


def _minors(value: Decimal) -> dict[int, list[str]]:
    """The amount in minor units, and the currencies that have these."""
    by_digits = defaultdict(list)
    for currency, digits in money.ISO_DIGITS.items():
        by_digits[digits].append(currency)
    for coin, digits in money.COIN_DIGITS.items():
        by_digits[digits].append(f"{money.UNOFFICIAL_MARK}{coin}")
    found: defaultdict[int, list[str]] = defaultdict(list)
    for currencies in by_digits.values():
        found[_to_minor(value, currencies[0])] += currencies
    return found


def _to_minor(value: Decimal, currency: str) -> int:
    """What no row can hold is as good as the most that one can."""
    try:
        return money.to_minor(value, Currency(currency))
    except money.NotMoney:
        return money.MAX_MINOR if value > 0 else -money.MAX_MINOR
