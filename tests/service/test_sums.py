"""Years, months and days that are added up once stay what their rows come to, whatever happens to the rows."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.models import PlaidAccount
from mingus.transactions import sums
from mingus.transactions.edits import Wish
from mingus.transactions.models import ALL_YEARS
from mingus.transactions.models import MonthSum
from mingus.transactions.models import TransferPair
from mingus.transactions.models import YearSum
from mingus.transactions.rules import RuleWords
from mingus.transactions.summing import sums_of
from tests import factories
from tests.support import books

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId
    from mingus.plaid.models import AccountId
    from mingus.services import Services

JUNE = dt.date(2026, 6, 1)
TURNS = [(1, 1), (1, 31), (12, 1), (12, 31)]


@pytest.fixture
def ada(app: Flask, wired: Services) -> UserId:
    return factories.make_person(app)


def total(ada: UserId, since: dt.date | None, until: dt.date | None, *accounts: AccountId) -> int:
    """What the person's rows of these days come to, by the sums."""
    found = sums_of(ada, environment="simulator", since=since, until=until, accounts=accounts)
    return int(db.session.scalar(select(func.sum(found.c.minor)), found.params) or 0)


def truth(ada: UserId, since: dt.date, until: dt.date) -> int:
    table = PlaidTransaction
    mine = select(func.sum(table.amount_minor)).where(table.user_id == ada, table.removed_at.is_(None))
    return int(db.session.scalar(mine.where(table.date.between(since, until))) or 0)


def test_any_days_come_to_what_their_rows_come_to(ada: UserId) -> None:
    account = books.make_account(ada)
    days = [dt.date(2023, 1, 1) + dt.timedelta(days=15 * number) for number in range(90)]
    books.make_transactions(account, [{"date": day, "amount_minor": -day.toordinal()} for day in days])
    chance = random.Random(5)
    turns = [dt.date(2024 + number // 4, month, day) for number, (month, day) in enumerate(TURNS * 3)]
    for _ in range(60):
        since, until = sorted(
            chance.choice(days + turns) + dt.timedelta(days=chance.randint(-2, 2)) for _ in "ab"
        )
        assert total(ada, since, until) == truth(ada, since, until)
    assert total(ada, None, None) == truth(ada, dt.date.min, dt.date.max)
    assert total(ada, None, days[-1], books.make_account(ada)) == 0


def test_whatever_is_done_to_rows_their_months_follow(ada: UserId, wired: Services) -> None:
    chance = random.Random(11)
    accounts = [books.make_account(ada), books.make_account(ada)]
    ids = [
        row_id
        for account in accounts
        for row_id in books.make_transactions(
            account,
            [
                {
                    "date": JUNE + dt.timedelta(days=number % 5),
                    "amount_minor": (100 + number % 4) * (-1 if account == accounts[0] else 1),
                    "category": ("TRANSFER_OUT", "FOOD_AND_DRINK", None)[number % 3],
                }
                for number in range(12)
            ],
        )
    ]
    rule = wired.rules.write(ada, RuleWords(text="coffee", money_in=True, category="TRAVEL", hides=True))
    own = wired.own_categories.write(ada, name="Side", icon="coins", hue="lime", parent=None)
    edits: list[str] = []

    def edit(values: dict[str, object]) -> None:
        made = wired.edits.change(ada, chance.sample(ids, 5), Wish(values=values))
        edits.extend([made.id] if made.id else [])

    def turn_pair() -> None:
        for pair in db.session.scalars(select(TransferPair)).all():
            turn = wired.transfers.undo if pair.undone_at is None else wired.transfers.redo
            turn(ada, pair.out_id)

    deeds: list[Callable[[], object]] = [
        lambda: edit({"category": chance.choice((own, "TRAVEL", None, "NONE"))}),
        lambda: edit({"hidden": chance.choice((True, False))}),
        lambda: edit({"notes": "seen"}),
        lambda: wired.transfers.pair(ada, ids),
        turn_pair,
        lambda: wired.rules.apply_to_past(ada, rule),
        lambda: wired.edits.undo(ada, chance.choice(edits)) if edits else None,
    ]
    for number in range(40):
        (deeds[number] if number < len(deeds) else chance.choice(deeds))()
        db.session.rollback()
        assert not sums.wrong_months(db.session(), ada)
    wired.own_categories.delete(ada, own)
    assert not sums.wrong_months(db.session(), ada)
    assert db.session.scalar(select(func.count()).select_from(TransactionChoice))
    assert db.session.scalar(select(func.count()).select_from(TransferPair))


def test_the_other_side_of_a_transfer_counts_again_when_an_account_goes(ada: UserId, wired: Services) -> None:
    gone, stays = books.make_connection(ada), books.make_account(ada)
    out = books.make_transaction(stays, -700, category="TRANSFER_OUT")
    back = books.make_transaction(books.make_account(ada, gone), 700, category="TRANSFER_IN")
    assert wired.transfers.pair(ada, [out, back]) == 1
    paired = select(MonthSum.paired).where(MonthSum.account_id == stays)
    assert db.session.scalars(paired).all() == [True]
    wired.plaid.disconnect(ada, gone, keep_history=False)
    db.session.rollback()
    assert db.session.get(PlaidAccount, stays) is not None
    assert db.session.scalars(paired).all() == [False]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (MonthSum.month == JUNE, {JUNE}),
        (YearSum.year == JUNE.replace(month=1), {JUNE.replace(month=1), ALL_YEARS}),
        (YearSum.year == ALL_YEARS, {ALL_YEARS}),
    ],
)
def test_sums_that_are_wrong_are_told_and_mended(
    ada: UserId, wrong: ColumnElement[bool], told: set[dt.date]
) -> None:
    account = books.make_account(ada)
    books.make_transaction(account, -500, date=JUNE)
    with unit_of_work() as unit:
        kept = MonthSum if told == {JUNE} else YearSum
        unit.session.query(kept).filter(wrong).update({"minor": -400})
    assert sums.wrong_months(db.session(), ada) == {(account, month) for month in told}
    with unit_of_work() as unit:
        sums.rebuild(unit, ada)
    assert not sums.wrong_months(db.session(), ada)
    assert total(ada, JUNE, None) == total(ada, None, None) == -500


def test_a_date_before_all_years_asks_for_every_row_once(ada: UserId) -> None:
    books.make_transaction(books.make_account(ada), -500, date=JUNE)
    for since in (ALL_YEARS, dt.date(1, 1, 2), dt.date(1, 12, 31), None):
        assert total(ada, since, None) == total(ada, since, JUNE) == -500
        assert total(ada, since, JUNE - dt.timedelta(days=1)) == 0
