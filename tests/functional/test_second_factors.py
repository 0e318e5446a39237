"""Second factors: asked for on every way in, each answer good once, lost ones replaced without a way around."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pyotp
import pytest
from sqlalchemy import select

from mingus.audit import AuditFilter
from mingus.auth.factor_models import AppFactor
from mingus.auth.factor_models import Passkey
from mingus.auth.factor_models import PasskeyId
from mingus.auth.factor_models import RecoveryCode
from mingus.auth.models import Role
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.config import SecondFactor
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

CODE = re.compile(r"[a-z2-7]{6}(?:-[a-z2-7]{6}){3}")


def secret_of(app: Flask, person: UserId) -> str:
    with app.app_context():
        row = db.session.get_one(AppFactor, person)
        return services().vault.open(row.secret_id, SecretKind.AUTHENTICATOR, person)


def code_now(app: Flask, person: UserId, *, steps: int = 0) -> str:
    """What the person's app shows, some steps of half a minute away."""
    with app.app_context():
        at = services().ambient.now() + dt.timedelta(seconds=30 * steps)
    return pyotp.TOTP(secret_of(app, person)).at(at)


def set_app_up(app: Flask, browser: Browser, person: UserId) -> None:
    assert browser.submit("/settings/security/app/begin").status_code == 303
    answer = browser.submit("/settings/security/app", code=code_now(app, person, steps=-1))
    assert answer.status_code == 303


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def hers(app: Flask, ada: UserId) -> Browser:
    """Her browser, with an authenticator app set up."""
    browser = factories.sign_in(app, ada)
    set_app_up(app, browser, ada)
    return browser


def log_in(browser: Browser, **fields: str) -> str:
    """Where the right password leads."""
    answer = browser.submit("/login", email=ADA, password=PASSWORD, **fields)
    assert answer.status_code == 303
    return answer.location


def is_in(browser: Browser) -> bool:
    return browser.get("/settings").status_code == 200


def make_codes(browser: Browser) -> list[str]:
    return CODE.findall(browser.submit("/settings/security/codes").get_data(as_text=True))


def add_passkey(app: Flask, person: UserId, number: int = 1) -> str:
    """A passkey as if a browser had made it; what browsers do is walked in tests/browser."""
    with app.app_context(), unit_of_work() as unit:
        user = unit.lock_one(User, person)
        user.factor_since = user.created_at
        unit.session.add(
            Passkey(
                id=PasskeyId(f"psk_{number}"),
                user_id=person,
                credential_id=f"cred{number}",
                public_key=b"x",
                sign_count=0,
                name="Firefox · Linux",
                created_at=user.created_at,
            )
        )
    return f"psk_{number}"


def test_an_app_counts_once_its_first_code_was_right(app: Flask, ada: UserId, browser: Browser) -> None:
    mine = factories.sign_in(app, ada)
    assert mine.get("/settings/security/app").status_code == 404
    mine.submit("/settings/security/app/begin")
    page = mine.get("/settings/security/app")
    assert "<svg" in page.get_data(as_text=True)
    assert secret_of(app, ada)[:4] in text_of(page)
    wrong = mine.submit("/settings/security/app", code="000000")
    assert wrong.status_code == 422
    assert "not right" in text_of(wrong)
    assert log_in(browser) == "/", "not asked for before it works"
    assert mine.submit("/settings/security/app", code=code_now(app, ada)).status_code == 303
    assert log_in(app.test_client()).startswith("/login/factor")  # type: ignore[arg-type]  # the client of tests


def test_the_password_alone_opens_nothing(app: Flask, hers: Browser, browser: Browser) -> None:
    assert log_in(browser, next="/reports") == "/login/factor?next=/reports"
    for path in ("/", "/settings", "/accounts", "/api/plaid/accounts", "/confirm", "/settings/security"):
        answer = browser.get(path)
        assert answer.status_code in {200, 303, 401}
        assert "Ada" not in text_of(answer), path
    assert not is_in(browser)


def test_the_right_code_leads_on(app: Flask, ada: UserId, hers: Browser, browser: Browser) -> None:
    step = log_in(browser, next="/reports")
    answer = browser.submit(step, code=code_now(app, ada))
    assert (answer.status_code, answer.location) == (303, "/reports")
    assert is_in(browser)


def test_a_code_works_once(app: Flask, ada: UserId, hers: Browser, browser: Browser) -> None:
    code = code_now(app, ada)
    browser.submit(log_in(browser), code=code)
    other: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    assert other.submit(log_in(other), code=code).status_code == 422
    assert not is_in(other)


