"""Tokens of programs: made with the password, shown once, let in as far as they may, and no further."""

from __future__ import annotations

import datetime as dt
import html
import logging
import re
from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.auth.apitokens import MOST_TOKENS
from mingus.auth.apitokens import WRONG_LIMIT
from mingus.auth.models import ApiToken
from mingus.auth.models import TokenScope
from mingus.db import db
from mingus.logs import JsonLines
from mingus.services import services
from tests import factories
from tests.factories import ADA
from tests.factories import BEN
from tests.factories import PASSWORD
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from mingus.auth.models import UserId
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

FORM = {"name": "Budget sheet", "scope": "read", "days": "30"}
TOKEN = re.compile(r"mgs_[\w-]{43}")


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


def make(app: Flask, person: UserId, scope: TokenScope = TokenScope.READ, name: str = "Sheet") -> str:
    with app.app_context():
        return services().api_tokens.make(person, name=name, scope=scope, lifetime=dt.timedelta(days=30))


def ask(
    browser: Browser, token: str, path: str = "accounts", method: str = "GET", **more: Any
) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
    return browser.open(f"/api/plaid/{path}", method=method, headers=headers, **more)


def stored(app: Flask) -> list[ApiToken]:
    with app.app_context():
        return list(db.session.scalars(db.select(ApiToken).order_by(ApiToken.id)))


def code_of(answer: TestResponse) -> str:
    return str(answer.get_json()["error"]["code"])


def test_a_token_is_shown_once_and_kept_only_as_its_hash(app: Flask, ada: UserId, browser: Browser) -> None:
    mine = factories.sign_in(app, ada)
    assert "No tokens yet" in text_of(mine.get("/settings/tokens"))
    answer = mine.submit("/settings/tokens", **FORM)
    assert answer.status_code == 200
    token = TOKEN.findall(html.unescape(answer.get_data(as_text=True)))[0]
    assert answer.headers["Cache-Control"] == "no-store"
    again = mine.get("/settings/tokens")
    assert "Budget sheet" in text_of(again)
    assert "Never used" in text_of(again)
    assert not TOKEN.findall(again.get_data(as_text=True))
    with app.app_context():
        assert token not in repr(db.session.execute(db.select(*ApiToken.__table__.columns)).all())
    assert ask(browser, token).get_json() == {"success": True, "accounts": []}
    assert "Never used" not in text_of(mine.get("/settings/tokens"))


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", " ", "fill this in"),
        ("scope", "admin", "Not a valid choice"),
        ("days", "36500", "Not a valid choice"),
    ],
)
def test_a_form_that_does_not_fit_makes_no_token(
    app: Flask, ada: UserId, field: str, value: str, words: str
) -> None:
    answer = factories.sign_in(app, ada).submit("/settings/tokens", **{**FORM, field: value})
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert stored(app) == []


def test_a_second_of_one_name_and_one_too_many_are_refused(app: Flask, ada: UserId) -> None:
    mine = factories.sign_in(app, ada)
    mine.submit("/settings/tokens", **FORM)
    assert mine.submit("/settings/tokens", **FORM).status_code == 409
    for number in range(MOST_TOKENS - 1):
        make(app, ada, name=f"Script {number}")
    assert mine.submit("/settings/tokens", **{**FORM, "name": "One more"}).status_code == 409
    assert len(stored(app)) == MOST_TOKENS


def test_reading_needs_no_session_and_changing_needs_the_scope_but_no_csrf_token(
    app: Flask, ada: UserId, browser: Browser
) -> None:
    reads = make(app, ada)
    refused = ask(browser, reads, "transactions/sync", "POST")
    assert (refused.status_code, code_of(refused)) == (403, "token_only_reads")
    assert "insufficient_scope" in refused.headers["WWW-Authenticate"]
    for method, path in (("DELETE", "connections/con_x"), ("PATCH", "transactions/tx_x")):
        assert ask(browser, reads, path, method, json={}).status_code == 403
    writes = make(app, ada, TokenScope.WRITE, "Script")
    assert ask(browser, writes, "transactions/sync", "POST").status_code == 202
    assert ask(browser, writes, "connections/con_x", "DELETE").status_code == 404


