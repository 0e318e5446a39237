"""A session is its browser's: its cookie alone is worth nothing, and what it was before a rise of rights neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyotp
import pytest
from sqlalchemy import select

from mingus.auth.factor_models import AppFactor
from mingus.auth.models import Role
from mingus.auth.models import User
from mingus.db import db
from mingus.sealed import SecretKind
from mingus.services import services
from tests import factories
from tests.factories import ADA
from tests.factories import CLEO
from tests.factories import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

NEW_PASSWORD = "copper-window-lighthouse"


def another(app: Flask, **cookies: str) -> Browser:
    """A browser that has these cookies and nothing else."""
    found: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    for name, value in cookies.items():
        found.set_cookie(name, value)
    return found


def signed_in(app: Flask) -> Browser:
    browser = another(app)
    assert browser.submit("/login", email=ADA, password=PASSWORD).status_code == 303
    return browser


def cookie(browser: Browser, name: str) -> str:
    found = browser.get_cookie(name)
    assert found is not None
    return found.value


def is_in(browser: Browser) -> bool:
    return browser.get("/settings").status_code == 200


@pytest.fixture
def browser(app: Flask) -> Browser:
    factories.make_person(app)
    return signed_in(app)


def test_a_stolen_session_cookie_alone_is_nobody(app: Flask, browser: Browser) -> None:
    session = cookie(browser, "mingus")
    assert not is_in(another(app, mingus=session))
    assert is_in(another(app, mingus=session, device=cookie(browser, "device")))


@pytest.mark.parametrize("device", ["", "x", "a.b", "é"])
def test_a_made_up_device_does_not_help(app: Flask, browser: Browser, device: str) -> None:
    assert not is_in(another(app, mingus=cookie(browser, "mingus"), device=device))


def test_the_persons_other_browser_does_not_help(app: Flask, browser: Browser) -> None:
    other = signed_in(app)
    assert not is_in(another(app, mingus=cookie(browser, "mingus"), device=cookie(other, "device")))


def test_signing_in_again_gives_the_browser_a_new_device_cookie(browser: Browser) -> None:
    before = cookie(browser, "device")
    browser.submit("/logout")
    browser.submit("/login", email=ADA, password=PASSWORD)
    assert cookie(browser, "device") != before
    assert is_in(browser)


def confirm(browser: Browser) -> None:
    assert browser.submit("/confirm", password=PASSWORD).status_code == 303


def change_password(browser: Browser) -> None:
    new = {"password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
    assert browser.submit("/settings/password", current=PASSWORD, **new).status_code == 303


def add_factor(browser: Browser) -> None:
    assert browser.submit("/settings/security/app/begin").status_code == 303
    app = browser.application
    with app.app_context():
        factor = db.session.scalars(select(AppFactor)).one()
        secret = services().vault.open(factor.secret_id, SecretKind.AUTHENTICATOR, factor.user_id)
        code = pyotp.TOTP(secret).at(services().ambient.now())
    assert browser.submit("/settings/security/app", code=code).status_code == 303


RISES = {"confirmed": confirm, "new password": change_password, "second factor": add_factor}


@pytest.mark.parametrize("rise", RISES.values(), ids=RISES)
def test_what_the_session_was_before_its_rights_rose_is_dead(
    app: Flask, browser: Browser, rise: Callable[[Browser], None]
) -> None:
    before = {name: cookie(browser, name) for name in ("mingus", "device")}
    assert is_in(another(app, **before))
    rise(browser)
    assert is_in(browser)
    assert not is_in(another(app, **before))
    now = {name: cookie(browser, name) for name in ("mingus", "device")}
    assert now["device"] != before["device"]
    for keys in ({"mingus": now["mingus"]}, {**now, "device": before["device"]}):
        assert not is_in(another(app, **keys)), "the new session is bound, and to the new cookie"


@pytest.mark.parametrize("by_command", [True, False], ids=["by command", "by an admin"])
def test_who_becomes_an_admin_signs_in_anew(app: Flask, browser: Browser, by_command: bool) -> None:
    if by_command:
        assert app.test_cli_runner().invoke(args=["users", "promote", ADA]).exit_code == 0
    else:
        cleo = factories.sign_in(app, factories.make_person(app, CLEO, role=Role.ADMIN))
        with app.app_context():
            ada = db.session.scalars(select(User.id).where(User.email == ADA)).one()
        assert cleo.submit(f"/admin/people/{ada}/role").status_code == 303
    assert not is_in(browser)
    assert browser.get("/admin").status_code == 303
    again = signed_in(app)
    assert again.get("/admin").status_code == 200
    with app.app_context():
        services().auth.set_role(ADA, Role.MEMBER)
    assert is_in(again), "what was taken away needs no new session: it is gone"
    assert again.get("/admin").status_code == 404


def test_the_half_session_before_the_factor_is_dead_after_it(
    app: Flask, browser: Browser, ambient: FrozenAmbient
) -> None:
    with browser.session_transaction() as kept:
        token = kept["_user_id"]
    with app.app_context():
        visitor = services().sessions.visitor(token, cookie(browser, "device"))
        assert visitor is not None
        services().factors.begin_app(visitor.id)
        setup = services().factors.app_setup(visitor)
        assert setup is not None
        services().factors.confirm_app(visitor, pyotp.TOTP(setup.secret).at(ambient.now()))
    ambient.advance(seconds=60)
    fresh = another(app)
    fresh.submit("/login", email=ADA, password=PASSWORD)
    half = cookie(fresh, "mingus")
    assert not is_in(fresh)
    fresh.submit("/login/factor", code=pyotp.TOTP(setup.secret).at(ambient.now()))
    assert is_in(fresh)
    thief = another(app, mingus=half, device=cookie(fresh, "device"))
    assert not is_in(thief)
    assert thief.get("/login/factor").status_code == 200
    again = thief.submit("/login/factor", code=pyotp.TOTP(setup.secret).at(ambient.now()))
    assert again.status_code != 303
    assert not is_in(thief)
