"""The pages of notices: a bell that counts, a list with one way out of each, and choices that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mingus.db import unit_of_work
from mingus.notices.models import NoticeKind
from mingus.services import services
from tests import factories
from tests.factories import BEN
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from tests.support.browser import Browser


@pytest.fixture
def person(app: Flask) -> UserId:
    found = factories.make_person(app)
    with app.app_context(), unit_of_work() as unit:
        wired = services()
        board = wired.board
        board.pin(unit, found, NoticeKind.RECONNECT, "x", bank="<b>Bank</b> & Söhne")
        board.pin(unit, found, NoticeKind.IMPORTED, "x", bank="Other")
        board.pin(unit, found, NoticeKind.EXPIRING, "x", bank="Third", days=7)
        board.pin(unit, found, NoticeKind.ENDED, "x", bank="Fourth")
        board.pin(unit, found, NoticeKind.NEW_DEVICE, "x")
    return found


@pytest.fixture
def ada(app: Flask, person: UserId) -> Browser:
    return factories.sign_in(app, person)


def test_every_kind_has_its_words_and_its_way_and_names_stay_text(ada: Browser) -> None:
    page = ada.get("/notices").get_data(as_text=True)
    assert "&lt;b&gt;Bank&lt;/b&gt; &amp; Söhne asks you to sign in again" in page
    assert "Third stops in 7 days" in page
    for path in ("/connect?connection=", "/transactions", "/settings/devices"):
        assert f'href="{path}' in page


def test_the_bell_counts_until_all_is_read(ada: Browser) -> None:
    assert "Notices, 5 new" in ada.get("/accounts").get_data(as_text=True)
    assert ada.submit("/notices/read").status_code == 303
    assert "new" not in text_of(ada.get("/notices")).split("Notices")[0]
    assert "Notices, " not in ada.get("/accounts").get_data(as_text=True)


def test_nobody_sees_or_reads_anothers(app: Flask, person: UserId) -> None:
    ben = factories.sign_in(app, factories.make_person(app, BEN))
    assert "Nothing to tell" in text_of(ben.get("/notices"))
    ben.submit("/notices/read")
    with app.app_context():
        assert services().notices.unread(person) == 5


def test_choices_are_kept_and_odd_ones_refused(app: Flask, person: UserId, ada: Browser) -> None:
    answer = ada.submit("/settings/notifications", hours="6", **{"reconnect-app": "on", "ended-mail": "on"})
    assert answer.status_code == 303
    page = ada.get("/settings/notifications").get_data(as_text=True)
    assert page.count(" checked") == 2
    assert '<option value="6" selected>' in page
    assert ada.submit("/settings/notifications", hours="1").status_code == 400
    with app.app_context():
        assert services().schedules.hours_of(person) == 6
        assert services().notices.unread(person) == 1


def test_a_mail_shows_names_as_they_are(app: Flask, person: UserId) -> None:
    with app.app_context():
        jobs = services().jobs
    jobs.run_all()  # type: ignore[attr-defined]  # the queue of tests
    (letter,) = factories.letters(app)
    assert "& Söhne asks you to sign in again." in str(letter.get_content())
