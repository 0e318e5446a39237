"""Requests that another site, another host or a curious client makes up."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest
from itsdangerous import URLSafeTimedSerializer

from mingus.auth.models import User
from mingus.db import db
from tests import factories
from tests.factories import ADA
from tests.factories import BEN
from tests.factories import PASSWORD
from tests.rules.test_routes import SIGNED
from tests.rules.test_routes import snapshot
from tests.support.browser import SALT
from tests.support.routes import CHANGING
from tests.support.routes import address
from tests.support.routes import walk

if TYPE_CHECKING:
    from flask import Flask

    from tests.support.browser import Browser

QUERIES = (
    "' OR '1'='1",
    "1; DROP TABLE users --",
    "') UNION SELECT password_hash FROM users --",
    "%00",
    "{{1234*5678}}",
    "../../etc/passwd",
    "\u202e\U0001f4a3",
    "9" * 400,
    "-1",
    "NaN",
)
PARAMETERS = (
    "q",
    "account",
    "category",
    "from",
    "to",
    "min",
    "max",
    "direction",
    "pending",
    "tag",
    "sort",
    "after",
    "period",
    "state",
    "page",
    "limit",
    "offset",
    "start_date",
    "end_date",
    "search",
    "currency",
    "month",
)


def other_sites_tokens(app: Flask, browser: Browser) -> dict[str, str]:
    """Six ways to have no token of this session."""
    raw = secrets.token_hex(20)
    key = app.config["SECRET_KEY"]
    stranger: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    return {
        "empty": "",
        "made up": "x" * 91,
        "of another session": stranger.csrf_token(),
        "signed with another key": URLSafeTimedSerializer("k" * 32, salt=SALT).dumps(raw),
        "signed for another purpose": URLSafeTimedSerializer(key, salt="other").dumps(raw),
        "cut short": browser.csrf_token()[:-2],
    }


def test_six_ways_to_have_no_token_open_no_form(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    tokens = other_sites_tokens(app, browser)
    before = snapshot(app)
    for rule, method in walk(app, CHANGING):
        if rule.endpoint in SIGNED:
            continue
        url = address(app, rule)
        for way, token in tokens.items():
            answer = browser.open(url, method=method, data={"csrf_token": token, "password": "x"})
            assert answer.status_code == 400, f"{method} {url} with a token {way}"
            answer = browser.open(url, method=method, json={}, headers={"X-CSRFToken": token})
            assert answer.status_code == 400, f"{method} {url} with a header {way}"
        answer = browser.open(f"{url}?csrf_token={browser.csrf_token()}", method=method)
        assert answer.status_code == 400, f"{method} {url} with a token in the address"
    assert snapshot(app) == before


@pytest.mark.parametrize(
    "host", ["evil.test", "localhost.evil.test", "localhost:80@evil.test", "evil.test:5000", ""]
)
def test_another_host_is_served_nothing(app: Flask, browser: Browser, host: str) -> None:
    factories.make_person(app)
    for path in ("/", "/login", "/forgot", "/healthz"):
        answer = browser.get(path, headers={"Host": host, "X-Forwarded-Host": host})
        assert answer.status_code == 400 or host == "", path
        assert "evil" not in answer.get_data(as_text=True)
        assert "evil" not in str(answer.headers)


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test",
        "//evil.test",
        "///evil.test",
        "/\\evil.test",
        "\\\\evil.test",
        "/%2f/evil.test",
        "javascript:alert(1)",
        "data:text/html,x",
        " https://evil.test",
        "/\tevil.test",
        "/login\r\nX: y",
        "https:evil.test",
        "/logout",
        "?next=//evil.test",
        "@evil.test",
        "/static/../../x",
    ],
)
def test_signing_in_leads_to_no_other_site(app: Flask, target: str) -> None:
    factories.make_person(app)
    browser: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    answer = browser.submit("/login", email=ADA, password=PASSWORD, next=target)
    assert answer.status_code == 303
    assert answer.location == "/"


def test_what_a_form_does_not_ask_for_is_not_taken(app: Flask) -> None:
    person = factories.make_person(app)
    browser = factories.sign_in(app, person)
    more = {
        "role": "admin",
        "id": "usr_x",
        "email": BEN,
        "password_hash": "x",
        "disabled_at": "2026-01-01",
        "factor_since": "2026-01-01",
        "user_id": "usr_x",
        "created_at": "2020-01-01",
        "is_admin": "1",
    }
    with app.app_context():
        user = db.session.get_one(User, person)
        before = (user.role, user.email, user.password_hash, user.factor_since, user.created_at)
    profile = {"display_name": "Ada", "time_zone": "UTC", "locale": "en", "currency": "USD", "theme": "dark"}
    assert browser.submit("/settings", **profile, **more).status_code == 303
    browser.submit(
        "/register", display_name="x", **{**more, "email": "eve@mingus.test"}, password="copper-window-x"
    )
    refused = browser.send_json("/api/plaid/connections/x/reauth", {"accounts": True, "user_id": "usr_x"})
    assert refused.status_code == 400, "fields nobody knows are refused"
    with app.app_context():
        user = db.session.get_one(User, person)
        assert (user.role, user.email, user.password_hash, user.factor_since, user.created_at) == before
        assert db.session.query(User).count() == 1


def test_filters_and_sorts_take_no_orders(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    before = snapshot(app)
    for path in (
        "/transactions",
        "/reports/spending",
        "/api/plaid/transactions",
        "/activity",
        "/settings/history",
    ):
        for number, name in enumerate(PARAMETERS):
            query = QUERIES[(number + len(path)) % len(QUERIES)]  # over the paths each pair comes up
            answer = browser.get(path, query_string={name: query})
            assert answer.status_code < 500, f"{path}?{name}={query}"
            assert "$argon2" not in answer.get_data(as_text=True)
            assert "7006652" not in answer.get_data(as_text=True)
    assert snapshot(app) == before


def test_what_no_text_can_hold_is_refused_everywhere(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    assert browser.get("/transactions/%00").status_code == 404
    for query in ("after=%00", "q=a%00b", "%00=x"):
        assert browser.get(f"/transactions?{query}").status_code == 400, query
        assert browser.get(f"/login?{query}").status_code == 400, query
    assert browser.submit("/settings/amounts", next="\x00").status_code == 400
    events = {"link_id": "\x00", "name": "", "details": {}}
    for body in (events, {**events, "link_id": "x", "details": {"a": ["\x00"]}}):
        answer = browser.send_json("/api/plaid/link-events", body)
        assert answer.status_code == 400
        assert "body" in answer.get_json()["error"]["fields"]


@pytest.mark.parametrize("path", ["/login", "/forgot", "/api/plaid/webhook", "/settings"])
def test_a_body_that_is_too_large_is_refused_unread(app: Flask, browser: Browser, path: str) -> None:
    answer = browser.post(path, data=b"x" * (2 * 1024 * 1024), content_type="application/json")
    assert answer.status_code in {400, 401, 413}
    said = browser.post(path, headers={"Content-Length": str(20 * 1024 * 1024)}, data=b"")
    assert said.status_code in {400, 401, 413}


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "PROPFIND", "GET\r\nX"])
def test_methods_nobody_asked_for_are_refused(browser: Browser, method: str) -> None:
    assert browser.open("/login", method=method).status_code in {400, 405}


def test_a_method_in_disguise_is_none(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    before = snapshot(app)
    for headers in ({"X-HTTP-Method-Override": "DELETE"}, {"X-Method-Override": "POST"}):
        browser.get("/settings/devices/revoke-others", headers=headers)
        browser.get("/logout?_method=POST", headers=headers)
    assert snapshot(app) == before


@pytest.mark.parametrize("value", ["x", "a.b.c", "é", ".eyJfdXNlcl9pZCI6IngifQ.x.y", "", "0" * 4000])
def test_made_up_cookies_are_nobody(app: Flask, value: str) -> None:
    browser: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    browser.set_cookie("mingus", value)
    assert browser.get("/settings").status_code == 303
    assert browser.get("/login").status_code == 200


def test_a_session_of_before_signing_in_is_worth_nothing_after(app: Flask, browser: Browser) -> None:
    factories.make_person(app)
    browser.get("/login")
    planted = browser.get_cookie("mingus")
    assert planted is not None
    browser.submit("/login", email=ADA, password=PASSWORD)
    thief: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    thief.set_cookie("mingus", planted.value)
    assert thief.get("/settings").status_code == 303


def test_the_cookie_of_a_session_that_was_signed_out_is_dead(app: Flask, browser: Browser) -> None:
    factories.make_person(app)
    browser.submit("/login", email=ADA, password=PASSWORD)
    kept = browser.get_cookie("mingus")
    assert kept is not None
    browser.submit("/logout")
    browser.set_cookie("mingus", kept.value)
    assert browser.get("/settings").status_code == 303


def test_cookies_are_for_this_site_and_its_server_alone(app: Flask, browser: Browser) -> None:
    factories.make_person(app)
    answer = browser.submit("/login", email=ADA, password=PASSWORD)
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Domain" not in cookie
