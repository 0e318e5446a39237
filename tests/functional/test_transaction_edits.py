"""Editing from the pages: one, the ticked ones, the whole list, and back again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from mingus.plaid.ledger import TransactionChoice
from mingus.services import services
from tests import factories
from tests.support.books import Desk
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from mingus.plaid.ledger import TransactionId
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


def category(desk: Desk, row: TransactionId) -> str | None:
    found = desk.read(TransactionChoice, row)
    return found.category if found is not None else None


def undo_address(answer: TestResponse) -> str:
    found = re.search(r'action="(/transactions/edits/[^"]+/undo)"', answer.get_data(as_text=True))
    assert found is not None
    return found[1]


def test_ticked_ones_are_categorised_and_undone_without_scripts(
    desk: Desk, window: Browser, account: AccountId
) -> None:
    rows = desk.transactions(account, [{}, {}, {}])
    back = "/transactions?q=coffee"
    answer = window.submit("/transactions/edit", transaction=rows[:2], category="TRAVEL", next=back)
    assert (answer.status_code, answer.location) == (303, back)
    assert [category(desk, row) for row in rows] == ["TRAVEL", "TRAVEL", None]
    page = window.get(back)
    assert "2 transactions changed" in text_of(page)
    window.submit(undo_address(page), next=back)
    assert [category(desk, row) for row in rows] == [None, None, None]
    assert "2 transactions are as they were" in text_of(window.get(back))


def test_all_of_the_list_means_all_that_its_filters_leave(
    desk: Desk, window: Browser, account: AccountId
) -> None:
    rows = desk.transactions(account, [{"name": "Bakery"} for _ in range(70)])
    other = desk.transaction(account, name="Butcher")
    window.submit(
        "/transactions/edit", all="1", filter="q=bakery", transaction=rows[0], tag="bread", do="tag"
    )
    assert all((choice := desk.read(TransactionChoice, row)) and choice.tags == ["bread"] for row in rows)
    assert desk.read(TransactionChoice, other) is None
    window.submit("/transactions/edit", all="1", filter="tag=bread", tag="bread", do="untag")
    assert "Nothing matches" in text_of(window.get("/transactions?tag=bread"))


def test_hidden_ones_leave_the_list_and_its_totals(desk: Desk, window: Browser, account: AccountId) -> None:
    row = desk.transaction(account, -4_200, "Secret")
    desk.transaction(account, -100, "Bread")
    window.submit("/transactions/edit", transaction=row, do="hide")
    read = text_of(window.get("/transactions"))
    assert "Secret" not in read
    assert "Out −$1.00" in read
    assert "Secret" in text_of(window.get("/transactions?hidden=1"))
    window.submit("/transactions/edit", transaction=row, do="show")
    assert "Secret" in text_of(window.get("/transactions"))


@pytest.mark.parametrize("fields", [{}, {"do": "tag", "tag": " , "}, {"do": "explode"}])
def test_a_press_that_asks_for_nothing_changes_nothing(
    desk: Desk, window: Browser, account: AccountId, fields: dict[str, str]
) -> None:
    row = desk.transaction(account)
    assert window.submit("/transactions/edit", transaction=row, **fields).status_code == 303
    assert desk.read(TransactionChoice, row) is None
    assert "Nothing was changed" in text_of(window.get("/transactions"))


def test_one_transaction_is_edited_on_its_page(desk: Desk, window: Browser, account: AccountId) -> None:
    row = desk.transaction(account, name="SQ *COFFEE", category="FOOD_AND_DRINK")
    wish = {
        "category": "TRAVEL",
        "name": "Airport coffee",
        "tags": "trip, #work",
        "notes": "before the flight",
    }
    answer = window.submit(f"/transactions/{row}/edit", **wish)
    assert answer.location == f"/transactions/{row}"
    read = text_of(window.get(f"/transactions/{row}"))
    assert all(
        word in read for word in ("Airport coffee", "SQ *COFFEE", "#trip", "#work", "before the flight")
    )
    listed = text_of(window.get("/transactions"))
    assert "Airport coffee" in listed
    assert "has a note" in listed
    window.submit(f"/transactions/{row}/edit", category="", name="", tags="", notes="")
    assert "SQ *COFFEE Food and drink" in text_of(window.get("/transactions"))


def test_a_wrong_value_is_shown_at_its_field(desk: Desk, window: Browser, account: AccountId) -> None:
    row = desk.transaction(account)
    answer = window.submit(f"/transactions/{row}/edit", category="NO_SUCH", name="n" * 201)
    assert answer.status_code == 422
    assert answer.get_data(as_text=True).count('aria-invalid="true"') == 2
    assert desk.read(TransactionChoice, row) is None


def test_a_transfer_is_shown_on_both_sides_and_undone(app: Flask, desk: Desk, window: Browser) -> None:
    one = desk.transaction(desk.account(name="Here"), -5_000, "Out", category="TRANSFER_OUT")
    two = desk.transaction(desk.account(name="There"), 5_000, "In", category="TRANSFER_IN")
    with app.app_context():
        services().transfers.pair(desk.owner, [one])
    assert text_of(window.get("/transactions")).count("Transfer") >= 2
    page = window.get(f"/transactions/{one}")
    assert f"/transactions/{two}" in page.get_data(as_text=True)
    assert window.submit(f"/transactions/{two}/no-transfer").status_code == 303
    after = window.get(f"/transactions/{two}")
    assert "Both sides count again" in text_of(after)
    assert "between your accounts" not in text_of(after)
    window.submit(f"/transactions/{two}/a-transfer", next=f"/transactions/{two}")
    assert "between your accounts" in text_of(window.get(f"/transactions/{one}"))


def test_somebody_elses_are_not_found(app: Flask, desk: Desk, window: Browser, account: AccountId) -> None:
    row = desk.transaction(account)
    window.submit("/transactions/edit", transaction=row, category="TRAVEL")
    undo = undo_address(window.get("/transactions"))
    ben = factories.sign_in(app, factories.make_person(app, factories.BEN))
    assert ben.submit(f"/transactions/{row}/edit", category="MEDICAL").status_code == 404
    assert ben.submit(undo).status_code == 404
    ben.submit("/transactions/edit", transaction=row, category="MEDICAL")
    assert category(desk, row) == "TRAVEL"


def test_the_api_decides_what_the_page_does(
    app: Flask, desk: Desk, window: Browser, account: AccountId
) -> None:
    row = desk.transaction(account, name="SQ *COFFEE", category="FOOD_AND_DRINK")
    url = f"/api/plaid/transactions/{row}"
    answer = window.send_json(url, {"category": "TRAVEL", "tags": ["trip"], "hidden": False}, method="PATCH")
    assert answer.get_json()["changed"] == 1
    listed = window.get("/api/plaid/transactions").get_json()["transactions"]
    assert listed[0]["category"] == ["TRAVEL"]
    assert window.send_json(url, {"category": None}, method="PATCH").status_code == 200
    assert category(desk, row) is None
    wrong = window.send_json(url, {"name": "n" * 201, "notes": "n" * 4_001}, method="PATCH")
    assert wrong.status_code == 400
    assert set(wrong.get_json()["error"]["fields"]) == {"name", "notes"}
    assert window.send_json(url, {"amount": 1}, method="PATCH").status_code == 400
    assert window.send_json(url, {"category": "NO_SUCH"}, method="PATCH").status_code == 422
    ben = factories.sign_in(app, factories.make_person(app, factories.BEN))
    assert ben.send_json(url, {"name": "x"}, method="PATCH").status_code == 404
