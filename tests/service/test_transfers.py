"""Transfers between a person's own accounts: found when sure, left alone when not, undone for good."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.db import db
from mingus.errors import NotFound
from mingus.plaid.ledger import PlaidTransaction
from mingus.transactions import spending
from tests import factories
from tests.support import books
from tests.support.books import DAY

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import TransactionId
    from mingus.services import Services

MOVED = {"category": "TRANSFER_OUT", "category_detailed": "TRANSFER_OUT_ACCOUNT_TRANSFER"}
ARRIVED = {"category": "TRANSFER_IN", "category_detailed": "TRANSFER_IN_ACCOUNT_TRANSFER"}
SHOP = {"category": "GENERAL_MERCHANDISE"}
PAY = {"category": "INCOME", "category_detailed": "INCOME_SALARY"}


@pytest.fixture
def ada(app: Flask, wired: Services) -> UserId:
    return factories.make_person(app)


def paired(ada: UserId) -> set[str]:
    db.session.rollback()
    rows = spending.rows_of(ada, environment="simulator").where(spending.is_paired())
    return set(db.session.scalars(rows.with_only_columns(PlaidTransaction.id)))


def two_sides(
    ada: UserId, out: dict[str, Any], back: dict[str, Any], days: int = 0
) -> tuple[TransactionId, TransactionId]:
    """Fifty dollars leave one account and fifty come in on another, some days later."""
    one = books.make_transaction(books.make_account(ada), -5_000, **out)
    later = {"date": DAY + dt.timedelta(days=days), "amount_minor": 5_000, **back}
    return one, books.make_transaction(books.make_account(ada), **later)


@pytest.mark.parametrize(
    ("out", "back", "days", "expected"),
    [
        (MOVED, ARRIVED, 4, True),
        (MOVED, ARRIVED, 5, False),
        (MOVED, {}, 3, True),
        ({}, {}, 1, True),
        ({}, {}, 2, False),
        (MOVED, PAY, 0, False),
        (SHOP, ARRIVED, 0, False),
        ({"merchant_name": "Shop"}, {}, 0, False),
        (MOVED, {**ARRIVED, "amount_minor": 5_001}, 0, False),
        (MOVED, {**ARRIVED, "currency": "EUR"}, 0, False),
        (MOVED, {**ARRIVED, "pending": True}, 0, False),
        (MOVED, {**ARRIVED, "removed_at": dt.datetime(2026, 5, 4, tzinfo=dt.UTC)}, 0, False),
    ],
)
def test_two_sides_are_paired_when_nothing_speaks_against_it(
    wired: Services, ada: UserId, out: dict[str, Any], back: dict[str, Any], days: int, *, expected: bool
) -> None:
    one, two = two_sides(ada, out, back, days)
    assert wired.transfers.pair(ada, [two]) == expected
    assert paired(ada) == ({one, two} if expected else set())
    assert wired.transfers.pair(ada, [one, two]) == 0


def test_one_account_is_no_transfer_and_nobody_elses_money_is_mine(
    app: Flask, wired: Services, ada: UserId
) -> None:
    account = books.make_account(ada)
    one = books.make_transaction(account, -5_000, **MOVED)
    books.make_transaction(account, 5_000, **ARRIVED)
    bens = books.make_account(factories.make_person(app, factories.BEN))
    books.make_transaction(bens, 5_000, **ARRIVED)
    assert wired.transfers.pair(ada, [one]) == 0


def test_each_row_finds_the_nearest_and_only_one(wired: Services, ada: UserId) -> None:
    here, there = books.make_account(ada), books.make_account(ada)
    days = [DAY, DAY + dt.timedelta(days=2)]
    out = [books.make_transaction(here, -5_000, date=day, **MOVED) for day in days]
    back = [books.make_transaction(there, 5_000, date=day, **ARRIVED) for day in days]
    third = books.make_transaction(here, -5_000, date=days[1] + dt.timedelta(days=1), **MOVED)
    assert wired.transfers.pair(ada, [*out, *back, third]) == 2
    assert paired(ada) == {*out, *back}


def test_what_was_undone_stays_undone_until_it_is_redone(wired: Services, ada: UserId) -> None:
    one, two = two_sides(ada, {}, {})
    wired.transfers.pair(ada, [one])
    wired.transfers.undo(ada, two)
    assert paired(ada) == set()
    assert wired.transfers.pair(ada, [one, two]) == 0
    wired.transfers.redo(ada, one)
    assert paired(ada) == {one, two}
    with pytest.raises(NotFound):
        wired.transfers.redo(ada, one)


def test_nobody_else_undoes_it(app: Flask, wired: Services, ada: UserId) -> None:
    one, _ = two_sides(ada, MOVED, ARRIVED)
    wired.transfers.pair(ada, [one])
    with pytest.raises(NotFound):
        wired.transfers.undo(factories.make_person(app, factories.BEN), one)
