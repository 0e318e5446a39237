"""With whom most was spent: the same from sums as from rows, at any moment."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete
from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.money import Currency
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import PlaidAccount
from mingus.reports.figures import Scope
from mingus.reports.merchants import merchants
from mingus.transactions import merchantsums
from mingus.transactions.edits import Wish
from mingus.transactions.models import KeptMonth
from mingus.transactions.models import MerchantSum
from tests import factories
from tests.support import books

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.plaid.models import AccountId
    from mingus.reports.merchants import Merchant
    from mingus.services import Services

ENVIRONMENT = "simulator"
JUNE = dt.date(2026, 6, 1)
MONTHS = 26  # in which something was spent
USD = Currency("USD")
SHOPS = ("Corner Coffee", "Market", None)


@pytest.fixture
def ada(app: Flask, wired: Services) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def account(ada: UserId) -> AccountId:
    """With purchases of two years at three places, some of them given back."""
    made = books.make_account(ada)
    books.make_transactions(
        made,
        [
            {
                "date": JUNE - dt.timedelta(days=5 * number),
                "amount_minor": (100 + number) * (1 if number % 7 == 0 else -1),
                "merchant_name": SHOPS[number % 3],
                "category": "FOOD_AND_DRINK",
            }
            for number in range(150)
        ],
    )
    return made


def told(owner: UserId, since: dt.date | None = None, until: dt.date | None = None) -> list[Merchant]:
    db.session.rollback()
    scope = Scope(user_id=owner, environment=ENVIRONMENT, since=since, until=until)
    return merchants(scope, USD, limit=50)


def told_by_rows(owner: UserId, since: dt.date | None = None, until: dt.date | None = None) -> list[Merchant]:
    """The same while no month is kept."""
    db.session.rollback()
    db.session.execute(delete(KeptMonth))
    found = merchants(Scope(user_id=owner, environment=ENVIRONMENT, since=since, until=until), USD, limit=50)
    db.session.rollback()
    return found


def kept(owner: UserId) -> set[dt.date]:
    db.session.rollback()
    return merchantsums.kept(owner, environment=ENVIRONMENT)


def test_any_days_tell_the_same_from_sums_as_from_rows(ada: UserId, account: AccountId) -> None:
    merchantsums.keep_some(ENVIRONMENT)
    assert len(kept(ada)) == MONTHS
    chance = random.Random(3)
    for _ in range(25):
        since, until = sorted(JUNE - dt.timedelta(days=chance.randint(-40, 800)) for _ in "ab")
        assert told(ada, since, until) == told_by_rows(ada, since, until)
    assert told(ada) == told_by_rows(ada)
    assert sum(one.count for one in told(ada)) == 150


def test_of_one_account_it_is_told_by_its_rows(ada: UserId, account: AccountId) -> None:
    books.make_transaction(books.make_account(ada), -9_000, date=JUNE, merchant_name="Elsewhere")
    merchantsums.keep_some(ENVIRONMENT)
    scope = Scope(user_id=ada, environment=ENVIRONMENT, accounts=(account,))
    assert "Elsewhere" not in {one.name for one in merchants(scope, USD, limit=50)}
    assert "Elsewhere" in {one.name for one in told(ada)}


def test_a_month_that_was_written_to_is_told_by_its_rows_until_it_is_added_up_again(
    ada: UserId, account: AccountId, wired: Services
) -> None:
    merchantsums.keep_some(ENVIRONMENT)
    before = told(ada)
    rows = select(PlaidTransaction.id).where(PlaidTransaction.date == JUNE)
    wired.edits.change(ada, list(db.session.scalars(rows)), Wish(values={"hidden": True}))
    assert JUNE not in kept(ada)
    assert len(kept(ada)) == MONTHS - 1
    assert told(ada) != before
    assert told(ada) == told_by_rows(ada)
    merchantsums.keep_some(ENVIRONMENT)
    assert JUNE in kept(ada)
    assert told(ada) == told_by_rows(ada)


def own_category_becomes_income(ada: UserId, account: AccountId, wired: Services) -> None:
    own = db.session.scalars(select(PlaidTransaction.id).limit(5)).all()
    mine = wired.own_categories.write(ada, name="Side", icon="coins", hue="lime", parent=None)
    wired.edits.change(ada, list(own), Wish(values={"category": mine}))
    merchantsums.keep_some(ENVIRONMENT)
    wired.own_categories.write(ada, name="Side", icon="coins", hue="lime", parent="INCOME", category_id=mine)


def account_is_linked_anew(ada: UserId, account: AccountId, wired: Services) -> None:
    again = books.make_account(ada)
    books.make_transaction(again, -700, date=JUNE, merchant_name="Market")
    merchantsums.keep_some(ENVIRONMENT)
    with unit_of_work() as unit:
        unit.session.get_one(PlaidAccount, again).replaces_id = account


@pytest.mark.parametrize("deed", [own_category_becomes_income, account_is_linked_anew])
def test_what_counts_otherwise_is_told_at_once_and_added_up_again_within_a_day(
    ada: UserId,
    account: AccountId,
    wired: Services,
    deed: Callable[[UserId, AccountId, Services], None],
) -> None:
    merchantsums.keep_some(ENVIRONMENT)
    before = told(ada)
    deed(ada, account, wired)
    assert kept(ada) == set()
    assert told(ada) != before
    assert told(ada) == told_by_rows(ada)
    merchantsums.touch_all_that_mean_otherwise(ENVIRONMENT)
    merchantsums.keep_some(ENVIRONMENT)
    assert len(kept(ada)) == MONTHS
    assert told(ada) == told_by_rows(ada)


def test_a_month_whose_rows_are_gone_has_no_merchants_left(
    ada: UserId, account: AccountId, wired: Services
) -> None:
    merchantsums.keep_some(ENVIRONMENT)
    connection = db.session.get_one(PlaidAccount, account).connection_id
    wired.plaid.disconnect(ada, connection, keep_history=False)
    merchantsums.keep_some(ENVIRONMENT)
    assert db.session.scalar(select(func.count()).select_from(MerchantSum)) == 0
    assert told(ada) == []


def test_a_sum_that_is_wrong_is_told_and_mended(ada: UserId, account: AccountId) -> None:
    merchantsums.keep_some(ENVIRONMENT)
    with unit_of_work() as unit:
        unit.session.query(MerchantSum).filter(MerchantSum.month == JUNE).update({"minor": -1})
    assert merchantsums.wrong(db.session(), ada, environment=ENVIRONMENT) == {JUNE}
    with unit_of_work() as unit:
        merchantsums.touch(unit, ada, [JUNE])
    merchantsums.keep_some(ENVIRONMENT)
    assert merchantsums.wrong(db.session(), ada, environment=ENVIRONMENT) == set()
