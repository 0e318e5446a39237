"""Profile, address, password and devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyotp
import pytest

from mingus.auth.factor_models import AppFactor
from mingus.auth.models import AuthSession
from mingus.auth.models import User
from mingus.db import db
from mingus.db import unit_of_work
from mingus.sealed import SecretKind
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
PROFILE = {
    "display_name": "Ada L.",
    "time_zone": "Europe/Berlin",
    "language": "en",
    "region": "DE",
    "currency": "EUR",
    "theme": "dark",
}


def person(app: Flask) -> User:
    with app.app_context():
        return db.session.query(User).filter_by(email=ADA).one()


def session_ids(app: Flask) -> list[str]:
    with app.app_context():
        return [row.id for row in db.session.query(AuthSession).order_by(AuthSession.id)]


def test_the_profile_is_saved_and_shown(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    assert browser.submit("/settings", **PROFILE).status_code == 303
    assert person(app).time_zone == "Europe/Berlin"
    assert 'value="Ada L."' in browser.get("/settings").get_data(as_text=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("language", "xx"),
        ("region", "XX"),
        ("currency", "???"),
        ("theme", "pink"),
        ("display_name", ""),
    ],
)
def test_a_profile_with_one_wrong_field_changes_nothing(app: Flask, field: str, value: str) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    assert browser.submit("/settings", **{**PROFILE, field: value}).status_code == 422
    assert person(app).time_zone == "UTC"


def test_language_and_region_are_chosen_apart(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    browser.submit("/settings", **{**PROFILE, "language": "es", "region": "MX"})
    assert person(app).locale == "es_MX"
    page = browser.get("/settings").text
    assert '<html lang="es-MX"' in page
    assert '<option selected value="MX">México: 27 nov 2026, 5:05' in page
    browser.submit("/settings", **{**PROFILE, "language": "en", "region": "GB"})
    assert (
        '<option selected value="GB">United Kingdom: 27 Nov 2026, 17:05, 1,234.50</option>'
        in browser.get("/settings").text
    )


def test_what_a_form_does_not_ask_for_is_not_taken(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    browser.submit("/settings", **PROFILE, role="admin", email=BEN, password_hash="x")
    assert (person(app).role, person(app).email) == ("member", ADA)


def test_a_new_password_signs_the_other_devices_out_and_keeps_this_one(app: Flask, jobs: InlineJobs) -> None:
    ada = factories.make_person(app)
    here, there = factories.sign_in(app, ada), factories.sign_in(app, ada)
    fields = {"current": PASSWORD, "password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
    assert here.submit("/settings/password", **fields).status_code == 303
    assert here.get("/settings").status_code == 200
    assert there.get("/settings").status_code == 303
    jobs.run_all()
    assert [letter["To"] for letter in factories.letters(app)] == [ADA]


def test_the_current_password_must_be_right(app: Flask) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    before = person(app).password_hash
    fields = {"current": "not-this-one", "password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
    assert browser.submit("/settings/password", **fields).status_code == 422
    assert person(app).password_hash == before


def test_an_address_changes_once_its_new_owner_confirms(app: Flask, jobs: InlineJobs) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    new = "ada@elsewhere.test"
    assert browser.submit("/settings/email", email=new).status_code == 303
    assert person(app).email == ADA
    jobs.run_all()
    path = factories.link_in(factories.letters(app)[0])
    assert new in text_of(browser.get(path))
    assert browser.submit(path).status_code == 303
    with app.app_context():
        assert [user.email for user in db.session.query(User)] == [new]
    jobs.run_all()
    assert factories.letters(app)[-1]["To"] == ADA, "the old address is told"


def test_an_address_link_works_only_for_who_asked(app: Flask, jobs: InlineJobs) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    stranger = factories.sign_in(app, factories.make_person(app, BEN))
    browser.submit("/settings/email", email="ada@elsewhere.test")
    jobs.run_all()
    path = factories.link_in(factories.letters(app)[0])
    assert stranger.submit(path).status_code == 400
    assert person(app).email == ADA
    assert browser.submit(path).status_code == 303


def test_devices_are_listed_and_one_can_be_signed_out(app: Flask) -> None:
    ada = factories.make_person(app)
    here = factories.sign_in(app, ada)
    there = factories.sign_in(app, ada)
    first, second = session_ids(app)
    page = text_of(here.get("/settings/devices"))
    assert page.count("Firefox · Linux") == 2
    assert here.submit(f"/settings/devices/{second}/revoke").status_code == 303
    assert session_ids(app) == [first]
    assert there.get("/settings").status_code == 303


@pytest.mark.parametrize(
    ("zone", "place"),
    [
        ("Europe/Madrid", "from 127.0.0.0 Its clock: Spain (Madrid) Time"),
        ("Mars/Crater", "from 127.0.0.0"),
        ("<b>/x", "from 127.0.0.0"),
        ("", "from 127.0.0.0"),
    ],
)
def test_a_devices_place_is_its_network_and_what_its_clock_says(
    app: Flask, browser: Browser, zone: str, place: str
) -> None:
    factories.make_person(app)
    browser.submit("/login", email=ADA, password=PASSWORD, zone=zone)
    page = text_of(browser.get("/settings/devices"))
    assert page.partition("Signed in")[2].partition("from")[2].strip().startswith(place[5:])
    assert ("Its clock" in page) == ("Its clock" in place)


def test_the_place_goes_on_through_a_second_factor_and_a_new_password(app: Flask, browser: Browser) -> None:
    ada = factories.make_person(app)
    with app.app_context():
        services().factors.begin_app(ada)
        factor = db.session.get_one(AppFactor, ada)
        secret = services().vault.open(factor.secret_id, SecretKind.AUTHENTICATOR, ada)
        with unit_of_work() as unit:
            unit.lock_one(AppFactor, ada).confirmed_at = services().ambient.now()
            unit.lock_one(User, ada).factor_since = services().ambient.now()
        code = pyotp.TOTP(secret).at(services().ambient.now())
    browser.submit("/login", email=ADA, password=PASSWORD, zone="Asia/Kolkata")
    browser.submit("/login/factor", code=code)
    assert "Its clock: India Time" in text_of(browser.get("/settings/devices"))
    new = {"password": NEW_PASSWORD, "password_again": NEW_PASSWORD}
    assert browser.submit("/settings/password", current=PASSWORD, **new).status_code == 303
    assert "Its clock: India Time" in text_of(browser.get("/settings/devices"))


def test_somebody_elses_device_is_not_there(app: Flask) -> None:
    factories.sign_in(app, factories.make_person(app))
    [of_ada] = session_ids(app)
    stranger = factories.sign_in(app, factories.make_person(app, BEN))
    foreign = stranger.submit(f"/settings/devices/{of_ada}/revoke")
    missing = stranger.submit("/settings/devices/ses_nothing/revoke")
    assert foreign.status_code == missing.status_code == 404
    assert of_ada in session_ids(app)


def test_all_other_devices_go_at_once(app: Flask) -> None:
    ada = factories.make_person(app)
    here = factories.sign_in(app, ada)
    others = [factories.sign_in(app, ada) for _ in range(3)]
    assert here.submit("/settings/devices/revoke-others").status_code == 303
    assert here.get("/settings").status_code == 200
    assert {other.get("/settings").status_code for other in others} == {303}


def test_an_idle_session_ends_after_half_an_hour(app: Flask, ambient: FrozenAmbient) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    for _ in range(4):
        ambient.advance(minutes=29)
        assert browser.get("/settings").status_code == 200
    ambient.advance(minutes=31)
    assert browser.get("/settings").status_code == 303


def test_a_busy_session_ends_after_twelve_hours(app: Flask, ambient: FrozenAmbient) -> None:
    browser = factories.sign_in(app, factories.make_person(app))
    for _ in range(27):
        ambient.advance(minutes=26)
        assert browser.get("/settings").status_code == 200
    ambient.advance(minutes=26)
    assert browser.get("/settings").status_code == 303


def test_a_remembered_device_may_rest_for_days(app: Flask, ambient: FrozenAmbient) -> None:
    browser = factories.sign_in(app, factories.make_person(app), remembered=True)
    ambient.advance(days=13)
    assert browser.get("/settings").status_code == 200
    ambient.advance(days=15)
    assert browser.get("/settings").status_code == 303
