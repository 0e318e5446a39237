"""What counts as spent and as earned, row by row."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.transactions import catalogues
from mingus.transactions import spending
from mingus.transactions.models import OwnCategory
from mingus.transactions.models import TransferPair
from tests import factories
from tests.support import books

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId
    from mingus.services import Services

pytestmark = pytest.mark.past_sums


@pytest.fixture
def ada(app: Flask, wired: Services) -> UserId:
    return factories.make_person(app)


def found(ada: UserId, *conditions: ColumnElement[bool]) -> set[str]:
    """The names of the rows that count and meet the conditions."""
    db.session.rollback()
    statement = spending.shown_rows(ada, environment="simulator").where(*conditions)
    return set(db.session.scalars(statement.with_only_columns(PlaidTransaction.name)))


def flow_of(ada: UserId) -> str:
    """What the only row is; it must be exactly one thing."""
    kinds = {
        "transfer": spending.is_transfer(),
        "income": spending.is_income(),
        "spending": spending.is_spending(),
    }
    met = [name for name, condition in kinds.items() if found(ada, condition)]
    assert len(met) == 1
    return met[0]


@pytest.mark.parametrize(
    ("amount", "banks", "own", "expected"),
    [
        (-500, ("FOOD_AND_DRINK", "FOOD_AND_DRINK_COFFEE"), None, "spending"),
        (500, ("FOOD_AND_DRINK", "FOOD_AND_DRINK_COFFEE"), None, "spending"),
        (500, ("INCOME", "INCOME_SALARY"), None, "income"),
        (-500, ("TRANSFER_OUT", "TRANSFER_OUT_NEVER_HEARD_OF"), None, "transfer"),
        (-500, ("LOAN_PAYMENTS", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"), None, "transfer"),
        (500, ("LOAN_DISBURSEMENTS", None), None, "transfer"),
        (-500, (None, None), None, "spending"),
        (500, (None, None), None, "income"),
        (500, ("OTHER", "OTHER_OTHER"), None, "income"),
        (-500, ("TRANSFER_OUT", "TRANSFER_OUT_WITHDRAWAL"), "FOOD_AND_DRINK", "spending"),
        (-500, ("FOOD_AND_DRINK", None), "TRANSFER_OUT_SAVINGS", "transfer"),
        (500, ("TRANSFER_IN", None), "cat_side", "income"),
        (-500, ("TRANSFER_OUT", None), "NONE", "spending"),
    ],
)
def test_each_row_is_spent_earned_or_moved(
    ada: UserId, amount: int, banks: tuple[str | None, str | None], own: str | None, expected: str
) -> None:
    row = books.make_transaction(
        books.make_account(ada), amount, category=banks[0], category_detailed=banks[1]
    )
    with unit_of_work() as unit:
        unit.session.add(
            OwnCategory(
                id="cat_side", user_id=ada, name="Side job", icon="coins", hue="lime", parent="INCOME"
            )
        )
        unit.session.add(TransactionChoice(transaction_id=row, user_id=ada, category=own))
    assert flow_of(ada) == expected


def hide(ada: UserId, row: str) -> None:
    """Out of sight, so that only the other side is asked about."""
    with unit_of_work() as unit:
        unit.session.add(TransactionChoice(transaction_id=row, user_id=ada, tags=[], hidden=True))


def test_a_paired_row_is_moved_until_the_person_undoes_it(ada: UserId) -> None:
    out = books.make_transaction(books.make_account(ada), -500)
    back = books.make_transaction(books.make_account(ada), 500)
    hide(ada, back)
    pair = TransferPair(out_id=out, in_id=back, user_id=ada, found_at=dt.datetime(2026, 5, 4, tzinfo=dt.UTC))
    with unit_of_work() as unit:
        unit.session.add(pair)
    assert flow_of(ada) == "transfer"
    with unit_of_work() as unit:
        unit.session.get_one(PlaidTransaction, back).removed_at = dt.datetime(2026, 5, 5, tzinfo=dt.UTC)
    assert flow_of(ada) == "spending"
    with unit_of_work() as unit:
        unit.session.get_one(PlaidTransaction, back).removed_at = None
    assert flow_of(ada) == "transfer"
    with unit_of_work() as unit:
        unit.session.get_one(TransferPair, (out, back)).undone_at = dt.datetime(2026, 5, 5, tzinfo=dt.UTC)
    assert flow_of(ada) == "spending"


def test_hidden_and_removed_rows_and_other_peoples_do_not_count(app: Flask, ada: UserId) -> None:
    account = books.make_account(ada)
    books.make_transaction(account, name="shown")
    hidden = books.make_transaction(account, name="hidden")
    books.make_transaction(account, name="removed", removed_at=dt.datetime(2026, 5, 4, tzinfo=dt.UTC))
    books.make_transaction(books.make_account(factories.make_person(app, factories.BEN)), name="Ben's")
    with unit_of_work() as unit:
        unit.session.add(TransactionChoice(transaction_id=hidden, user_id=ada, hidden=True))
    assert found(ada) == {"shown"}


def test_a_category_finds_its_rows_and_a_group_everything_in_it(ada: UserId) -> None:
    account = books.make_account(ada)
    food = "FOOD_AND_DRINK"
    books.make_transaction(account, name="coffee", category=food, category_detailed=f"{food}_COFFEE")
    books.make_transaction(account, name="odd", category=food, category_detailed=f"{food}_SPACE_FOOD")
    books.make_transaction(account, name="plain")
    moved = books.make_transaction(account, name="moved", category=food, category_detailed=f"{food}_COFFEE")
    with unit_of_work() as unit:
        unit.session.add(TransactionChoice(transaction_id=moved, user_id=ada, category="TRAVEL"))
    codes = catalogues.of(ada).codes_under
    assert found(ada, spending.in_category(codes(food))) == {"coffee", "odd"}
    assert found(ada, spending.in_category(codes(f"{food}_COFFEE"))) == {"coffee"}
    assert found(ada, spending.in_category(codes("TRAVEL"))) == {"moved"}
    assert found(ada, spending.in_category(codes("NONE"))) == {"plain"}
