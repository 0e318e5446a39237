"""Signing up, in and out, and getting back in: what a visitor sees, and what an attacker doesn't get."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mingus.auth.models import AuthSession
from mingus.auth.models import Role
from mingus.auth.models import User
from mingus.db import db
from mingus.services import services
from tests import factories
from tests.factories import ADA
from tests.factories import BEN
from tests.factories import PASSWORD
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

NEW_PASSWORD = "copper-window-lighthouse"


def count(app: Flask, model: type) -> int:
    with app.app_context():
        return db.session.query(model).count()


def log_in(browser: Browser, *, email: str = ADA, password: str = PASSWORD, **fields: str) -> int:
    return browser.submit("/login", email=email, password=password, **fields).status_code


def register(browser: Browser, **fields: str) -> int:
    answer = {"display_name": "Ada", "email": ADA, "password": PASSWORD, "invitation": "", **fields}
    return browser.submit("/register", **answer).status_code


def test_a_person_exists_once_the_mailed_link_is_confirmed(
    app: Flask, browser: Browser, jobs: InlineJobs
) -> None:
    assert register(browser) == 303
    assert count(app, User) == 0
    jobs.run_all()
    path = factories.link_in(factories.letters(app)[0])
    assert browser.get(path).status_code == 200
    assert count(app, User) == 0, "opening the link changes nothing: scanners open links"
    assert browser.submit(path).status_code == 303
    assert log_in(browser) == 303
    assert "Ada" in text_of(browser.get("/"))


def test_a_confirmation_link_works_once(app: Flask, browser: Browser, jobs: InlineJobs) -> None:
    register(browser)
    jobs.run_all()
    path = factories.link_in(factories.letters(app)[0])
    browser.submit(path)
    replay = browser.submit(path)
    assert replay.status_code == 400
    assert "no longer works" in text_of(replay)
    assert count(app, User) == 1


def test_signing_up_twice_leaves_one_person(app: Flask, browser: Browser, jobs: InlineJobs) -> None:
    register(browser)
    register(browser, display_name="Ada again")
    jobs.run_all()
    first, second = (factories.link_in(letter) for letter in factories.letters(app))
    assert browser.submit(second).status_code == 303
    assert browser.submit(first).status_code == 400
    assert count(app, User) == 1


def test_signing_up_with_a_known_address_looks_the_same_and_warns_its_owner(
    app: Flask, browser: Browser, jobs: InlineJobs
) -> None:
    factories.make_person(app)
    known, unknown = register(browser), register(browser, email=BEN)
    assert known == unknown == 303
    jobs.run_all()
    to_ada = next(letter for letter in factories.letters(app) if letter["To"] == ADA)
    assert "/verify/" not in str(to_ada.get_content())


@pytest.mark.parametrize("weak", ["password1234", "aaaaaaaaaaaaaaaa", "ada@mingus.test", "qwertyuiop12"])
def test_a_weak_password_is_refused_with_advice(app: Flask, browser: Browser, weak: str) -> None:
    answer = browser.submit("/register", display_name="Ada", email=ADA, password=weak, invitation="")
    assert answer.status_code == 422
    assert "too easy to guess" in text_of(answer)
    assert count(app, User) == 0


def test_nobody_signs_in_with_a_wrong_password(app: Flask, browser: Browser) -> None:
    factories.make_person(app)
    answer = browser.submit("/login", email=ADA, password="not-the-password")
    unknown = browser.submit("/login", email=BEN, password="not-the-password")
    assert answer.status_code == unknown.status_code == 401
    assert text_of(answer).replace(ADA, "") == text_of(unknown).replace(BEN, "")
    assert browser.get("/settings").status_code == 303


def test_ten_wrong_passwords_close_the_door_for_five_minutes(
    app: Flask, browser: Browser, ambient: FrozenAmbient
) -> None:
    factories.make_person(app)
    refused = []
    for _ in range(40):
        refused.append(log_in(browser, password="wrong-wrong-wrong"))
        ambient.advance(seconds=7)
    assert refused.count(401) == 10
    assert log_in(browser) == 429
    ambient.advance(seconds=300)
    assert log_in(browser) == 303


def test_right_passwords_are_never_counted(app: Flask, browser: Browser) -> None:
    factories.make_person(app)
    for _ in range(15):
        assert log_in(browser) == 303
        browser.submit("/logout")


def test_too_many_tries_say_when_to_come_back(app: Flask, browser: Browser) -> None:
    factories.make_person(app)
    for _ in range(5):
        log_in(browser, password="wrong-wrong-wrong")
    answer = browser.submit("/login", email=ADA, password=PASSWORD)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 15


def test_signing_in_gives_a_new_session_and_drops_what_the_cookie_held(app: Flask, browser: Browser) -> None:
    factories.make_person(app)
    with browser.session_transaction() as session:
        session["planted"] = "by somebody else"
        planted = browser.csrf_token
    assert callable(planted)
    before = browser.csrf_token()
    log_in(browser)
    with browser.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") is None or session["csrf_token"] not in before


def test_signing_out_ends_the_session_on_the_server(app: Flask, browser: Browser) -> None:
    factories.make_person(app)
    log_in(browser)
    cookie = browser.get_cookie("mingus")
    assert cookie is not None
    assert browser.submit("/logout").status_code == 303
    assert count(app, AuthSession) == 0
    browser.set_cookie("mingus", cookie.value)
    assert browser.get("/settings").status_code == 303


def test_signing_out_needs_a_post(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    assert browser.get("/logout").status_code == 405
    assert browser.get("/settings").status_code == 200


def test_a_reset_link_sets_a_password_once_and_ends_every_session(
    app: Flask, browser: Browser, jobs: InlineJobs
) -> None:
    other_device = factories.sign_in(app, factories.make_person(app))
    browser.submit("/forgot", email=ADA)
    jobs.run_all()
    path = factories.link_in(factories.letters(app)[0])
    assert browser.get(path).status_code == 200
    fields = {"password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
    assert browser.submit(path, **fields).status_code == 303
    assert browser.submit(path, **fields).status_code == 400
    assert other_device.get("/settings").status_code == 303
    assert log_in(browser) == 401
    assert log_in(browser, password=NEW_PASSWORD) == 303


def test_a_reset_link_dies_after_half_an_hour(
    app: Flask, browser: Browser, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    factories.make_person(app)
    browser.submit("/forgot", email=ADA)
    jobs.run_all()
    ambient.advance(minutes=31)
    answer = browser.get(factories.link_in(factories.letters(app)[0]))
    assert answer.status_code == 400


def test_asking_for_a_reset_never_tells_who_is_known(app: Flask, browser: Browser, jobs: InlineJobs) -> None:
    factories.make_person(app)
    known, unknown = browser.submit("/forgot", email=ADA), browser.submit("/forgot", email=BEN)
    assert known.status_code == unknown.status_code == 200
    assert text_of(known) == text_of(unknown)
    jobs.run_all()
    assert [letter["To"] for letter in factories.letters(app)] == [ADA]


def test_an_address_gets_three_mails_in_a_quarter_of_an_hour(
    app: Flask, browser: Browser, jobs: InlineJobs
) -> None:
    factories.make_person(app)
    for _ in range(6):
        assert browser.submit("/forgot", email=ADA).status_code == 200
    jobs.run_all()
    assert len(factories.letters(app)) == 3


@pytest.mark.parametrize("role", [Role.MEMBER, Role.ADMIN])
def test_a_disabled_person_is_out_within_one_request(app: Flask, role: Role) -> None:
    browser = factories.sign_in(app, factories.make_person(app, role=role))
    assert browser.get("/settings").status_code == 200
    with app.app_context():
        services().auth.disable(ADA)
    assert browser.get("/settings").status_code == 303
    assert log_in(browser) == 401


def test_closed_and_invited_registration_say_so(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mingus.config import Registration

    with app.app_context():
        auth = services().auth
    monkeypatch.setattr(auth, "_registration", Registration.CLOSED)
    assert browser.get("/register").status_code == 403
    monkeypatch.setattr(auth, "_registration", Registration.INVITE)
    assert register(browser) == 403
    assert count(app, User) == 0


def test_an_invitation_lets_one_person_in(
    app: Flask, browser: Browser, jobs: InlineJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mingus.config import Registration

    with app.app_context():
        monkeypatch.setattr(services().auth, "_registration", Registration.INVITE)
        services().auth.invite(ADA)
    jobs.run_all()
    path = factories.link_in(factories.letters(app)[0])
    assert ADA in browser.get(path).get_data(as_text=True)
    invitation = path.partition("=")[2]
    assert register(browser, email=BEN, invitation=invitation) == 303
    assert register(browser, invitation=invitation) == 303
    jobs.run_all()
    confirmations = factories.letters(app)[1:]
    assert [letter["To"] for letter in confirmations] == [ADA], "an invitation is good for its own address"
    assert browser.submit(factories.link_in(confirmations[0])).status_code == 303
    assert register(browser, invitation=invitation) == 400


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "\t//evil.test",
        "/\tevil",
        "javascript:alert(1)",
        "/nowhere",
    ],
)
def test_signing_in_never_leads_elsewhere(app: Flask, browser: Browser, target: str) -> None:
    factories.make_person(app)
    answer = browser.submit("/login", email=ADA, password=PASSWORD, next=target)
    assert answer.headers["Location"] == "/"


def test_signing_in_leads_back_to_the_page_that_was_asked(app: Flask, browser: Browser) -> None:
    factories.make_person(app)
    asked = browser.get("/settings/devices")
    assert asked.headers["Location"] == "/login?next=/settings/devices"
    answer = browser.submit("/login", email=ADA, password=PASSWORD, next="/settings/devices")
    assert answer.headers["Location"] == "/settings/devices"


def test_a_tampered_cookie_is_nobody(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    cookie = browser.get_cookie("mingus")
    assert cookie is not None
    middle = len(cookie.value) // 2
    swapped = "A" if cookie.value[middle] != "A" else "B"
    browser.set_cookie("mingus", cookie.value[:middle] + swapped + cookie.value[middle + 1 :])
    assert browser.get("/settings").status_code == 303


def test_the_database_holds_no_token_in_clear(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    with browser.session_transaction() as session:
        token = session["_user_id"]
    with app.app_context():
        row = db.session.query(AuthSession).one()
        assert token not in {str(value) for value in vars(row).values()}
