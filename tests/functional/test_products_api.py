"""The JSON API of debts, investments and recurring payments: exact numbers, nobody else's rows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.services import services
from tests import factories
from tests.factories import BEN
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running
    from tests.support.browser import Browser

PATHS = ("liabilities", "investments", "recurring")


@pytest.fixture
def ada(app: Flask, plaid: Running, jobs: InlineJobs) -> Browser:
    """Ada, signed in, with a household's bank."""
    person = factories.make_person(app)
    with app.app_context():
        Bank(services(), plaid, jobs, person, username="user_household")
    return factories.sign_in(app, person)


def get(browser: Browser, path: str) -> dict[str, Any]:
    answer = browser.get(f"/api/plaid/{path}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = json.loads(answer.get_data(as_text=True), parse_float=Decimal)
    return found


def test_liabilities_tell_rates_dues_and_payments(ada: Browser) -> None:
    answer = get(ada, "liabilities")
    by_kind = {row["kind"]: row for row in answer["liabilities"]}
    card = by_kind["credit"]
    assert {apr["type"] for apr in card["aprs"]} >= {"purchase_apr", "cash_apr"}
    assert card["rate_percent"] == Decimal("21.49")
    assert card["minimum_payment"] > 0
    assert card["next_due_on"] > "2026-01-01"
    assert card["currency"] == "USD"
    assert by_kind["mortgage"]["next_payment"] == Decimal("2277.19")
    [state] = answer["products"]
    assert (state["product"], state["error_code"], state["set_aside"]) == ("liabilities", None, 0)
    assert state["last_good_at"] is not None
    one = get(ada, f"liabilities?account_id={card['account_id']}")["liabilities"]
    assert [row["id"] for row in one] == [card["id"]]


def test_investments_tell_holdings_with_their_gain_and_page_through_movements(ada: Browser) -> None:
    answer = get(ada, "investments?limit=2")
    for row in answer["holdings"]:
        assert row["gain"] == row["value"] - row["cost_basis"]
        assert row["name"]
    seen = [row["id"] for row in answer["transactions"]]
    while answer["next"]:
        answer = get(ada, f"investments?limit=2&after={answer['next']}")
        seen += [row["id"] for row in answer["transactions"]]
    everything = get(ada, "investments?limit=500")["transactions"]
    assert seen == [row["id"] for row in everything]
    assert [row["date"] for row in everything] == sorted((row["date"] for row in everything), reverse=True)
    assert {row["amount"] < 0 for row in everything if row["subtype"] == "buy"} == {True}


def test_recurring_separates_what_comes_from_what_goes(ada: Browser) -> None:
    answer = get(ada, "recurring")
    assert all(row["average_amount"] > 0 for row in answer["inflow"])
    assert all(row["average_amount"] < 0 for row in answer["outflow"])
    assert answer["inflow"]
    assert answer["outflow"]


@pytest.mark.parametrize("path", PATHS)
def test_a_stranger_reads_nothing_of_it(app: Flask, ada: Browser, path: str) -> None:
    ben = factories.sign_in(app, factories.make_person(app, BEN))
    account = get(ada, "accounts")["accounts"][0]["id"]
    for query in (path, f"{path}?account_id={account}"):
        answer = get(ben, query)
        assert not any(answer[key] for key in answer if key != "success")


@pytest.mark.parametrize("path", PATHS)
def test_a_visitor_is_asked_to_sign_in(browser: Browser, path: str) -> None:
    assert browser.get(f"/api/plaid/{path}").status_code == 401


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "account_id=" + "x" * 300])
def test_bad_arguments_are_told(ada: Browser, query: str) -> None:
    answer = ada.get(f"/api/plaid/investments?{query}")
    assert answer.status_code == 400
    assert answer.get_json()["error"]["fields"]