@pytest.mark.parametrize("steps", [-3, 3])
def test_a_code_of_another_time_is_refused(
    app: Flask, ada: UserId, hers: Browser, browser: Browser, steps: int
) -> None:
    assert browser.submit(log_in(browser), code=code_now(app, ada, steps=steps)).status_code == 422


def test_five_wrong_codes_close_the_door_for_five_minutes(
    app: Flask, ada: UserId, hers: Browser, browser: Browser, ambient: FrozenAmbient
) -> None:
    step = log_in(browser)
    assert [browser.submit(step, code="000000").status_code for _ in range(6)] == [422] * 5 + [429]
    assert browser.submit(step, code=code_now(app, ada)).status_code == 429
    ambient.advance(seconds=300)
    assert browser.submit(step, code=code_now(app, ada)).status_code == 303


def test_the_second_step_waits_ten_minutes(
    app: Flask, ada: UserId, hers: Browser, browser: Browser, ambient: FrozenAmbient
) -> None:
    step = log_in(browser)
    ambient.advance(minutes=11)
    assert browser.submit(step, code=code_now(app, ada)).status_code == 401
    assert browser.get(step).location == "/login"


def test_the_second_step_without_a_first_leads_to_the_start(browser: Browser) -> None:
    assert browser.get("/login/factor").location == "/login"
    assert browser.submit("/login/factor", code="123456").location == "/login"


def test_a_half_session_is_no_device_and_is_used_up(
    app: Flask, ada: UserId, hers: Browser, browser: Browser
) -> None:
    step = log_in(browser)
    assert text_of(hers.get("/settings/devices")).count("Signed in") == 1
    with browser.session_transaction() as session:
        half = session["half"]
    browser.submit(step, code=code_now(app, ada))
    thief: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    with thief.session_transaction() as session:
        session["half"] = half
    assert thief.submit("/login/factor", code=code_now(app, ada, steps=1)).status_code == 401
    with thief.session_transaction() as session:
        session["_user_id"] = half
    assert not is_in(thief)


def test_recovery_codes_are_shown_once_and_burn(
    app: Flask, ada: UserId, hers: Browser, browser: Browser
) -> None:
    codes = make_codes(hers)
    assert len(set(codes)) == 10
    assert not CODE.search(hers.get("/settings/security").get_data(as_text=True))
    assert browser.submit(log_in(browser), code=f" {codes[0].upper()} ").status_code == 303
    other: Browser = app.test_client()  # type: ignore[assignment]  # test_client_class says so
    assert other.submit(log_in(other), code=codes[0]).status_code == 422
    assert "9 codes are left" in text_of(hers.get("/settings/security"))
    with app.app_context():
        assert not db.session.scalar(select(RecoveryCode).where(RecoveryCode.code_hash.in_(codes)))


def test_new_codes_replace_the_old(app: Flask, hers: Browser, browser: Browser) -> None:
    old, new = make_codes(hers), make_codes(hers)
    assert not set(old) & set(new)
    step = log_in(browser)
    assert browser.submit(step, code=old[0]).status_code == 422
    assert browser.submit(step, code=new[0]).status_code == 303


def test_another_persons_code_is_no_code(app: Flask, hers: Browser, browser: Browser) -> None:
    ben = factories.make_person(app, BEN)
    his = factories.sign_in(app, ben)
    set_app_up(app, his, ben)
    codes = make_codes(his)
    step = log_in(browser)
    assert browser.submit(step, code=codes[0]).status_code == 422
    assert browser.submit(step, code=code_now(app, ben)).status_code == 422


def test_codes_need_something_that_can_be_lost(app: Flask, ada: UserId) -> None:
    assert factories.sign_in(app, ada).submit("/settings/security/codes").status_code == 409


def test_setting_an_app_up_signs_other_devices_out_and_is_mailed(
    app: Flask, ada: UserId, jobs: InlineJobs
) -> None:
    here, there = factories.sign_in(app, ada), factories.sign_in(app, ada)
    with here.session_transaction() as session:
        before = session["_user_id"]
    set_app_up(app, here, ada)
    assert is_in(here)
    assert not is_in(there)
    with here.session_transaction() as session:
        assert session["_user_id"] != before, "a rise of rights is a new token"
    jobs.run_all()
    assert "a second factor was added" in str(factories.letters(app)[-1].get_content())


def test_an_app_is_set_up_once(app: Flask, hers: Browser) -> None:
    assert hers.submit("/settings/security/app/begin").status_code == 409


def test_beginning_anew_makes_the_first_secret_void(app: Flask, ada: UserId) -> None:
    browser = factories.sign_in(app, ada)
    browser.submit("/settings/security/app/begin")
    old = code_now(app, ada)
    browser.submit("/settings/security/app/begin")
    assert browser.submit("/settings/security/app", code=old).status_code == 422


