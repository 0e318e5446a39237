"""Passkeys in a real browser with a virtual authenticator: added, signed in with, confirmed with, refused."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyotp
import pytest

from mingus.auth.factor_models import AppFactor
from mingus.auth.models import AuthSession
from mingus.auth.sessions import FRESH
from mingus.db import db
from mingus.db import unit_of_work
from mingus.sealed import SecretKind
from mingus.services import services
from tests import factories
from tests.browser.walker import View
from tests.factories import ADA
from tests.factories import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from playwright.sync_api import CDPSession

    from tests.browser.walker import LiveSite
    from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def give_authenticator(walker: Walker) -> tuple[CDPSession, str]:
    """A device that makes passkeys and says yes at once."""
    session = walker.context.new_cdp_session(walker.page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return session, made["authenticatorId"]


def sign_out(walker: Walker) -> None:
    walker.page.locator("summary:visible", has=walker.page.locator(".avatar")).click()
    walker.press("Sign out")


def forget_when_it_was(site: LiveSite) -> None:
    """Every sign-in is a while ago."""
    with site.app.app_context(), unit_of_work() as unit:
        for row in unit.session.query(AuthSession):
            row.authenticated_at -= FRESH


def test_a_passkey_signs_in_confirms_and_is_given_up(walker: Walker, site: LiveSite) -> None:
    factories.make_person(site.app)
    authenticator, name = give_authenticator(walker)
    walker.sign_in(ADA)
    walker.go("/settings/security")
    walker.approve("security-empty")
    walker.press("Add a passkey")
    assert "The passkey is added" in walker.text()
    walker.approve("security-passkey")
    walker.press("Make recovery codes")
    walker.approve("security-codes")
    sign_out(walker)

    walker.approve("login-with-passkey")
    walker.press("Sign in with a passkey")
    assert "Hello, Ada" in walker.text()

    forget_when_it_was(site)
    walker.go("/settings/password")
    assert walker.path() == "/confirm?next=/settings/password"
    walker.approve("confirm-with-factor")
    walker.press("Confirm with a passkey")
    assert walker.path() == "/settings/password"

    walker.go("/settings/security")
    walker.press("Remove")
    assert "no longer works here" in walker.text()
    sign_out(walker)
    walker.page.get_by_role("button", name="Sign in with a passkey").click()
    walker.page.get_by_text("That passkey does not work here").wait_for()
    assert authenticator.send("WebAuthn.getCredentials", {"authenticatorId": name})["credentials"]


def test_a_person_who_does_not_show_themselves_is_not_let_in(desk: Walker, site: LiveSite) -> None:
    factories.make_person(site.app)
    authenticator, name = give_authenticator(desk)
    desk.sign_in(ADA)
    desk.go("/settings/security")
    desk.press("Add a passkey")
    sign_out(desk)
    authenticator.send("WebAuthn.setUserVerified", {"authenticatorId": name, "isUserVerified": False})
    desk.page.get_by_role("button", name="Sign in with a passkey").click()
    desk.page.get_by_text("Nothing was done").wait_for()
    desk.go("/settings")
    assert desk.path().startswith("/login")


def test_after_the_password_a_passkey_is_the_second_step(desk: Walker, site: LiveSite) -> None:
    factories.make_person(site.app)
    give_authenticator(desk)
    desk.sign_in(ADA)
    desk.go("/settings/security")
    desk.press("Add a passkey")
    sign_out(desk)
    desk.sign_in(ADA)
    assert desk.path().startswith("/login/factor")
    desk.approve("factor")
    desk.press("Use a passkey instead")
    assert "Hello, Ada" in desk.text()


def test_an_app_is_set_up_and_used_without_javascript(
    site: LiveSite, open_window: Callable[..., AbstractContextManager[Walker]]
) -> None:
    ada = factories.make_person(site.app)

    def code(steps: int) -> str:
        with site.app.app_context():
            row = db.session.get_one(AppFactor, ada)
            secret = services().vault.open(row.secret_id, SecretKind.AUTHENTICATOR, ada)
            return pyotp.TOTP(secret).at(services().ambient.now() + dt.timedelta(seconds=30 * steps))

    with open_window(View(width=360, theme="light"), scripts=False) as walker:
        walker.sign_in(ADA)
        walker.go("/settings/security")
        walker.press("Set up an app")
        walker.fill(code=code(-1))
        walker.press("Finish")
        assert "Your authenticator app is set up" in walker.text()
        walker.press("Make recovery codes")
        assert walker.page.locator("pre.code").inner_text().count("-") == 30
        sign_out(walker)
        walker.sign_in(ADA)
        walker.fill(code=code(0))
        walker.press("Go on")
        assert "Hello, Ada" in walker.text()
        forget_when_it_was(site)
        walker.go("/settings/tokens")
        walker.fill(name="Budget sheet")
        walker.press("Make the token")
        walker.fill(password=PASSWORD, code=code(1))
        walker.press("Confirm")
        walker.press("Go on with it")
        assert "mgs_" in walker.text()


def test_the_pages_of_an_app_stand_up_to_a_close_look(walker: Walker, site: LiveSite) -> None:
    factories.make_person(site.app)
    walker.sign_in(ADA)
    walker.go("/settings/security")
    walker.press("Set up an app")
    walker.approve("app-setup")
    walker.fill(code="000000")
    walker.press("Finish")
    walker.approve("app-setup-wrong")
    walker.go("/settings/history")
    walker.approve("history")
