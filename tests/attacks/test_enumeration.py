"""Known and unknown addresses: the same words, the same work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mingus.services import services
from tests import factories
from tests.factories import ADA
from tests.factories import PASSWORD
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask

    from tests.support.browser import Browser

UNKNOWN = "eve@mingus.test"
FORMS = {
    "/login": {"password": "guess-guess-guess"},
    "/forgot": {},
    "/register": {"display_name": "Eve", "password": "copper-window-lighthouse", "invitation": ""},
}


@pytest.fixture
def hashes(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every slow computation over a password, by name."""
    done: list[str] = []
    with app.app_context():
        passwords = services().auth._passwords
    for name in ("hash", "matches"):
        real = getattr(passwords, name)

        def counted(*arguments: object, _real: object = real, _name: str = name) -> object:
            done.append(_name)
            return _real(*arguments)  # type: ignore[operator]  # the real one

        monkeypatch.setattr(passwords, name, counted)
    return done


@pytest.mark.parametrize("path", FORMS)
def test_an_address_is_not_told_by_words_or_by_work(
    app: Flask, browser: Browser, hashes: list[str], query_count: list[str], path: str
) -> None:
    factories.make_person(app)
    done = {}
    for email in (ADA, UNKNOWN):
        hashes.clear()
        query_count.clear()
        answer = browser.submit(path, email=email, **FORMS[path])
        shown = text_of(answer).replace(email, "")
        done[email] = (answer.status_code, answer.location, shown, tuple(hashes), len(query_count))
    assert done[ADA] == done[UNKNOWN]


def test_a_disabled_person_is_told_as_little(app: Flask, browser: Browser) -> None:
    factories.make_person(app)
    with app.app_context():
        services().auth.disable(ADA)
    hers = browser.submit("/login", email=ADA, password=PASSWORD)
    nobody = browser.submit("/login", email=UNKNOWN, password=PASSWORD)
    assert hers.status_code == nobody.status_code == 401
    assert text_of(hers).replace(ADA, "") == text_of(nobody).replace(UNKNOWN, "")


def test_whether_somebody_has_a_factor_is_told_after_the_password_only(app: Flask, browser: Browser) -> None:
    person = factories.make_person(app)
    plain = text_of(browser.submit("/login", email=ADA, password="guess-guess-guess"))
    mine = factories.sign_in(app, person)
    mine.submit("/settings/security/app/begin")
    assert text_of(browser.submit("/login", email=ADA, password="guess-guess-guess")) == plain