@pytest.mark.parametrize("sent", ["", "mgs_", "{}x", "x{}", "{}=", "{}, Bearer {}", "é", "x" * 5000])
def test_a_wrong_token_is_refused_even_beside_a_good_cookie(app: Flask, ada: UserId, sent: str) -> None:
    mine, token = factories.sign_in(app, ada), make(app, ada)
    answer = ask(mine, sent.format(token, token))
    assert (answer.status_code, code_of(answer)) == (401, "token_refused")
    assert set(answer.get_json()["error"]) == {"code", "message", "request_id"}
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert mine.get("/api/plaid/accounts").status_code == 200


def test_beside_a_token_the_cookie_counts_for_nothing(app: Flask, ada: UserId) -> None:
    ben = factories.sign_in(app, factories.make_person(app, BEN))
    make(app, ada, name="Of Ada")
    writes = make(app, ada, TokenScope.WRITE)
    answer = ask(ben, writes, "link-token", "POST")
    assert answer.status_code in {200, 502, 503}
    reads = make(app, ada, name="Reader")
    forged = ask(ben, reads, "transactions/sync", "POST", headers={"X-CSRFToken": ben.csrf_token()})
    assert forged.status_code == 403


def test_a_token_opens_the_api_and_no_page(app: Flask, ada: UserId, browser: Browser) -> None:
    headers = {"Authorization": f"Bearer {make(app, ada, TokenScope.WRITE)}"}
    for path in ("/settings", "/settings/tokens", "/accounts"):
        assert browser.get(path, headers=headers).status_code == 303
    mine = factories.sign_in(app, ada)
    assert mine.post("/settings/devices/revoke-others", headers=headers).status_code == 400


def test_a_revoked_an_expired_and_a_disabled_persons_token_end_at_once(
    app: Flask, ada: UserId, browser: Browser, ambient: FrozenAmbient
) -> None:
    mine, token = factories.sign_in(app, ada), make(app, ada)
    assert mine.submit(f"/settings/tokens/{stored(app)[0].id}/revoke").status_code == 303
    assert ask(browser, token).status_code == 401
    assert "Revoked" in text_of(mine.get("/settings/tokens"))
    other = make(app, ada, name="Other")
    with app.app_context():
        services().auth.disable(ADA)
    assert ask(browser, other).status_code == 401
    with app.app_context():
        services().auth.enable(ADA)
    assert ask(browser, other).status_code == 200
    ambient.advance(days=30)
    assert ask(browser, other).status_code == 401


def test_a_new_password_revokes_every_token(app: Flask, ada: UserId, browser: Browser) -> None:
    mine, token = factories.sign_in(app, ada), make(app, ada)
    new = "copper-window-lighthouse"
    mine.submit("/settings/password", current=PASSWORD, password=new, password_again=new)
    assert ask(browser, token).status_code == 401


def test_nobody_elses_token_is_seen_or_revoked(app: Flask, ada: UserId, browser: Browser) -> None:
    token, ben = make(app, ada), factories.sign_in(app, factories.make_person(app, BEN))
    assert ben.submit(f"/settings/tokens/{stored(app)[0].id}/revoke").status_code == 404
    assert "No tokens yet" in text_of(ben.get("/settings/tokens"))
    assert ask(browser, token).status_code == 200


def test_guessing_is_slowed_down_and_a_right_token_still_gets_in(
    app: Flask, ada: UserId, browser: Browser
) -> None:
    token = make(app, ada)
    for _ in range(WRONG_LIMIT.count):
        assert ask(browser, "mgs_guess").status_code == 401
    slowed = ask(browser, "mgs_guess")
    assert slowed.status_code == 429
    assert int(slowed.headers["Retry-After"]) > 0
    assert ask(browser, token).status_code == 200


def test_tokens_are_in_no_log(
    app: Flask, ada: UserId, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = make(app, ada)
    ask(browser, token)
    ask(browser, token + "x")
    logging.getLogger("mingus").info("a careless line with %s", token)
    written = "\n".join(JsonLines().format(record) for record in caplog.records)
    assert "a careless line" in written
    assert not TOKEN.findall(written)


def test_ended_tokens_are_forgotten_after_a_month(app: Flask, ada: UserId, ambient: FrozenAmbient) -> None:
    make(app, ada)
    ambient.advance(days=59)
    with app.app_context():
        services().api_tokens.forget_old()
    assert len(stored(app)) == 1
    ambient.advance(days=2)
    with app.app_context():
        services().api_tokens.forget_old()
    assert stored(app) == []
