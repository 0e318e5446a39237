"""The settings pages of rules and categories: written, previewed, applied, refused at their fields."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from mingus.plaid.ledger import TransactionChoice
from tests import factories
from tests.support.books import Desk
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask

    from mingus.plaid.models import AccountId
    from tests.support.browser import Browser

PLAIN = {"direction": "", "account": "", "category": ""}


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(app, factories.make_person(app))


@pytest.fixture
def account(desk: Desk) -> AccountId:
    return desk.account()


@pytest.fixture
def window(app: Flask, desk: Desk) -> Browser:
    return factories.sign_in(app, desk.owner)


def rule_address(window: Browser) -> str:
    found = re.search(
        r'href="(/settings/rules/rul_[^"]+)"', window.get("/settings/rules").get_data(as_text=True)
    )
    assert found is not None
    return found[1]


def test_a_rule_is_previewed_saved_and_applied_to_the_past(
    desk: Desk, window: Browser, account: AccountId
) -> None:
    row = desk.transaction(account, name="SQ *TACOS")
    desk.transaction(account, name="Bread")
    assert "No rule yet" in text_of(window.get("/settings/rules"))
    fields = {**PLAIN, "text": "tacos", "category": "FOOD_AND_DRINK", "tags": "lunch"}
    preview = window.submit("/settings/rules/new", **fields, preview="1")
    assert "It meets 1 transaction" in text_of(preview)
    assert "SQ *TACOS" in text_of(preview)
    assert desk.read(TransactionChoice, row) is None
    saved = window.submit("/settings/rules/new", **fields, past="y", submit="1")
    assert (saved.status_code, saved.location) == (303, "/settings/rules")
    read = text_of(window.get("/settings/rules"))
    assert "1 transaction changed. Undo" in read
    assert "the text has “tacos”" in read
    assert "#lunch" in read
    found = desk.read(TransactionChoice, row)
    assert found is not None
    assert (found.category, found.tags) == ("FOOD_AND_DRINK", ["lunch"])


def test_a_rule_is_changed_and_deleted(desk: Desk, window: Browser, account: AccountId) -> None:
    fields = {
        **PLAIN,
        "merchant": "Blue",
        "least": "5",
        "direction": "out",
        "account": account,
        "name": "Coffee",
    }
    window.submit("/settings/rules/new", **fields)
    address = rule_address(window)
    page = window.get(address).get_data(as_text=True)
    assert 'value="Blue"' in page
    assert 'value="Coffee"' in page
    window.submit(address, **{**fields, "merchant": "Bottle"})
    read = text_of(window.get("/settings/rules"))
    assert all(part in read for part in ("has “Bottle”", "at least 5", "money goes out", "on Checking"))
    window.submit(f"{address}/delete")
    assert "No rule yet" in text_of(window.get("/settings/rules"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"category": "TRAVEL"}, "Say which transactions"),
        ({"text": "tacos"}, "Say what is to be so"),
        ({"text": "x", "category": "TRAVEL", "least": "ten"}, "This is no amount"),
        ({"text": "x", "category": "TRAVEL", "least": "-1"}, "without its sign"),
        ({"text": "x", "category": "cat_bens"}, "Not a valid choice"),
        ({"text": "x", "category": "TRAVEL", "account": "acc_bens"}, "Not a valid choice"),
    ],
)
def test_a_rule_that_says_too_little_or_too_much_is_refused(
    window: Browser, fields: dict[str, str], told: str
) -> None:
    answer = window.submit("/settings/rules/new", **{**PLAIN, **fields})
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert "No rule yet" in text_of(window.get("/settings/rules"))


def test_a_rule_begins_with_what_one_transaction_is_like(
    app: Flask, desk: Desk, window: Browser, account: AccountId
) -> None:
    row = desk.transaction(account, merchant_name="Blue Bottle")
    window.submit(f"/transactions/{row}/edit", category="TRAVEL", name="", tags="", notes="")
    page = window.get(f"/settings/rules/new?from={row}")
    assert 'value="Blue Bottle"' in page.get_data(as_text=True)
    assert '<option selected value="TRAVEL">' in page.get_data(as_text=True)
    assert "It meets 1 transaction" in text_of(page)
    ben = factories.sign_in(app, factories.make_person(app, factories.BEN))
    assert "Blue Bottle" not in ben.get(f"/settings/rules/new?from={row}").get_data(as_text=True)


def test_an_own_category_is_made_used_renamed_and_deleted(
    desk: Desk, window: Browser, account: AccountId
) -> None:
    looks = {"parent": "GENERAL_MERCHANDISE", "icon": "dog", "hue": "lime"}
    window.submit("/settings/categories/new", name="Pets", **looks)
    page = window.get("/settings/categories").get_data(as_text=True)
    found = re.search(r'href="/settings/categories/(cat_[^"]+)"', page)
    assert found is not None
    row = desk.transaction(account, name="KIBBLE")
    window.submit("/transactions/edit", transaction=row, category=found[1])
    assert "KIBBLE Pets" in text_of(window.get("/transactions?category=GENERAL_MERCHANDISE"))
    again = window.submit("/settings/categories/new", name="Pets", **looks)
    assert again.status_code == 409
    assert "of that name already" in text_of(again)
    window.submit(f"/settings/categories/{found[1]}", name="Dogs", **looks)
    assert "KIBBLE Dogs" in text_of(window.get("/transactions"))
    window.submit(f"/settings/categories/{found[1]}/delete")
    assert "KIBBLE Uncategorised" in text_of(window.get("/transactions"))
    assert window.submit("/settings/categories/new", name="", **looks).status_code == 422


def test_nobody_elses_rules_and_categories_are_found(app: Flask, window: Browser) -> None:
    window.submit("/settings/rules/new", **{**PLAIN, "text": "x", "category": "TRAVEL"})
    address = rule_address(window)
    ben = factories.sign_in(app, factories.make_person(app, factories.BEN))
    assert ben.get(address).status_code == 404
    assert ben.submit(f"{address}/delete").status_code == 404
    assert ben.get("/settings/categories/cat_x").status_code == 404
    assert ben.submit("/settings/categories/cat_x/delete").status_code == 404
