"""The API's document says all routes, and real answers are as it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mingus.plaid.api_document import CARRIED
from mingus.plaid.api_document import operations
from mingus.services import services
from tests import factories
from tests.support.bank import public_token
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running
    from tests.support.browser import Browser


@pytest.fixture
def ada(app: Flask, plaid: Running, jobs: InlineJobs) -> Browser:
    """Ada, signed in, with a household's bank."""
    person = factories.make_person(app)
    with app.app_context():
        Bank(services(), plaid, jobs, person, username="user_household")
    return factories.sign_in(app, person)


def document(browser: Browser) -> dict[str, Any]:
    answer = browser.get("/api/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


class Judge:
    """Calls the API, and holds each answer against the document."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._document = document(browser)
        self.seen: set[str] = set()

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self._browser.send_json(f"/api/plaid/{path}", body, method=method)
        self._hold(method, f"/api/plaid/{path.partition('?')[0]}", answer)
        found: dict[str, Any] = answer.get_json()
        return found

    def _hold(self, method: str, path: str, answer: TestResponse) -> None:
        operation = self._operation(method, path)
        responses = operation["responses"]
        said = responses.get(str(answer.status_code))
        if said is None:
            assert answer.status_code >= 400, answer.status_code
            said = responses["default"]
        else:
            self.seen.add(operation["operationId"])
        schema = said["content"]["application/json"]["schema"]
        judge = Draft202012Validator({**schema, "components": self._document["components"]})
        assert [error.message for error in judge.iter_errors(answer.get_json())] == []

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        # a path of words comes before one with a parameter, as in the router
        for known in sorted(self._document["paths"], key=lambda known: known.count("{")):
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", known), path):
                found: dict[str, Any] = self._document["paths"][known][method.lower()]
                return found
        raise AssertionError(path)


def test_every_route_and_method_is_in_the_document(app: Flask, browser: Browser) -> None:
    paths = document(browser)["paths"]
    with app.app_context():
        routes = {
            (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower(), rule.endpoint)
            for rule, method in operations()
        }
    assert {(path, method) for path, _, _ in routes for method in paths[path]} == {
        (path, method) for path, method, _ in routes
    }
    assert set(paths) == {path for path, _, _ in routes}
    assert {endpoint for _, _, endpoint in routes} == set(CARRIED)


def test_the_document_holds_together(browser: Browser) -> None:
    said = document(browser)
    assert said["openapi"] == "3.1.0"
    schemas = said["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert set(re.findall(r"#/components/schemas/(\w+)", str(said))) == set(schemas)
    for path, methods in said["paths"].items():
        for method, operation in methods.items():
            named = {row["name"] for row in operation["parameters"] if row["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))
            assert operation["x-scope"] == ("read" if method == "get" else "write")
            assert (operation["security"] == []) == path.endswith("/webhook")


def test_real_answers_are_as_the_document_says(
    app: Flask, ada: Browser, plaid: Running, jobs: InlineJobs
) -> None:
    judge = Judge(ada)
    accounts = judge.call("GET", "accounts")["accounts"]
    connection = judge.call("GET", "connections")["connections"][0]["connection_id"]
    rows = judge.call("GET", "transactions?limit=500")["transactions"]
    assert len(accounts) > 3
    assert rows
    for account in accounts:
        judge.call("GET", f"accounts/{account['id']}/balance")
    judge.call("GET", f"accounts/{accounts[0]['id']}/balance?live=1")
    judge.call("GET", f"connections/{connection}/health?check=1")
    assert judge.call("GET", "institutions/search?query=Bank")["institutions"]
    requested = judge.call("POST", "transactions/sync", {})
    jobs.run_all()
    judge.call("GET", f"syncs/{requested['sync_id']}")
    assert judge.call("GET", "sync-logs?limit=1")["next"]
    for path in ("liabilities", "investments?limit=2", "recurring", "pulse"):
        judge.call("GET", path)
    judge.call("PATCH", f"transactions/{rows[0]['id']}", {"name": "Tea", "category": None})
    started = judge.call("POST", "link-token", {})
    judge.call("POST", "link-events", {"link_id": started["link_id"], "name": "OPEN"})
    linked = judge.call(
        "POST", "connect", {"public_token": public_token(plaid), "link_id": started["link_id"]}
    )
    judge.call("POST", f"connections/{linked['connection_id']}/reauth", {})
    judge.call("DELETE", f"connections/{linked['connection_id']}?history=delete")
    assert judge.seen == {name.replace(".", "_") for name in CARRIED} - {"webhooks_receive"}


def test_refusals_are_as_the_document_says(ada: Browser) -> None:
    judge = Judge(ada)
    for method, path, body in (
        ("GET", "transactions?limit=0&start_date=x", None),
        ("GET", "accounts/acc_x/balance", None),
        ("GET", "institutions/search", None),
        ("POST", "connect", {"surprise": 1}),
        ("POST", "webhook", {}),
        ("DELETE", "connections/con_x?history=maybe", None),
    ):
        assert judge.call(method, path, body)["success"] is False
    assert judge.seen == set()


def test_what_the_document_says_of_a_query_is_what_is_refused(ada: Browser) -> None:
    asked = document(ada)["paths"]["/api/plaid/transactions"]["get"]["parameters"]
    wrong = {row["name"]: "?" * 300 for row in asked}
    answer = ada.get("/api/plaid/transactions", query_string=wrong)
    assert set(answer.get_json()["error"]["fields"]) == set(wrong)
