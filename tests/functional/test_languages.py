"""People are spoken to in their language: on pages, in mails, by errors, and in Plaid Link."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mingus import config
from mingus.auth.models import User
from mingus.db import db
from mingus.db import unit_of_work
from mingus.services import services
from mingus.web import amounts
from mingus.web import texts
from tests import factories
from tests.factories import ADA
from tests.factories import PASSWORD
from tests.support.bank import ask_plaid
from tests.support.browser import text_of

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running
    from tests.support.browser import Browser

SPANISH = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}


def speak(app: Flask, person: UserId, locale: str) -> None:
    with app.app_context(), unit_of_work() as unit:
        unit.lock_one(User, person).locale = locale


def test_who_is_not_signed_in_is_spoken_to_as_their_browser_asks(browser: Browser) -> None:
    page = browser.get("/login", headers=SPANISH)
    assert '<html lang="es-MX"' in page.text
    assert "Iniciar sesión" in text_of(page)
    assert "Sign in" in text_of(browser.get("/login", headers={"Accept-Language": "fr"}))


def test_formats_of_another_country_leave_the_words_english(app: Flask) -> None:
    ada = factories.make_person(app)
    speak(app, ada, "en_DE")
    page = factories.sign_in(app, ada).get("/")
    assert '<html lang="en-DE"' in page.text
    assert "Hello" in text_of(page)


def test_a_browsers_region_counts_where_its_language_does_not(browser: Browser) -> None:
    page = browser.get("/login", headers={"Accept-Language": "de-DE,de;q=0.9,en;q=0.5"})
    assert '<html lang="en-DE"' in page.text


def test_who_signs_up_in_spanish_is_mailed_and_received_in_spanish(
    app: Flask, browser: Browser, jobs: InlineJobs
) -> None:
    fields = {"display_name": "Ada", "email": ADA, "password": PASSWORD}
    browser.post("/register", data={**fields, "csrf_token": browser.csrf_token()}, headers=SPANISH)
    jobs.run_all()
    (letter,) = factories.letters(app)
    assert letter["Subject"] == "Confirma tu dirección para MINGUS"
    browser.submit(factories.link_in(letter))
    with app.app_context():
        assert db.session.scalars(select(User.locale)).all() == ["es_MX"]


def test_mails_are_in_the_readers_language_whoever_asks(
    app: Flask, browser: Browser, jobs: InlineJobs
) -> None:
    ada = factories.make_person(app)
    speak(app, ada, "es_ES")
    browser.submit("/forgot", email=ADA)
    jobs.run_all()
    (letter,) = factories.letters(app)
    assert letter["Subject"] == "Pon una contraseña nueva en MINGUS"


def test_errors_are_told_in_the_persons_language_on_pages_and_to_programs(app: Flask) -> None:
    ada = factories.make_person(app)
    speak(app, ada, "es_ES")
    window = factories.sign_in(app, ada)
    assert "Aquí no hay nada" in text_of(window.get("/nowhere"))
    answer = window.get("/api/plaid/connections/con_none/health")
    assert answer.get_json()["error"]["code"] == "not_found"
    assert "No hay ninguna página" in answer.get_json()["error"]["message"]


def test_numbers_in_sentences_are_written_as_the_person_does(app: Flask) -> None:
    ada = factories.make_person(app)
    speak(app, ada, "es_ES")
    with app.test_request_context("/", headers={"Accept-Language": "es-ES"}):
        told = texts.ngettext("%(num)s transaction imported.", "%(num)s transactions imported.", 12_345)
        assert told == "12.345 movimientos importados."
        one = texts.ngettext("%(num)s transaction imported.", "%(num)s transactions imported.", 1)
        assert one == "1 movimiento importado."


def test_plaids_window_speaks_as_the_person_does(app: Flask, plaid: Running, jobs: InlineJobs) -> None:
    ada = factories.make_person(app)

    def spoken() -> str:
        with app.app_context():
            token = services().plaid.create_link_token(ada).link_token
        found = ask_plaid(plaid, "/link/token/get", link_token=token)
        return str(found["metadata"]["language"])

    assert spoken() == "en"
    speak(app, ada, "es_MX")
    assert spoken() == "es"


def test_texts_are_compiled_once_and_elsewhere_where_the_disk_is_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = config.ROOT / "translations"
    first = texts.prepare(source, tmp_path)
    assert texts.prepare(source, tmp_path) == first
    assert (first / "es" / "LC_MESSAGES" / "messages.mo").is_file()
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "other"))
    assert texts.prepare(source, blocked).is_relative_to(tmp_path / "other")


@pytest.mark.parametrize(
    ("wish", "typed"),
    [
        ("fr-FR,en", "1 234,50"),
        ("fr-FR,en", "1\u202f234,50"),
        ("de-CH,en", "1'234.50"),
        ("de-CH,en", "1’234.50"),
        ("en-US", "1,234.50"),
    ],
)
def test_thousands_are_parted_by_what_the_keyboard_has(app: Flask, wish: str, typed: str) -> None:
    with app.test_request_context("/", headers={"Accept-Language": wish}):
        assert amounts.read_amount(typed) == Decimal("1234.5")
