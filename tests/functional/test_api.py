"""The JSON API: connect, read, sync; exact numbers, strict input, nobody else's rows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.db import db
from mingus.plaid.models import PlaidConnection
from tests import factories
from tests.factories import BEN
from tests.support.bank import items_at
from tests.support.bank import public_token
from tests.support.bank import tell_plaid

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running
    from tests.support.browser import Browser


@pytest.fixture
def ada(app: Flask) -> Browser:
    return factories.sign_in(app, factories.make_person(app))


@pytest.fixture
def ben(app: Flask) -> Browser:
    return factories.sign_in(app, factories.make_person(app, BEN))


def get(browser: Browser, path: str) -> dict[str, Any]:
    answer = browser.get(f"/api/plaid/{path}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = json.loads(answer.get_data(as_text=True), parse_float=Decimal)
    assert found["success"] is True
    return found


def connect(browser: Browser, plaid: Running, jobs: InlineJobs) -> dict[str, Any]:
    started = browser.send_json("/api/plaid/link-token", {}).get_json()
    assert set(started) >= {"success", "link_token", "expiration", "request_id", "link_id"}
    body = {
        "public_token": public_token(plaid, override_username="user_transactions_dynamic"),
        "metadata": {},
    }
    answer = browser.send_json("/api/plaid/connect", {**body, "link_id": started["link_id"]})
    assert answer.status_code == 200
    jobs.run_all()
    found: dict[str, Any] = answer.get_json()
    return found


def test_a_bank_is_connected_read_synced_and_ended(
    app: Flask, ada: Browser, plaid: Running, jobs: InlineJobs
) -> None:
    linked = connect(ada, plaid, jobs)
    assert set(linked) == {"success", "message", "connection_id", "accounts_count", "institution_name"}
    accounts = get(ada, "accounts")["accounts"]
    assert len(accounts) == linked["accounts_count"]
    assert get(ada, "connections")["connections"][0]["health"] == "HEALTHY"
    with app.app_context():
        item = db.session.query(PlaidConnection).one().plaid_item_id
    tell_plaid(plaid, f"/control/items/{item}/do/spend", {"amount": 12.34})
    requested = ada.send_json("/api/plaid/transactions/sync", {})
    assert requested.status_code == 202
    jobs.run_all()
    assert get(ada, f"syncs/{requested.get_json()['sync_id']}")["status"] == "success"
    assert get(ada, "transactions?pending=true&search=&limit=500")["transactions"][0]["currency"] == "USD"
    amounts = {row["amount"] for row in get(ada, "transactions?limit=500")["transactions"]}
    assert Decimal("-12.34") in amounts
    ended = ada.send_json(f"/api/plaid/connections/{linked['connection_id']}", None, method="DELETE")
    assert ended.status_code == 200
    jobs.run_all()
    assert items_at(plaid) == []


def test_pages_by_key_show_every_transaction_once(ada: Browser, plaid: Running, jobs: InlineJobs) -> None:
    connect(ada, plaid, jobs)
    whole = get(ada, "transactions?limit=500")
    ids, after = [], ""
    while True:
        page = get(ada, f"transactions?limit=7{after}")
        ids += [row["id"] for row in page["transactions"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert ids == [row["id"] for row in whole["transactions"]]
    assert len(ids) == len(set(ids)) == whole["total_count"]
    days = [row["date"] for row in whole["transactions"]]
    assert days == sorted(days, reverse=True)


def test_filters_narrow_and_their_wrong_values_are_told_together(
    ada: Browser, plaid: Running, jobs: InlineJobs
) -> None:
    connect(ada, plaid, jobs)
    every = get(ada, "transactions?limit=500")["transactions"]
    spent = get(ada, "transactions?max_amount=-0.01&limit=500")["transactions"]
    assert spent == [row for row in every if row["amount"] < 0]
    word = every[0]["name"].split()[0]
    assert every[0]["id"] in {
        row["id"] for row in get(ada, f"transactions?search={word.lower()}")["transactions"]
    }
    assert (
        get(ada, "transactions?search=%25")["transactions"]
        == [row for row in every if "%" in row["name"]][:100]
    )
    wrong = ada.get(
        "/api/plaid/transactions?start_date=2026-02-30&limit=501&pending=maybe&min_amount=ten&offset=-1"
    )
    assert wrong.status_code == 400
    assert set(wrong.get_json()["error"]["fields"]) == {
        "start_date",
        "limit",
        "pending",
        "min_amount",
        "offset",
    }


@pytest.mark.parametrize(
    "path", ["accounts/{account}/balance", "connections/{connection}/health", "syncs/{sync}"]
)
def test_somebody_elses_rows_look_like_none(
    ada: Browser, ben: Browser, plaid: Running, jobs: InlineJobs, path: str
) -> None:
    linked = connect(ada, plaid, jobs)
    names = {
        "account": get(ada, "accounts")["accounts"][0]["id"],
        "connection": linked["connection_id"],
        "sync": get(ada, "sync-logs")["sync_logs"][0]["sync_id"],
    }
    foreign = ben.get(f"/api/plaid/{path.format(**names)}")
    missing = ben.get(f"/api/plaid/{path.format(account='acc_x', connection='con_x', sync='sync_x')}")
    assert foreign.status_code == missing.status_code == 404
    assert get(ben, "transactions")["transactions"] == []
    for method, target in (("DELETE", ""), ("POST", "/reauth")):
        answer = ben.send_json(f"/api/plaid/connections/{linked['connection_id']}{target}", {}, method=method)
        assert answer.status_code == 404
    assert get(ada, "connections")["connections"][0]["state"] == "healthy"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "public_token"),
        ({"public_token": 5}, "public_token"),
        ({"public_token": ""}, "public_token"),
        ({"public_token": "x", "surprise": 1}, "surprise"),
        (["x"], "body"),
        ("x", "body"),
    ],
)
def test_a_body_that_does_not_fit_names_the_field(ada: Browser, body: Any, field: str) -> None:
    answer = ada.send_json("/api/plaid/connect", body)
    assert answer.status_code == 400
    assert field in answer.get_json()["error"]["fields"]


def test_other_kinds_of_body_and_no_session_are_refused(ada: Browser, browser: Browser) -> None:
    headers = {"X-CSRFToken": ada.csrf_token(), "Accept": "application/json"}
    assert ada.post("/api/plaid/connect", data="public_token=x", headers=headers).status_code == 415
    broken = ada.post("/api/plaid/connect", data="{", headers=headers, content_type="application/json")
    assert broken.get_json()["error"]["fields"] == {"body": "is not JSON"}
    assert browser.get("/api/plaid/accounts").status_code == 401
    assert ada.post("/api/plaid/link-token", headers={"Accept": "application/json"}).status_code == 400


def test_sync_now_has_a_cool_down(ada: Browser, plaid: Running, jobs: InlineJobs) -> None:
    connect(ada, plaid, jobs)
    answers = [ada.send_json("/api/plaid/transactions/sync", {}).status_code for _ in range(100)]
    assert answers.count(202) == 5
    assert set(answers) == {202, 429}


def test_searching_banks_finds_them(ada: Browser, plaid: Running) -> None:
    found = get(ada, "institutions/search?query=platypus")["institutions"]
    assert "First Platypus Bank" in {bank["name"] for bank in found}
    assert ada.get("/api/plaid/institutions/search").status_code == 400
