"""What a net worth is made of: kinds of accounts on the side of their balance, each with its accounts."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import TYPE_CHECKING

import pytest

from mingus.money import Currency
from mingus.plaid import queries
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.models import AccountChoice
from mingus.reports.standing import standing
from tests import factories
from tests.support.books import Desk

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.reports.standing import Side
    from mingus.reports.standing import Standing

USD, EUR = Currency("USD"), Currency("EUR")
DAY = dt.date(2026, 5, 4)


@pytest.fixture
def owner(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def desk(app: Flask, owner: UserId) -> Desk:
    return Desk(app, owner)


def found(app: Flask, owner: UserId) -> dict[Currency, Standing]:
    with app.app_context():
        environment = app.extensions["mingus"].settings.environment.value
        return standing(queries.accounts_of(owner, environment=environment, hidden_too=True))


def told(side: Side) -> list[tuple[str, int, list[str]]]:
    return [
        (one.family, one.amount.minor, [account.name for account, _ in one.accounts]) for one in side.holdings
    ]


def test_accounts_are_gathered_by_kind_the_largest_first(app: Flask, desk: Desk, owner: UserId) -> None:
    desk.account(name="Checking", current_minor=100)
    desk.account(name="Savings", subtype="savings", current_minor=900)
    desk.account(name="House", type="asset", subtype="property", current_minor=50_000)
    desk.account(name="Mortgage", type="loan", subtype="mortgage", current_minor=-30_000)
    desk.account(name="Card", type="credit", subtype="credit card", current_minor=-700)
    desk.account(name="Odd", type="new to us", subtype=None, current_minor=1)
    both = found(app, owner)[USD]
    assert told(both.owned) == [
        ("homes", 50_000, ["House"]),
        ("cash", 1_000, ["Savings", "Checking"]),
        ("others", 1, ["Odd"]),
    ]
    assert told(both.owed) == [("mortgages", 30_000, ["Mortgage"]), ("cards", 700, ["Card"])]
    assert (both.owned.amount.minor, both.owed.amount.minor) == (51_001, 30_700)


def test_an_account_counts_on_the_side_of_its_balance(app: Flask, desk: Desk, owner: UserId) -> None:
    desk.account(name="Overdrawn", current_minor=-250)
    desk.account(name="Overpaid", type="credit", subtype="credit card", current_minor=40)
    both = found(app, owner)[USD]
    assert told(both.owned) == [("cards", 40, ["Overpaid"])]
    assert told(both.owed) == [("cash", 250, ["Overdrawn"])]


def test_what_counts_nowhere_is_on_no_side(app: Flask, desk: Desk, owner: UserId) -> None:
    hidden = desk.account(name="Hidden")
    desk.put(AccountChoice(account_id=hidden, hidden=True))
    desk.account(name="Unknown", current_minor=None)
    assert found(app, owner) == {}
    desk.account(name="Euros", currency="EUR", current_minor=5)
    assert [(code, both.owned.amount.minor) for code, both in found(app, owner).items()] == [(EUR, 5)]


def test_the_report_shows_both_sides_and_leads_to_each_account(app: Flask, desk: Desk, owner: UserId) -> None:
    account = desk.account(name="Rainy day", subtype="savings", current_minor=123_400)
    desk.account(name="Card", type="credit", subtype="credit card", current_minor=-5_600)
    desk.put(BalanceSnapshot(account_id=account, taken_on=DAY, current_minor=123_400, currency="USD"))
    page = factories.sign_in(app, owner).get("/reports/net-worth").text
    words = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))
    assert "Cash and bank accounts $1,234.00 100 %" in words
    assert "Credit cards $56.00 100 %" in words
    assert f'href="/accounts/{account}"' in page


def test_a_side_without_anything_is_not_drawn(app: Flask, desk: Desk, owner: UserId) -> None:
    account = desk.account(name="Checking")
    desk.put(BalanceSnapshot(account_id=account, taken_on=DAY, current_minor=100_000, currency="USD"))
    page = factories.sign_in(app, owner).get("/reports/net-worth").text
    assert "What you have" in page
    assert "What you owe" not in page
