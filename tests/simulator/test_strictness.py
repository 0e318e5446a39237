"""Raw HTTP: what Plaid refuses, the simulator refuses with the same code."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.simulator.config import Config
from mingus.simulator.config import ConfigRefused
from mingus.simulator.errors import CATALOGUE

if TYPE_CHECKING:
    from tests.simulator.judged import Running

TOKEN = "access-sandbox-00000000-0000-4000-8000-000000000000"


def test_every_answer_has_its_own_request_id(simulator: Running) -> None:
    ids = [simulator.post(path)[1]["request_id"] for path in ("/item/get", "/nowhere", "/categories/get")]
    assert len(set(ids)) == 3
    assert {len(value) for value in ids} == {15}


def test_an_unknown_path_is_not_found(simulator: Running) -> None:
    status, answer = simulator.post("/transactions/synk", {"access_token": TOKEN})
    assert (status, answer["error_type"], answer["error_code"]) == (404, "INVALID_REQUEST", "NOT_FOUND")


def test_get_is_no_way_to_call_the_api(simulator: Running) -> None:
    connection = http.client.HTTPConnection(simulator.base_url.removeprefix("http://"))
    connection.request("GET", "/accounts/get")
    response = connection.getresponse()
    assert (response.status, json.loads(response.read())["error_code"]) == (404, "NOT_FOUND")
    connection.close()


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"text"', b"\xff\xfe", '{"a": NaN}', "{} trailing"])
def test_a_body_that_is_no_json_object_is_refused(simulator: Running, body: str | bytes) -> None:
    status, answer = simulator.post("/item/get", body or b" ")
    assert (status, answer["error_code"]) == (400, "INVALID_BODY")


def test_another_content_type_is_refused(simulator: Running) -> None:
    assert simulator.error("/item/get", {}, **{"Content-Type": "text/plain"}) == "INVALID_HEADERS"


@pytest.mark.parametrize(
    ("version", "code"), [("2018-05-22", "INCOMPATIBLE_API_VERSION"), ("x", "INVALID_HEADERS")]
)
def test_other_versions_are_refused(simulator: Running, version: str, code: str) -> None:
    assert simulator.error("/categories/get", {}, **{"Plaid-Version": version}) == code


def test_credentials_may_come_in_the_body(simulator: Running) -> None:
    none = {"PLAID-CLIENT-ID": "", "PLAID-SECRET": ""}
    body = {"client_id": "simulator", "secret": "simulator", "key_id": simulator.sim.keys.current}
    status, answer = simulator.post("/webhook_verification_key/get", body, **none)
    assert (status, answer["key"]["kid"]) == (200, simulator.sim.keys.current)


def test_missing_credentials_are_missing_fields(simulator: Running) -> None:
    status, answer = simulator.post("/item/get", {"access_token": TOKEN}, **{"PLAID-SECRET": ""})
    assert (status, answer["error_code"]) == (400, "MISSING_FIELDS")
    assert "secret" in answer["error_message"]


def test_wrong_credentials_are_wrong_keys_with_status_400(simulator: Running) -> None:
    status, answer = simulator.post("/item/get", {"access_token": TOKEN}, **{"PLAID-SECRET": "guess"})
    assert (status, answer["error_type"], answer["error_code"]) == (400, "INVALID_INPUT", "INVALID_API_KEYS")


def test_missing_and_unknown_fields_are_named(simulator: Running) -> None:
    status, answer = simulator.post("/item/get", {})
    assert (status, answer["error_code"]) == (400, "MISSING_FIELDS")
    assert "access_token" in answer["error_message"]
    body = {"access_token": TOKEN, "options": {"acount_ids": []}}
    status, answer = simulator.post("/accounts/get", body)
    assert (status, answer["error_code"]) == (400, "UNKNOWN_FIELDS")
    assert "options.acount_ids" in answer["error_message"]


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 0},
        {"count": 501},
        {"count": "10"},
        {"count": 1.5},
        {"count": True},
        {"cursor": 7},
        {"cursor": "x" * 257},
        {"options": []},
        {"options": {"days_requested": 731}},
        {"options": {"include_original_description": "yes"}},
        {"options": {"personal_finance_category_version": "v3"}},
        {"access_token": ""},
        {"access_token": None},
    ],
)
def test_mistyped_fields_are_invalid(simulator: Running, fields: dict[str, Any]) -> None:
    assert simulator.error("/transactions/sync", {"access_token": TOKEN, **fields}) == "INVALID_FIELD"


def test_null_in_an_optional_field_counts_as_absent(simulator: Running) -> None:
    token = simulator.link()
    page = simulator.ok("/transactions/sync", {"access_token": token, "cursor": None, "options": None})
    assert page["added"]


@pytest.mark.parametrize(
    "token", ["access-production-4034605a-491e-4424-bb22-76219fb1d300", "public-sandbox-1", "rubbish", TOKEN]
)
def test_foreign_tokens_are_invalid(simulator: Running, token: str) -> None:
    assert simulator.error("/item/get", {"access_token": token}) == "INVALID_ACCESS_TOKEN"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        (
            "/institutions/get_by_id",
            {"institution_id": "ins_0", "country_codes": ["US"]},
            "INVALID_INSTITUTION",
        ),
        ("/institutions/get", {"count": 1, "offset": 0}, "MISSING_FIELDS"),
        ("/institutions/get", {"count": 1, "offset": 0, "country_codes": []}, "INVALID_FIELD"),
        ("/institutions/search", {"query": "", "country_codes": ["US"]}, "INVALID_FIELD"),
        ("/institutions/search", {"query": "a", "country_codes": ["XX"]}, "INVALID_FIELD"),
        (
            "/institutions/search",
            {"query": "a", "country_codes": ["US"], "products": ["magic"]},
            "INVALID_PRODUCT",
        ),
    ],
)
def test_institution_requests_are_checked(
    simulator: Running, path: str, body: dict[str, Any], code: str
) -> None:
    assert simulator.error(path, body) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"institution_id": "ins_0"}, "INVALID_INSTITUTION"),
        ({"initial_products": []}, "INVALID_FIELD"),
        ({"initial_products": ["balance"]}, "INVALID_PRODUCT"),
        ({"initial_products": ["magic"]}, "INVALID_PRODUCT"),
        ({"institution_id": "ins_135858", "initial_products": ["investments"]}, "PRODUCTS_NOT_SUPPORTED"),
        ({"options": {"webhook": "ftp://x"}}, "INVALID_FIELD"),
        ({"options": {"override_username": "nobody"}}, "INVALID_CREDENTIALS"),
        ({"options": {"override_password": "wrong"}}, "INVALID_CREDENTIALS"),
        ({"options": {"override_password": "error_ITEM_LOCKED"}}, "ITEM_LOCKED"),
        ({"institution_id": "ins_132361"}, "INSTITUTION_DOWN"),
        ({"institution_id": "ins_133402"}, "INSTITUTION_NO_LONGER_SUPPORTED"),
    ],
)
def test_items_are_not_made_of_anything(simulator: Running, changes: dict[str, Any], code: str) -> None:
    body = {"institution_id": "ins_109508", "initial_products": ["transactions"], **changes}
    assert simulator.error("/sandbox/public_token/create", body) == code
    assert simulator.sim.items.all() == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"date_posted": "2026-05-05"}, "INVALID_FIELD"),
        ({"date_transacted": "2026-05-04", "date_posted": "2026-05-03"}, "INVALID_FIELD"),
        ({"date_transacted": "2023-01-01"}, "INVALID_FIELD"),
        ({"date_transacted": "2026-02-30"}, "INVALID_FIELD"),
        ({"amount": "12"}, "INVALID_FIELD"),
        ({"account_id": "nobody"}, "INVALID_ACCOUNT_ID"),
        ({"colour": "red"}, "UNKNOWN_FIELDS"),
    ],
)
def test_sandbox_transactions_are_checked(simulator: Running, row: dict[str, Any], code: str) -> None:
    good = {"date_transacted": "2026-05-01", "date_posted": "2026-05-01", "amount": 1, "description": "x"}
    body = {"access_token": simulator.link(), "transactions": [{**good, **row}]}
    assert simulator.error("/sandbox/transactions/create", body) == code
    body["transactions"] = [good] * 11
    assert simulator.error("/sandbox/transactions/create", body) == "INVALID_FIELD"


def test_products_that_nobody_consented_to_need_consent(simulator: Running) -> None:
    sim = simulator.sim
    login = sim.logins.check(sim.institutions.get("ins_109508"), "user_good", "pass_good")
    item = sim.items.create(
        institution_id="ins_109508",
        login=login,
        products=["transactions"],
        consented_products=["liabilities"],
    )
    sim.items.exchange(sim.items.issue_public_token(item))
    body = {"access_token": item.access_token}
    simulator.ok("/liabilities/get", body)
    assert simulator.error("/investments/holdings/get", body) == "ADDITIONAL_CONSENT_REQUIRED"
    assert simulator.ok("/item/get", body)["item"]["billed_products"] == ["transactions", "liabilities"]


def test_products_that_the_accounts_cannot_have_are_told(simulator: Running) -> None:
    token = simulator.link("user_dynamic", products=["transactions", "auth"])
    assert simulator.error("/investments/holdings/get", {"access_token": token}) == "NO_INVESTMENT_ACCOUNTS"


def test_capital_one_wants_to_know_how_old_a_balance_may_be(simulator: Running) -> None:
    token = simulator.link(bank="ins_128026")
    body: dict[str, Any] = {"access_token": token}
    assert simulator.error("/accounts/balance/get", body) == "INVALID_FIELD"
    body["options"] = {"min_last_updated_datetime": "2026-05-04T13:00:00Z"}
    assert simulator.error("/accounts/balance/get", body) == "LAST_UPDATED_DATETIME_OUT_OF_RANGE"
    body["options"] = {"min_last_updated_datetime": "2026-05-01T00:00:00Z"}
    accounts = simulator.ok("/accounts/balance/get", body)["accounts"]
    dated = {row["type"] for row in accounts if row["balances"].get("last_updated_datetime")}
    assert dated == {"credit", "loan", "investment"}


def test_a_huge_body_is_refused_and_the_server_goes_on(simulator: Running) -> None:
    assert simulator.error("/item/get", "x" * 6_000_000) == "INVALID_BODY"
    assert simulator.ok("/categories/get")["categories"]


def test_it_does_not_answer_for_production(simulator: Running) -> None:
    connection = http.client.HTTPConnection(simulator.base_url.removeprefix("http://"))
    connection.request("POST", "/item/get", "{}", {"Host": "production.plaid.com"})
    assert connection.getresponse().status == 421
    connection.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"host": "production.plaid.com"},
        {"public_url": "https://production.plaid.com"},
        {"port": 70000},
        {"client_id": ""},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigRefused):
        Config(**settings)


def test_rate_limits_can_be_switched_on(simulator: Running) -> None:
    token = simulator.link()
    simulator.ok("/control/limits", {"enabled": "on"})
    for _ in range(2):
        simulator.ok("/transactions/refresh", {"access_token": token})
    status, answer = simulator.post("/transactions/refresh", {"access_token": token})
    assert (status, answer["error_type"], answer["error_code"]) == (
        429,
        "RATE_LIMIT_EXCEEDED",
        "TRANSACTIONS_REFRESH_LIMIT",
    )
    simulator.ok("/control/limits", {"enabled": "off"})
    simulator.ok("/transactions/refresh", {"access_token": token})


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_error_can_be_caused_on_every_endpoint(code: str, shared: Running) -> None:
    shared.ok("/control/faults", {"kind": "error", "endpoint": "/categories/get", "code": code, "count": 1})
    status, answer = shared.post("/categories/get")
    assert (status, answer["error_code"]) == (CATALOGUE[code].status, code)
    assert answer["error_type"] == CATALOGUE[code].error_type
    assert shared.ok("/categories/get")
