"""Reports, dashboard, account page: exact sums, one currency at a time, nobody else's, each with its rows."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mingus.money import Currency
from mingus.money import Money
from mingus.plaid.ledger import TransactionChoice
from mingus.reports import dashboard
from mingus.reports import figures
from mingus.reports.figures import Scope
from mingus.transactions.categories import Catalogue
from tests import factories
from tests.factories import BEN
from tests.support.books import Desk

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.plaid.models import AccountId
    from tests.support.browser import Browser

GROCERIES = {"category": "FOOD_AND_DRINK", "category_detailed": "FOOD_AND_DRINK_GROCERIES"}
COFFEE = {"category": "FOOD_AND_DRINK", "category_detailed": "FOOD_AND_DRINK_COFFEE"}
WAGES = {"category": "INCOME", "category_detailed": "INCOME_WAGES"}
MOVED = {"category": "TRANSFER_OUT", "category_detailed": "TRANSFER_OUT_SAVINGS"}
PAGES = ("net-worth", "cash-flow", "spending", "merchants", "recurring")


@pytest.fixture
def owner(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def ada(app: Flask, owner: UserId) -> Browser:
    return factories.sign_in(app, owner)


@pytest.fixture
def desk(app: Flask, owner: UserId) -> Desk:
    return Desk(app, owner)


@pytest.fixture
def account(desk: Desk) -> AccountId:
    """Two months: wages, groceries, a refund, coffee, and what only moved."""
    found = desk.account()
    april, may = dt.date(2026, 4, 10), dt.date(2026, 5, 2)
    desk.transactions(
        found,
        [
            {"amount_minor": 300_000, "name": "ACME PAYROLL", "date": april, **WAGES},
            {
                "amount_minor": -9_050,
                "name": "MARKET",
                "merchant_name": "Fernhill",
                "date": april,
                **GROCERIES,
            },
            {
                "amount_minor": 1_050,
                "name": "MARKET",
                "merchant_name": "Fernhill",
                "date": april,
                **GROCERIES,
            },
            {"amount_minor": -50_000, "name": "TO SAVINGS", "date": april, **MOVED},
            {"amount_minor": -450, "name": "BEAN", "merchant_name": "Corner Bean", "date": may, **COFFEE},
            {"amount_minor": -2_000, "name": "CAFE", "date": may, "currency": "EUR", **COFFEE},
        ],
    )
    return found


def scope(app: Flask, owner: UserId, **changes: object) -> Scope:
    environment = app.extensions["mingus"].settings.environment.value
    wishes = {"user_id": owner, "environment": environment, "currency": Currency("USD"), **changes}
    return Scope(**wishes)


def dollars(minor: int) -> Money:
    return Money(minor=minor, currency=Currency("USD"))


def words(browser: Browser, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


def test_refunds_lessen_spending_and_transfers_count_as_neither(
    app: Flask, owner: UserId, account: AccountId
) -> None:
    with app.app_context():
        flow = figures.cash_flow(scope(app, owner))
        assert [(one.first.month, one.earned, one.spent) for one in flow] == [
            (4, dollars(300_000), dollars(8_000)),
            (5, dollars(0), dollars(450)),
        ]
        assert figures.get_user_income(scope(app, owner, currency=None)) == (dollars(300_000),)
        assert set(figures.get_user_spending(scope(app, owner, currency=None))) == {
            dollars(8_450),
            Money(minor=2_000, currency=Currency("EUR")),
        }
        assert figures.get_user_transaction_count(scope(app, owner)) == 5


def test_months_without_anything_are_there_too(app: Flask, owner: UserId, account: AccountId) -> None:
    with app.app_context():
        wide = scope(app, owner, since=dt.date(2025, 12, 1), until=dt.date(2026, 5, 4))
        assert [one.first.month for one in figures.cash_flow(wide)] == [12, 1, 2, 3, 4, 5]
        assert figures.cash_flow(scope(app, owner, until=dt.date(2020, 1, 1))) == []


def test_categories_sum_up_to_their_groups(app: Flask, owner: UserId, account: AccountId) -> None:
    catalogue = Catalogue()
    with app.app_context():
        parts = figures.get_user_spending_by_category(scope(app, owner), catalogue)
        assert [(part.category.code, part.spent.minor, part.count) for part in parts] == [
            ("FOOD_AND_DRINK_GROCERIES", 8_000, 2),
            ("FOOD_AND_DRINK_COFFEE", 450, 1),
        ]
        [group] = figures.by_group(parts, catalogue)
        assert (group.category.code, group.spent.minor, group.count) == ("FOOD_AND_DRINK", 8_450, 3)


def test_what_a_person_hides_or_decides_counts_so(
    app: Flask, desk: Desk, owner: UserId, account: AccountId
) -> None:
    hidden, decided = desk.transactions(
        account, [{"amount_minor": -7_777, **COFFEE}, {"amount_minor": -100, **COFFEE}]
    )
    desk.put(
        TransactionChoice(transaction_id=hidden, user_id=desk.owner, hidden=True, tags=[]),
        TransactionChoice(transaction_id=decided, user_id=desk.owner, category="TRAVEL_FLIGHTS", tags=[]),
    )
    with app.app_context():
        parts = figures.get_user_spending_by_category(scope(app, owner), Catalogue())
        assert {part.category.code: part.spent.minor for part in parts} == {
            "FOOD_AND_DRINK_GROCERIES": 8_000,
            "FOOD_AND_DRINK_COFFEE": 450,
            "TRAVEL_FLIGHTS": 100,
        }


def test_coins_and_unknown_currencies_are_drawn_by_their_figures(ada: Browser, desk: Desk) -> None:
    account = desk.account()
    rows = [{"amount_minor": -5_000, "currency": code, **COFFEE} for code in ("*BTC", "?")]
    desk.transactions(account, rows)
    for code in ("*BTC", "?"):
        page = ada.get("/reports/cash-flow", query_string={"currency": code})
        assert page.status_code == 200
        assert "XXX" not in page.text
        assert "¤" not in page.text


def test_what_lies_in_the_rest_of_a_month_is_nowhere(app: Flask, owner: UserId, desk: Desk) -> None:
    """Of most of a month the whole is read and the other days are taken off: nothing of them may be left."""
    account, last = desk.account(), dt.date(2026, 4, 30)
    rows = [{"date": last, **COFFEE}, {"date": last, "currency": "EUR", **COFFEE}, {"date": last, **WAGES}]
    desk.transactions(account, [{"amount_minor": -700, **row} for row in rows])
    with app.app_context():
        most = scope(app, owner, since=dt.date(2026, 4, 1), until=last - dt.timedelta(days=1))
        assert figures.get_user_spending_by_category(most, Catalogue()) == []
        assert figures.spending_by_month(most, Catalogue()) == {}
        assert figures.get_user_transaction_count(most) == 0
        anything = replace(most, since=None, currency=None)
        assert figures.currencies(anything) == []
        assert figures.get_user_spending(anything) == ()
        assert figures.cash_flow(replace(most, since=None)) == []


def test_sums_of_several_currencies_are_refused(app: Flask, owner: UserId) -> None:
    with app.app_context(), pytest.raises(ValueError, match="several currencies"):
        figures.cash_flow(scope(app, owner, currency=None))


def test_every_page_is_there_without_a_bank_and_with_one(ada: Browser, desk: Desk) -> None:
    assert ada.get("/reports").status_code == 303
    for page in PAGES:
        assert "No " in words(ada, f"/reports/{page}") or "Nothing" in words(ada, f"/reports/{page}")
    account = desk.account()
    desk.transactions(account, [{"amount_minor": -1_000, **COFFEE}])
    for page in PAGES:
        words(ada, f"/reports/{page}?period=all&account={account}&currency=USD")


def test_a_report_tells_one_currency_and_leads_to_its_rows(ada: Browser, account: AccountId) -> None:
    page = words(ada, "/reports/cash-flow?period=3-months")
    assert "$3,000.00" in page
    assert "$84.50" in page
    assert "€20.00" in words(ada, "/reports/cash-flow?currency=EUR")
    spending = ada.get("/reports/spending").text
    links = [html.unescape(found) for found in re.findall(r'href="(/transactions\?[^"]*)"', spending)]
    link = next(found for found in links if "FOOD_AND_DRINK_GROCERIES" in found)
    behind = words(ada, link)
    assert "Fernhill" in behind
    assert "Corner Bean" not in behind


@pytest.mark.parametrize(
    "query", ["period=never", "account=acc_nobodys", "currency=XXX", "period=" + "x" * 3000]
)
def test_nonsense_in_the_address_is_left_out(ada: Browser, account: AccountId, query: str) -> None:
    assert "$84.50" in words(ada, f"/reports/cash-flow?{query}")


def test_somebody_elses_money_is_in_no_report(app: Flask, account: AccountId) -> None:
    ben = factories.sign_in(app, factories.make_person(app, BEN))
    for page in PAGES:
        assert "Fernhill" not in words(ben, f"/reports/{page}?period=all&account={account}")
    assert ben.get(f"/accounts/{account}").status_code == 404


def test_the_dashboard_compares_this_month_with_the_same_days_of_the_last(
    ada: Browser, desk: Desk, account: AccountId
) -> None:
    desk.transactions(
        account,
        [
            {"amount_minor": -10_000, "date": dt.date(2026, 4, 3), **COFFEE},
            {"amount_minor": -99_900, "date": dt.date(2026, 4, 29), **COFFEE},
        ],
    )
    page = words(ada, "/")
    assert "$4.50" in page
    assert "$100.00 by this day last month" in page
    assert "Corner Bean" in page


def test_on_any_day_the_last_month_counts_as_far_as_the_same_day(
    app: Flask, owner: UserId, desk: Desk
) -> None:
    april = [dt.date(2026, 4, day) for day in range(1, 31)]
    desk.transactions(
        desk.account(), [{"date": day, "amount_minor": -(1 << day.day), **GROCERIES} for day in april]
    )
    for today in (dt.date(2026, 5, day) for day in (1, 15, 16, 29, 30, 31)):
        with app.test_request_context("/"):
            found = dashboard.of(owner, environment="simulator", today=today).spent
        assert found.before.minor == sum(1 << day.day for day in april if day.day <= today.day), today


def test_an_account_has_a_page_with_its_rows(ada: Browser, account: AccountId) -> None:
    page = words(ada, f"/accounts/{account}")
    assert "$1,000.00" in page
    assert "Corner Bean" in page
    assert f"/accounts/{account}" in ada.get("/accounts").text
    assert ada.get("/accounts/acc_none").status_code == 404


def test_a_long_history_is_told_by_year(ada: Browser, desk: Desk) -> None:
    account = desk.account()
    desk.transactions(
        account, [{"amount_minor": -1_000, "date": dt.date(year, 6, 1), **COFFEE} for year in (1900, 2026)]
    )
    assert "1900" in words(ada, "/reports/cash-flow?period=all")
    assert ada.get("/reports/spending?period=all").status_code == 200
    assert ada.get("/reports/net-worth?period=all").status_code == 200
