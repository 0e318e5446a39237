"""What is filtered, as a file: exact, complete, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

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
            "tags": ["a", "b"],
            "notes": "n",
            "id": row,
        }
    ]


def test_an_empty_list_is_an_empty_file_and_another_kind_is_none(window: Browser) -> None:
    assert rows(window) == []
    assert json.loads(window.get("/transactions/export.json").get_data())["transactions"] == []
    assert window.get("/transactions/export.exe").status_code == 404
