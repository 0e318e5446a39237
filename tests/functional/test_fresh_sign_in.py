"""Dangerous acts ask who it is once more, and nothing that was being done is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mingus.auth.models import Role
from mingus.auth.models import UserId
from mingus.web.access import ASKED_ANEW
from mingus.web.access import ASKED_TO_CHANGE
from tests import factories
from tests.factories import BEN
from tests.factories import CLEO
from tests.factories import PASSWORD
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask

    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser


@pytest.fixture
def stale(app: Flask, ambient: FrozenAmbient) -> Browser:
    """Ada's browser, eleven minutes after she signed in."""
    browser = factories.sign_in(app, factories.make_person(app))
    ambient.advance(minutes=11)
    return browser


def confirm(browser: Browser, url: str = "/confirm", password: str = PASSWORD) -> str:
    answer = browser.submit(url, password=password)
    assert answer.status_code == 303
    return answer.location


def test_the_list_of_guarded_endpoints_names_what_exists(app: Flask) -> None:
    assert set(app.view_functions) >= ASKED_ANEW | ASKED_TO_CHANGE
    assert not ASKED_ANEW & ASKED_TO_CHANGE


def test_every_dangerous_act_is_asked_about(app: Flask, ambient: FrozenAmbient) -> None:
    """The list of the contract, act by act; an endpoint that is renamed has to be found here again."""
    browser = factories.sign_in(app, factories.make_person(app, CLEO, role=Role.ADMIN))
    ambient.advance(minutes=11)
    changes = [
        "/connections/con_x/disconnect",
        "/settings/email",
        "/settings/email/x",
        "/settings/password",
        "/settings/tokens",
        "/settings/security/app/begin",
        "/settings/security/app/remove",
        "/settings/security/app",
        "/settings/security/passkeys/x/remove",
        "/settings/security/codes",
        "/admin/webhooks/replay",
        "/admin/webhooks/x/replay",
        "/admin/connections/x/sync",
    ]
    for path in changes:
        assert browser.submit(path).location.startswith("/confirm?next="), path
    for path in ("/connect", "/settings/password", "/settings/data/everything.zip"):
        assert browser.get(path).location.startswith("/confirm?next="), path
    for path, method in (
        ("/api/plaid/link-token", "POST"),
        ("/api/plaid/connections/x/reauth", "POST"),
        ("/api/plaid/connections/x", "DELETE"),
        ("/settings/security/passkeys/question", "POST"),
        ("/settings/security/passkeys", "POST"),
    ):
        refused = browser.send_json(path, {}, method=method)
        assert refused.status_code == 403, path
        assert refused.get_json()["error"]["code"] == "confirm_first"


def test_every_change_on_an_admin_page_is_dangerous(app: Flask, ambient: FrozenAmbient) -> None:
    browser = factories.sign_in(app, factories.make_person(app, CLEO, role=Role.ADMIN))
    ambient.advance(minutes=11)
    changing = [
        rule
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/admin") and "POST" in (rule.methods or ())
    ]
    assert changing
    for rule in changing:
        url = app.url_map.bind("localhost").build(rule.endpoint, dict.fromkeys(rule.arguments, "x"))
        assert browser.submit(url).location.startswith("/confirm"), rule.rule


def test_within_ten_minutes_nobody_is_asked(app: Flask, ambient: FrozenAmbient) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    ambient.advance(minutes=10)
    assert browser.get("/connect").status_code == 200


def test_looking_is_not_dangerous(stale: Browser) -> None:
    for path in ("/", "/accounts", "/settings/tokens", "/settings/security", "/settings/data"):
        assert stale.get(path).status_code == 200


def test_the_password_leads_on_to_the_page(stale: Browser) -> None:
    asked = stale.get("/connect?connection=con_x").location
    assert asked == "/confirm?next=/connect?connection%3Dcon_x"
    assert confirm(stale, asked) == "/connect?connection=con_x"
    assert stale.get("/connect").status_code == 200


def test_a_form_is_kept_and_sent_again(app: Flask, stale: Browser) -> None:
    asked = stale.submit("/settings/tokens", name="Budget <sheet>", scope="write", days="7")
    page = stale.get(confirm(stale, asked.location))
    html = page.get_data(as_text=True)
    assert 'action="/settings/tokens"' in html
    assert 'name="name" value="Budget &lt;sheet&gt;"' in html
    assert 'name="scope" value="write"' in html
    made = stale.submit("/settings/tokens", name="Budget <sheet>", scope="write", days="7")
    assert "mgs_" in text_of(made)
    assert stale.get("/confirm/go-on").location == "/", "it is used up"


def test_a_password_is_never_kept(stale: Browser) -> None:
    new = "copper-window-lighthouse"
    asked = stale.submit("/settings/password", current=PASSWORD, password=new, password_again=new)
    with stale.session_transaction() as session:
        assert "kept" not in session
    assert confirm(stale, asked.location) == "/settings/password"


