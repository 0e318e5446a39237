"""The audit trail: chained, append-only, forgetting people without breaking, told to the one it is about."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy import text
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from mingus.audit import AuditAction
from mingus.audit import AuditEvent
from mingus.audit import AuditFilter
from mingus.audit import AuditHead
from mingus.db import db
from mingus.db import unit_of_work
from mingus.services import services
from tests import factories
from tests.conftest import unguarded
from tests.factories import ADA
from tests.factories import BEN
from tests.factories import PASSWORD
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask

    from mingus.services import Services
    from tests.support.browser import Browser


def told(app: Flask, **wanted: str) -> list[str]:
    """The actions that the trail tells, oldest first."""
    with app.app_context():
        page = services().trail.page(AuditFilter(**wanted), limit=100)  # type: ignore[arg-type]  # by name
        return [row.action.value for row in reversed(page.rows)]


def three_events(wired: Services) -> None:
    for number in range(3):
        wired.trail.note(AuditAction.EXPORTED, actor="usr_a", subject="usr_a", number=number)


def forge(sql: str, **values: object) -> None:
    """Change the tables as somebody with the whole database in hands could."""
    with (
        db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection,
        connection.begin(),
        unguarded(connection),
    ):
        connection.execute(text(sql), values)
    db.session.rollback()


def test_a_whole_chain_verifies(wired: Services) -> None:
    three_events(wired)
    report = wired.trail.verify()
    assert (report.total, report.blanked, report.problems) == (3, 0, ())
    assert report.head == db.session.scalar(select(AuditHead.hash))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_events SET subject_id = 'usr_b' WHERE seq = 2",
        "UPDATE audit_events SET facts = '{}' WHERE seq = 2",
        "UPDATE audit_events SET action = 'signed_in' WHERE seq = 2",
        "UPDATE audit_events SET at = '2026-01-01 00:00:00+00:00' WHERE seq = 2",
        "UPDATE audit_events SET actor_mark = 'x' WHERE seq = 2",
        "UPDATE audit_events SET actor_salt = NULL WHERE seq = 2",
        "DELETE FROM audit_events WHERE seq = 1",
        "DELETE FROM audit_events WHERE seq = 2",
        "DELETE FROM audit_events WHERE seq = 3",
        "DELETE FROM audit_events",
        "UPDATE audit_heads SET seq = 4",
    ],
)
def test_whatever_is_changed_behind_its_back_is_found(wired: Services, sql: str) -> None:
    three_events(wired)
    forge(sql)
    assert wired.trail.verify().problems


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE audit_events SET reason = 'none' WHERE seq = 2",
        "UPDATE audit_events SET actor_id = NULL WHERE seq = 2",
        "UPDATE audit_events SET hash = 'x' WHERE seq = 2",
        "DELETE FROM audit_events WHERE seq = 3",
    ],
)
def test_the_database_itself_refuses_to_change_an_event(wired: Services, sql: str) -> None:
    three_events(wired)
    with pytest.raises(DBAPIError, match="append-only"), unit_of_work() as unit:
        unit.session.execute(text(sql))
    assert wired.trail.verify().problems == ()


def test_an_event_is_written_with_its_unit_or_not_at_all(wired: Services) -> None:
    with pytest.raises(RuntimeError, match="stopped"), unit_of_work() as unit:
        wired.trail.record(unit, AuditAction.SIGNED_IN, actor="usr_a", subject="usr_a")
        raise RuntimeError("stopped")  # noqa: EM101
    report = wired.trail.verify()
    assert (report.total, report.problems) == (0, ())


def test_a_person_who_leaves_is_forgotten_and_the_chain_holds(wired: Services) -> None:
    three_events(wired)
    wired.trail.note(AuditAction.DISABLED, actor="usr_admin", subject="usr_a", target="con_1")
    with unit_of_work() as unit:
        wired.trail.blank(unit, "usr_a")
    report = wired.trail.verify()
    assert (report.total, report.blanked, report.problems) == (4, 4, ())
    rows = [tuple(row) for row in db.session.execute(select(*AuditEvent.__table__.c))]
    assert "usr_a'" not in repr(rows)
    assert "con_1" not in repr(rows)
    assert wired.trail.page(AuditFilter(actor_id="usr_admin"), limit=9).rows[0].action is AuditAction.DISABLED


def test_writers_at_once_make_one_chain(app: Flask, wired: Services) -> None:
    def write() -> None:
        with app.app_context():
            for _ in range(5):
                services().trail.note(AuditAction.EXPORTED, actor="usr_a", subject="usr_a")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = wired.trail.verify()
    assert (report.total, report.problems) == (20, ())


def test_pages_of_the_trail_meet_without_a_gap(wired: Services) -> None:
    three_events(wired)
    first = wired.trail.page(AuditFilter(), limit=2)
    rest = wired.trail.page(AuditFilter(), limit=2, after=first.next)
    assert [row.seq for row in (*first.rows, *rest.rows)] == [3, 2, 1]
    assert rest.next is None


def test_a_filter_leaves_what_it_names(wired: Services) -> None:
    three_events(wired)
    wired.trail.note(AuditAction.SIGNED_IN, actor="usr_b", subject="usr_b")
    at = wired.ambient.now()
    for wanted, count in (
        (AuditFilter(actor_id="usr_b"), 1),
        (AuditFilter(action=AuditAction.EXPORTED), 3),
        (AuditFilter(since=at), 4),
        (AuditFilter(until=at), 0),
    ):
        assert len(wired.trail.page(wanted, limit=9).rows) == count


def test_the_command_verifies_and_its_exit_tells(app: Flask, wired: Services) -> None:
    three_events(wired)
    run = app.test_cli_runner()
    good = run.invoke(args=["audit", "verify"])
    assert good.exit_code == 0
    assert "3 events" in good.output
    forge("UPDATE audit_events SET facts = '{}' WHERE seq = 2")
    bad = run.invoke(args=["audit", "verify"])
    assert bad.exit_code == 1
    assert "2: what it tells is not what was recorded" in bad.output


def test_what_people_do_with_their_accounts_is_told(app: Flask, browser: Browser) -> None:
    ada = factories.make_person(app)
    browser.submit("/login", email=ADA, password="not-the-password")
    browser.submit("/login", email=ADA, password=PASSWORD)
    browser.submit("/settings/tokens", name="sheet", scope="read", days="7")
    browser.submit("/confirm", password="wrong")
    changed = {"current": PASSWORD, "password": "copper-window-lighthouse"}
    browser.submit("/settings/password", **changed, password_again=changed["password"])
    browser.submit("/settings/email", email=BEN)
    browser.submit("/settings/devices/revoke-others")
    browser.get("/transactions/export.csv")
    browser.submit("/logout")
    assert told(app, subject_id=ada) == [
        "registered",
        "sign_in_failed",
        "signed_in",
        "token_made",
        "confirmation_failed",
        "password_changed",
        "email_change_asked",
        "sessions_ended",
        "exported",
        "signed_out",
    ]
    with app.app_context():
        event = services().trail.page(AuditFilter(action=AuditAction.SIGNED_IN), limit=1).rows[0]
        assert event.request_id is not None
        assert event.address == "127.0.0.0"
        assert event.actor_id == ada


def test_a_wrong_password_leaves_as_much_for_nobody_as_for_somebody(app: Flask, browser: Browser) -> None:
    factories.make_person(app)
    browser.submit("/login", email=ADA, password="not-the-password")
    browser.submit("/login", email=BEN, password="not-the-password")
    assert told(app)[1:] == ["sign_in_failed", "sign_in_failed"]


def test_members_read_their_own_part_and_no_other(app: Flask) -> None:
    ada, ben = factories.make_person(app), factories.make_person(app, BEN)
    with app.app_context():
        services().trail.note(AuditAction.BANK_CONNECTED, actor=ada, subject=ada, bank="<b>Ada's Bank</b>")
        services().auth.disable(BEN, by=ada)
        services().auth.enable(BEN, by=ada)
    hers, his = (factories.sign_in(app, one).get("/settings/history") for one in (ada, ben))
    assert "Ada&#39;s Bank&lt;/b&gt; was connected" in hers.get_data(as_text=True)
    assert "Ada" not in text_of(his).replace("Ada's", "")
    assert "The account was shut" in text_of(his)
    assert "by an admin" in text_of(his)


def test_older_events_have_a_page_of_their_own(app: Flask) -> None:
    ada = factories.make_person(app)
    with app.app_context(), unit_of_work() as unit:
        for number in range(60):
            services().trail.record(unit, AuditAction.TOKEN_MADE, actor=ada, subject=ada, name=f"n{number}.")
    browser = factories.sign_in(app, ada)
    first = browser.get("/settings/history")
    assert "n59." in text_of(first)
    assert "n0." not in text_of(first)
    assert "n0." in text_of(browser.get("/settings/history?after=12"))
    assert browser.get("/settings/history?after=nonsense").status_code == 200
    assert browser.get(f"/settings/history?after={'9' * 30}").status_code == 404
    assert browser.get("/settings/history?after=-1").status_code == 404
    assert "Nothing yet" in text_of(browser.get("/settings/history?after=1"))


def test_a_long_reason_is_cut_not_refused(wired: Services) -> None:
    with unit_of_work() as unit:
        wired.trail.record(unit, AuditAction.DISABLED, actor=None, subject="usr_a", reason="x" * 999)
    assert wired.trail.verify().problems == ()


def test_events_are_not_changed_through_models_either(wired: Services) -> None:
    three_events(wired)
    with pytest.raises(DBAPIError, match="append-only"), unit_of_work() as unit:
        unit.session.execute(update(AuditEvent).values(address="192.0.2.0"))
