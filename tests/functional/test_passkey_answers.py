"""What is asked of passkeys, and answers that none of them gave. Real ones are walked in tests/browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mingus.auth.factor_models import PasskeyChallenge
from mingus.db import db
from mingus.services import services
from tests import factories
from tests.functional.test_second_factors import add_passkey
from tests.functional.test_second_factors import is_in

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


def test_questions_to_passkeys_are_the_same_for_all_and_wait_briefly(
    app: Flask, ada: UserId, browser: Browser, ambient: FrozenAmbient
) -> None:
    add_passkey(app, ada)
    asked = browser.send_json("/login/passkey/question", None).get_json()["question"]
    assert asked["allowCredentials"] == []
    assert asked["userVerification"] == "required"
    ambient.advance(minutes=6)
    with app.app_context():
        services().passkeys.forget_expired()
        assert db.session.query(PasskeyChallenge).count() == 0


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"id": "cred1"},
        {"id": "cred1", "response": {"clientDataJSON": "bm90IGpzb24"}},
        {"id": "cred1", "response": {"clientDataJSON": "W10"}},
        {"id": "cred1", "response": {"clientDataJSON": "eyJjaGFsbGVuZ2UiOiJ4In0"}},
        {"id": ["cred1"], "response": {"clientDataJSON": 7}},
    ],
)
def test_made_up_answers_of_passkeys_are_refused(
    app: Flask, ada: UserId, browser: Browser, credential: dict[str, object]
) -> None:
    add_passkey(app, ada)
    assert browser.send_json("/login/passkey", {"credential": credential}).status_code == 422
    mine = factories.sign_in(app, ada)
    for path in ("/settings/security/passkeys", "/confirm/passkey"):
        assert mine.send_json(path, {"credential": credential}).status_code == 422
    assert not is_in(browser)


def test_passkeys_cannot_be_asked_without_end(app: Flask, browser: Browser) -> None:
    answers = {browser.send_json("/login/passkey/question", None).status_code for _ in range(61)}
    assert answers == {200, 429}