def test_a_removed_app_is_not_asked_for(app: Flask, ada: UserId, hers: Browser, browser: Browser) -> None:
    make_codes(hers)
    assert hers.submit("/settings/security/app/remove").status_code == 303
    assert log_in(browser) == "/"
    assert hers.submit("/settings/security/app/remove").status_code == 404
    with app.app_context():
        assert db.session.query(RecoveryCode).count() == 0
        assert services().vault.verify().total == 0


def test_the_last_of_several_factors_counts(app: Flask, ada: UserId, hers: Browser, browser: Browser) -> None:
    passkey_id = add_passkey(app, ada)
    assert "Firefox · Linux" in text_of(hers.get("/settings/security"))
    hers.submit("/settings/security/app/remove")
    assert log_in(browser).startswith("/login/factor")
    hers.submit(f"/settings/security/passkeys/{passkey_id}/remove")
    assert log_in(app.test_client()) == "/"  # type: ignore[arg-type]  # the client of tests


def test_nobody_removes_another_persons_passkey(app: Flask, ada: UserId) -> None:
    passkey_id = add_passkey(app, ada)
    stranger = factories.sign_in(app, factories.make_person(app, BEN))
    for one in (passkey_id, "psk_none"):
        assert stranger.submit(f"/settings/security/passkeys/{one}/remove").status_code == 404
    with app.app_context():
        assert db.session.query(Passkey).count() == 1


def test_a_reset_by_mail_does_not_pass_the_factor_by(
    app: Flask, ada: UserId, hers: Browser, browser: Browser, jobs: InlineJobs
) -> None:
    browser.submit("/forgot", email=ADA)
    jobs.run_all()
    new = "copper-window-lighthouse"
    link = factories.link_in(factories.letters(app)[-1])
    assert browser.submit(link, password=new, password_again=new).location == "/login"
    answer = browser.submit("/login", email=ADA, password=new)
    assert answer.location.startswith("/login/factor")
    assert not is_in(browser)


def test_the_operator_resets_what_was_lost(
    app: Flask, ada: UserId, hers: Browser, browser: Browser, jobs: InlineJobs
) -> None:
    add_passkey(app, ada)
    assert app.test_cli_runner().invoke(args=["users", "reset-factors", ADA]).exit_code == 0
    assert not is_in(hers)
    assert log_in(browser) == "/"
    jobs.run_all()
    assert any("took all second factors" in str(letter.get_content()) for letter in factories.letters(app))
    assert app.test_cli_runner().invoke(args=["users", "reset-factors", BEN]).exit_code == 1


def test_confirming_asks_for_the_factor_too(
    app: Flask, ada: UserId, hers: Browser, ambient: FrozenAmbient
) -> None:
    ambient.advance(minutes=11)
    assert hers.get("/settings/password").location == "/confirm?next=/settings/password"
    assert hers.submit("/confirm", password=PASSWORD).status_code == 422
    assert hers.submit("/confirm", password=PASSWORD, code="000000").status_code == 422
    answer = hers.submit("/confirm?next=/settings/password", password=PASSWORD, code=code_now(app, ada))
    assert answer.location == "/settings/password"
    assert hers.get("/settings/password").status_code == 200


def test_what_happens_with_factors_is_told(app: Flask, ada: UserId, hers: Browser, browser: Browser) -> None:
    codes = make_codes(hers)
    step = log_in(browser)
    browser.submit(step, code="000000")
    browser.submit(step, code=codes[0])
    with app.app_context():
        rows = services().trail.page(AuditFilter(subject_id=ada), limit=20).rows
    assert [row.action.value for row in rows] == [
        "signed_in",
        "code_used",
        "factor_failed",
        "codes_made",
        "factor_added",
        "registered",
    ]


@pytest.mark.parametrize("who", ["admins", "everybody"])
def test_where_it_is_required_nothing_else_opens_first(
    app: Flask, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    person = factories.make_person(app, role=Role.ADMIN)
    browser = factories.sign_in(app, person)
    with app.app_context():
        settings = services().settings
    monkeypatch.setattr(type(settings), "second_factor", SecondFactor(who))
    for path in ("/", "/accounts", "/admin", "/settings/tokens", "/settings"):
        assert browser.get(path).location == "/settings/security", path
    assert browser.send_json("/api/plaid/link-token", {}).status_code == 403
    assert "A second factor is required here" in text_of(browser.get("/settings/security"))
    set_app_up(app, browser, person)
    assert browser.get("/accounts").status_code == 200


def test_members_go_on_where_only_admins_must(
    app: Flask, ada: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app.app_context():
        monkeypatch.setattr(type(services().settings), "second_factor", SecondFactor.ADMINS)
    assert factories.sign_in(app, ada).get("/accounts").status_code == 200