def test_what_is_too_long_for_a_cookie_is_not_kept(stale: Browser) -> None:
    stale.submit("/settings/tokens", name="x" * 5000, scope="read", days="7")
    with stale.session_transaction() as session:
        assert "kept" not in session


def test_a_wrong_password_confirms_nothing(stale: Browser) -> None:
    refused = stale.submit("/confirm?next=/connect", password="wrong-wrong-wrong")
    assert refused.status_code == 422
    assert "not your current password" in text_of(refused)
    assert stale.get("/connect").status_code == 303


def test_guessing_while_confirming_is_limited(stale: Browser) -> None:
    tries = [stale.submit("/confirm", password=f"wrong-{number}").status_code for number in range(6)]
    assert tries == [422] * 5 + [429]


@pytest.mark.parametrize(
    "target", ["https://evil.test/", "//evil.test", "/\\evil.test", "/logout", "nowhere"]
)
def test_confirming_leads_to_no_other_place(stale: Browser, target: str) -> None:
    assert confirm(stale, f"/confirm?next={target}") == "/"


def test_confirming_is_a_new_token_and_the_old_is_dead(app: Flask, stale: Browser) -> None:
    with stale.session_transaction() as session:
        before = session["_user_id"]
    confirm(stale)
    thief: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    with thief.session_transaction() as session:
        session["_user_id"] = before
    assert thief.get("/settings").status_code == 303
    assert stale.get("/settings").status_code == 200


def test_the_page_that_asks_belongs_to_the_signed_in(browser: Browser) -> None:
    assert browser.get("/confirm").location.startswith("/login")
    assert browser.get("/confirm/go-on").location.startswith("/login")


def test_a_program_is_not_asked(app: Flask, ambient: FrozenAmbient) -> None:
    mine = factories.sign_in(app, factories.make_person(app))
    made = mine.submit("/settings/tokens", name="sheet", scope="write", days="30")
    token = next(word for word in text_of(made).split() if word.startswith("mgs_"))
    ambient.advance(minutes=30)
    program = app.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    assert program.delete("/api/plaid/connections/con_x", headers=headers).status_code == 404


def test_a_kept_form_does_not_pass_to_the_next_person(app: Flask, stale: Browser) -> None:
    factories.make_person(app, BEN)
    stale.submit("/settings/tokens", name="hers", scope="read", days="7")
    stale.submit("/logout")
    stale.submit("/login", email=BEN, password=PASSWORD)
    assert stale.get("/confirm/go-on").location == "/"


def stranger_and_owner(app: Flask, ada: UserId) -> tuple[Browser, Browser]:
    stranger: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    owner: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    return stranger, owner


def test_an_attack_does_not_shut_out_the_owners_own_device(app: Flask, ambient: FrozenAmbient) -> None:
    stranger, owner = stranger_and_owner(app, factories.make_person(app))
    sign_in = {"email": factories.ADA, "password": PASSWORD}
    assert owner.submit("/login", **sign_in).status_code == 303
    owner.submit("/logout")
    for _ in range(12):
        stranger.submit("/login", email=factories.ADA, password="guess-guess-guess")
        ambient.advance(seconds=7)
    assert stranger.submit("/login", **sign_in).status_code == 429
    assert owner.submit("/login", **sign_in).status_code == 303


def test_a_known_device_has_no_more_tries_than_others(app: Flask) -> None:
    _, owner = stranger_and_owner(app, factories.make_person(app))
    owner.submit("/login", email=factories.ADA, password=PASSWORD)
    owner.submit("/logout")
    tries = [
        owner.submit("/login", email=factories.ADA, password="guess-guess-guess").status_code
        for _ in range(6)
    ]
    assert tries == [401] * 5 + [429]


@pytest.mark.parametrize("cookie", ["", "x", "x.y", "ünicode.ü", "a.b.c"])
def test_a_made_up_device_is_a_strangers(app: Flask, cookie: str) -> None:
    stranger, _ = stranger_and_owner(app, factories.make_person(app))
    for _ in range(5):
        stranger.submit("/login", email=factories.ADA, password="guess-guess-guess")
    stranger.set_cookie("device", cookie)
    assert stranger.submit("/login", email=factories.ADA, password=PASSWORD).status_code == 429


def test_a_device_of_one_person_is_none_of_another(app: Flask) -> None:
    stranger, owner = stranger_and_owner(app, factories.make_person(app))
    factories.make_person(app, BEN)
    stranger.submit("/login", email=BEN, password=PASSWORD)
    stranger.submit("/logout")
    tries = [
        stranger.submit("/login", email=factories.ADA, password="guess-guess-guess").status_code
        for _ in range(6)
    ]
    assert tries[-1] == 429
    assert owner.submit("/login", email=factories.ADA, password=PASSWORD).status_code == 429
