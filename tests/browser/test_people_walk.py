"""A person's way through MINGUS in a real browser, each page looked at by an accessibility engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.browser.walker import View
from tests.factories import ADA
from tests.factories import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.browser.walker import LiveSite
    from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

NEW_PASSWORD = "copper-window-lighthouse"
DESK = View(width=1280, theme="light")
UNWALKED = ("/register", "/forgot", "/nothing-here")
UNWALKED_SIGNED_IN = ("/settings", "/settings/password", "/styleguide")
SIGNED_OUT = ("/", "/login", "/register", "/forgot", "/verify", "/nothing-here")
SIGNED_IN = ("/", "/settings", "/settings/password", "/settings/devices", "/styleguide")


def register(walker: Walker) -> None:
    walker.go("/register")
    walker.fill(display_name="Ada Lovelace", email=ADA, password=PASSWORD)
    walker.press("Create account")


def test_a_person_registers_signs_in_revokes_a_device_and_gets_back_in(
    walker: Walker, site: LiveSite, open_window: Callable[..., AbstractContextManager[Walker]]
) -> None:
    walker.go("/")
    walker.approve("home")
    register(walker)
    walker.approve("verify-sent")

    walker.go(site.newest_link(ADA))
    walker.approve("verify")
    walker.press("Confirm my address")
    assert "Your address is confirmed" in walker.text()
    walker.approve("login-after-verify")

    walker.fill(email=ADA, password=PASSWORD)
    walker.press("Sign in")
    assert "Hello, Ada Lovelace" in walker.text()
    walker.approve("dashboard-first-run")

    with open_window(DESK) as other:
        other.sign_in(ADA)
        walker.go("/settings/devices")
        assert walker.page.get_by_text("This device").count() == 1
        assert walker.text().count("Its clock: Spain (Madrid) Time") == 2
        walker.approve("devices")
        walker.press("Sign out")
        assert "That device is signed out" in walker.text()
        assert walker.page.locator(".row").count() == 1
        walker.approve("devices-after-revoke")
        other.go("/settings")
        assert other.path().startswith("/login?next="), "the other window is signed out"

    walker.page.locator("summary:visible", has=walker.page.locator(".avatar")).click()
    walker.press("Sign out")
    assert walker.path() == "/login"
    walker.go("/settings")
    assert walker.path().startswith("/login?next=")

    walker.go("/forgot")
    walker.fill(email=ADA)
    walker.press("Mail me a link")
    walker.approve("forgot-sent")
    link = site.newest_link(ADA)
    walker.go(link)
    walker.fill(password=NEW_PASSWORD, password_again="something else entirely")
    walker.press("Save the new password")
    assert "The two passwords differ" in walker.text()
    walker.approve("reset-with-error")
    walker.fill(password=NEW_PASSWORD, password_again=NEW_PASSWORD)
    walker.press("Save the new password")
    assert walker.path() == "/login"
    walker.fill(email=ADA, password=NEW_PASSWORD)
    walker.press("Sign in")
    assert "Hello, Ada Lovelace" in walker.text()

    walker.go(link)
    assert "This link no longer works" in walker.text()
    walker.approve("used-link")


def test_the_pages_beside_the_way_stand_up_to_a_close_look(walker: Walker, site: LiveSite) -> None:
    for path in UNWALKED:
        walker.go(path)
        walker.approve(f"out{path.replace('/', '-')}")
    factories.make_person(site.app)
    walker.sign_in(ADA)
    for path in UNWALKED_SIGNED_IN:
        walker.go(path)
        walker.approve(f"in{path.replace('/', '-')}")


def test_wrong_answers_are_named_where_they_are(walker: Walker, site: LiveSite) -> None:
    walker.go("/register")
    walker.fill(display_name=" ", email="ada@", password="short")
    walker.press("Create account")
    walker.approve("register-with-errors")
    for name in ("display_name", "email", "password"):
        wrong = walker.page.locator(f"[name={name}]")
        assert wrong.get_attribute("aria-invalid") == "true"
        told = (wrong.get_attribute("aria-describedby") or "").split()
        assert all(walker.page.locator(f"#{one}").count() == 1 for one in told)
        assert any("-error-" in one for one in told)
    assert walker.page.evaluate("document.activeElement.getAttribute('role')") == "alert"
    assert walker.page.input_value("[name=email]") == "ada@"
    factories.make_person(site.app)
    walker.go("/login")
    walker.fill(email=ADA, password="not the password")
    walker.press("Sign in")
    walker.approve("login-refused")
    assert "match" in walker.text()


def test_the_whole_way_works_without_javascript(
    site: LiveSite, open_window: Callable[..., AbstractContextManager[Walker]]
) -> None:
    with open_window(View(width=360, theme="light"), scripts=False) as walker:
        register(walker)
        walker.go(site.newest_link(ADA))
        walker.press("Confirm my address")
        walker.fill(email=ADA, password=PASSWORD)
        walker.press("Sign in")
        assert "Hello, Ada Lovelace" in walker.text()
        walker.go("/settings")
        walker.page.select_option("[name=time_zone]", "Europe/Berlin")
        walker.press("Save")
        assert walker.page.input_value("[name=time_zone]") == "Europe/Berlin"
        walker.page.locator("summary:visible", has=walker.page.locator(".avatar")).click()
        walker.press("Sign out")
        assert walker.path() == "/login"


def test_nothing_scrolls_sideways_on_the_smallest_phone(
    site: LiveSite, open_window: Callable[..., AbstractContextManager[Walker]]
) -> None:
    factories.make_person(site.app)
    with open_window(View(width=320, theme="light")) as walker:
        for path in SIGNED_OUT:
            walker.go(path)
            assert walker.sideways() == 0, path
        walker.sign_in(ADA)
        for path in SIGNED_IN:
            walker.go(path)
            assert walker.sideways() == 0, path
