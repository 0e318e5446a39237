"""Admins and people: nobody is shown without a reason, everything is in the trail, nobody locks themselves out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func
from sqlalchemy import select

from mingus.admin.people import masked
from mingus.audit import AuditAction
from mingus.audit import AuditFilter
from mingus.auth.models import AuthSession
from mingus.auth.models import Role
from mingus.auth.models import User
from mingus.backups.models import Backup
from mingus.db import db
from mingus.services import services
from tests import factories
from tests.factories import ADA
from tests.factories import BEN
from tests.factories import CLEO
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Select

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

REASON = "She wrote that she can not sign in"


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def cleo_id(app: Flask) -> UserId:
    return factories.make_person(app, CLEO, role=Role.ADMIN)


@pytest.fixture
def cleo(app: Flask, cleo_id: UserId) -> Browser:
    return factories.sign_in(app, cleo_id)


def user(app: Flask, person: UserId) -> User:
    with app.app_context():
        return db.session.get_one(User, person)


def count(app: Flask, statement: Select[int]) -> int:
    with app.app_context():
        return db.session.scalar(statement) or 0


def events(app: Flask, person: UserId) -> list[tuple[AuditAction, str | None, str | None]]:
    with app.app_context():
        rows = services().trail.page(AuditFilter(subject_id=person), limit=10).rows
        return [(row.action, row.actor_id, row.reason) for row in rows]


def test_people_appear_by_their_id_and_a_masked_address(cleo: Browser, ada: UserId) -> None:
    page = text_of(cleo.get("/admin/people"))
    assert ada in page
    assert "a…@m….test" in page
    assert ADA not in page
    assert masked("grace@navy.example.org") == "g…@n….org"


def test_people_are_narrowed_by_role_and_paged(cleo: Browser, ada: UserId, cleo_id: UserId) -> None:
    admins = text_of(cleo.get("/admin/people?show=admin"))
    assert cleo_id in admins
    assert ada not in admins
    newer, older = sorted((ada, cleo_id), reverse=True)
    rest = text_of(cleo.get(f"/admin/people?after={newer}"))
    assert older in rest
    assert newer not in rest
    assert "Nobody here" in text_of(cleo.get("/admin/people?show=disabled"))
    assert cleo.get("/admin/people?show=emperor").status_code == 404


def test_an_address_is_shown_for_a_reason_that_the_person_can_read(
    app: Flask, cleo: Browser, ada: UserId, cleo_id: UserId, ambient: FrozenAmbient
) -> None:
    page = f"/admin/people/{ada}"
    assert ADA not in text_of(cleo.get(page))
    assert cleo.submit(f"{page}/show", reason="why not").status_code == 303
    assert ADA not in text_of(cleo.get(page))
    assert cleo.submit(f"{page}/show", reason=REASON).status_code == 303
    assert ADA in text_of(cleo.get(page))
    assert events(app, ada)[0] == (AuditAction.PERSON_SHOWN, cleo_id, REASON)
    assert REASON in text_of(factories.sign_in(app, ada).get("/settings/history"))
    ambient.advance(minutes=10, seconds=1)
    again = factories.sign_in(app, cleo_id)
    assert ADA not in text_of(again.get(page))


def test_a_person_is_shut_out_and_let_in_again(
    app: Flask, cleo: Browser, ada: UserId, cleo_id: UserId
) -> None:
    theirs = factories.sign_in(app, ada)
    assert cleo.submit(f"/admin/people/{ada}/access").status_code == 303
    assert theirs.get("/accounts").status_code == 303
    assert user(app, ada).disabled_at is not None
    assert cleo.submit(f"/admin/people/{ada}/access").status_code == 303
    assert user(app, ada).disabled_at is None
    assert [event[:2] for event in events(app, ada)[:2]] == [
        (AuditAction.ENABLED, cleo_id),
        (AuditAction.DISABLED, cleo_id),
    ]


def test_a_role_is_given_and_taken(app: Flask, cleo: Browser, ada: UserId) -> None:
    cleo.submit(f"/admin/people/{ada}/role")
    assert user(app, ada).role == Role.ADMIN
    cleo.submit(f"/admin/people/{ada}/role")
    assert user(app, ada).role == Role.MEMBER


def test_a_person_is_signed_out_everywhere(app: Flask, cleo: Browser, ada: UserId) -> None:
    theirs = factories.sign_in(app, ada)
    cleo.submit(f"/admin/people/{ada}/sessions")
    assert theirs.get("/accounts").status_code == 303
    assert count(app, select(func.count()).where(AuthSession.user_id == ada)) == 0
    assert events(app, ada)[0][0] is AuditAction.SESSIONS_ENDED


@pytest.mark.parametrize("verb", ["role", "access", "sessions"])
def test_nobody_locks_themselves_out(app: Flask, cleo: Browser, cleo_id: UserId, verb: str) -> None:
    assert cleo.submit(f"/admin/people/{cleo_id}/{verb}").status_code == 409
    assert user(app, cleo_id).role == Role.ADMIN
    assert user(app, cleo_id).disabled_at is None
    assert "Shut out" not in text_of(cleo.get(f"/admin/people/{cleo_id}"))


def test_an_invitation_goes_out_and_a_wrong_address_is_told(
    app: Flask, cleo: Browser, jobs: InlineJobs
) -> None:
    cleo.submit("/admin/people/invite", email="nonsense")
    assert "not an address" in text_of(cleo.get("/admin/people"))
    cleo.submit("/admin/people/invite", email=BEN)
    jobs.run_all()
    assert [letter["To"] for letter in factories.letters(app)] == [BEN]


def test_the_trail_is_read_by_action_and_person_and_its_chain_is_checked(
    cleo: Browser, ada: UserId, cleo_id: UserId
) -> None:
    cleo.submit(f"/admin/people/{ada}/show", reason=REASON)
    assert REASON in text_of(cleo.get("/admin/audit"))
    assert REASON in text_of(cleo.get(f"/admin/audit?action=person_shown&subject={ada}&actor={cleo_id}"))
    assert "No events here" in text_of(cleo.get("/admin/audit?action=left"))
    assert cleo.get("/admin/audit?action=nothing").status_code == 404
    assert cleo.get("/admin/audit?after=x").status_code == 404
    assert cleo.submit("/admin/audit/check").status_code == 303
    assert "The chain holds" in text_of(cleo.get("/admin/audit"))


def test_the_system_page_tells_what_waits_and_makes_a_backup(
    app: Flask, cleo: Browser, jobs: InlineJobs
) -> None:
    page = text_of(cleo.get("/admin/system"))
    assert "No backup yet" in page
    assert "Nothing waits" in page
    assert cleo.submit("/admin/system/backup").status_code == 303
    assert count(app, select(func.count()).select_from(Backup)) == 1
    jobs.run_all()
    assert "Read back" in text_of(cleo.get("/admin/system"))


def test_the_doctor_is_asked_on_the_page(cleo: Browser) -> None:
    assert "What the doctor says" not in text_of(cleo.get("/admin/system"))
    assert "What the doctor says" in text_of(cleo.get("/admin/system?doctor=1"))


@pytest.mark.parametrize(
    "path", ["/admin/people", "/admin/people/usr_nobody", "/admin/audit", "/admin/system"]
)
def test_for_members_these_pages_do_not_exist(app: Flask, ada: UserId, path: str) -> None:
    assert factories.sign_in(app, ada).get(path).status_code == 404
    assert app.test_client().get(path).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/admin/people/usr_nobody/show",
        "/admin/people/usr_nobody/role",
        "/admin/people/usr_nobody/access",
        "/admin/people/usr_nobody/sessions",
    ],
)
def test_nobody_is_404_and_nothing_goes_without_a_token(cleo: Browser, path: str) -> None:
    assert cleo.submit(path, reason=REASON).status_code == 404
    assert cleo.post(path).status_code == 400
    assert cleo.get(path).status_code == 405
