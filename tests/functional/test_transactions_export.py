"""What is filtered, as a file: exact, complete, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any

import pytest
from beancount import loader
from beancount.core import data
from ofxtools.Parser import OFXTree

from tests import factories
from tests.support.books import Desk

if TYPE_CHECKING:
    from flask import Flask

    from mingus.plaid.models import AccountId
    from tests.support.browser import Browser


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(app, factories.make_person(app))


@pytest.fixture
def account(desk: Desk) -> AccountId:
    return desk.account()


@pytest.fixture
def window(app: Flask, desk: Desk) -> Browser:
    return factories.sign_in(app, desk.owner)


def rows(window: Browser, query: str = "") -> list[dict[str, str]]:
    answer = window.get(f"/transactions/export.csv{query}")
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="transactions-2026-05-04.csv"'
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"])
def test_no_text_is_a_formula_and_amounts_stay_numbers(
    desk: Desk, window: Browser, account: AccountId, text: str
) -> None:
    desk.transaction(account, -1_250, text)
    (row,) = rows(window)
    assert row["bank_text"] == f"'{text}"
    assert Decimal(row["amount"]) == Decimal("-12.50")


def test_the_file_holds_what_the_filters_leave_however_much_it_is(
    desk: Desk, window: Browser, account: AccountId
) -> None:
    desk.transactions(account, [{"name": f"Bakery {number}"} for number in range(1_203)])
    desk.transaction(account, name="Butcher")
    found = rows(window, "?q=bakery")
    assert len(found) == len({row["id"] for row in found}) == 1_203
    assert len(rows(window)) == 1_204


def test_json_has_every_field_exact(desk: Desk, window: Browser, account: AccountId) -> None:
    row = desk.transaction(account, -1, "Tea", category="FOOD_AND_DRINK", currency="KWD")
    window.submit(f"/transactions/{row}/edit", category="", name="Té", tags="a, b", notes="n")
    found = json.loads(window.get("/transactions/export.json").get_data(as_text=True))
    assert found["schema"] == "mingus/transactions/1"
    assert found["transactions"] == [
        {
            "date": "2026-05-04",
            "name": "Té",
            "bank_text": "Tea",
            "merchant": None,
            "amount": "-0.001",
            "currency": "KWD",
            "category": "Food and drink",
            "group": "Food and drink",
            "account": "Checking",
            "bank": "First Platypus Bank",
            "pending": False,
            "transfer": False,
            "hidden": False,
            "tags": ["a", "b"],
            "notes": "n",
            "id": row,
        }
    ]


def test_an_empty_list_is_an_empty_file_and_another_kind_is_none(window: Browser) -> None:
    assert rows(window) == []
    assert json.loads(window.get("/transactions/export.json").get_data())["transactions"] == []
    assert window.get("/transactions/export.exe").status_code == 404


def statements(window: Browser, query: str = "") -> list[Any]:
    answer = window.get(f"/transactions/export.ofx{query}")
    parser = OFXTree()
    parser.parse(io.BytesIO(answer.get_data()))
    return list(parser.convert().statements)


def test_a_finance_program_reads_the_statements_exactly(desk: Desk, window: Browser) -> None:
    checking = desk.account(current_minor=50_000)
    card = desk.account(type="credit", subtype="credit card", current_minor=-4_000, currency="JPY")
    coins = desk.account(currency="*BTC", current_minor=1)
    row = desk.transaction(checking, -1_250, "<Café> & Söhne ]]> \x0b" + "long " * 80)
    desk.transaction(checking, 5, "Euros", currency="EUR", date=dt.date(2026, 1, 2))
    desk.transaction(checking, -700, "Not yet", pending=True)
    desk.transaction(card, -4_000, "Ramen")
    desk.transaction(coins, 7, "Mined")
    euros, dollars, yen = statements(window)
    assert (euros.curdef, [one.trnamt for one in euros.transactions]) == ("EUR", [Decimal("0.05")])
    (one,) = dollars.transactions
    assert (one.trnamt, one.fitid, one.trntype) == (Decimal("-12.50"), row, "DEBIT")
    assert one.name == "<Café> & Söhne ]]> long long lon"
    assert len(one.memo) == 255
    assert (dollars.balance.balamt, dollars.curdef) == (Decimal(500), "USD")
    assert ([one.trnamt for one in yen.transactions], yen.balance.balamt) == (
        [Decimal(-4000)],
        Decimal(-4000),
    )
    assert "not in OFX" in window.get("/transactions/export.ofx").get_data(as_text=True)


def test_statements_of_nothing_are_a_valid_document(window: Browser) -> None:
    assert statements(window) == []
    assert statements(window, "?pending=1") == []


def ledger(text: str) -> tuple[list[Any], list[Any]]:
    entries, errors, _ = loader.load_string(text)
    return entries, errors


def test_a_narrowed_ledger_is_one_that_beancount_accepts(desk: Desk, window: Browser) -> None:
    checking, twin = desk.account(name='日本 "x"'), desk.account(name='日本 "x"')
    desk.transaction(checking, -1_250, 'Say "hi" \\ there\n', category="FOOD_AND_DRINK")
    desk.transaction(checking, 99_00, "Pay", category="INCOME", category_detailed="INCOME_WAGES")
    desk.transaction(twin, 3, "?", currency="?")
    desk.transaction(twin, 5, "coin", currency="*USD")
    desk.transaction(twin, 5, "odd", currency="1A-")
    entries, errors = ledger(window.get("/transactions/export.beancount").get_data(as_text=True))
    assert errors == []
    bookings = [one for one in entries if isinstance(one, data.Transaction)]
    accounts = {posting.account for one in bookings for posting in one.postings}
    assert {"Expenses:Food-and-drink", "Income:Income:Wages"} <= accounts
    assert len({name for name in accounts if name.startswith("Assets:")}) == 2
    assert len(bookings) == 5
    assert 'Say "hi" \\ there' in {one.payee for one in bookings}
