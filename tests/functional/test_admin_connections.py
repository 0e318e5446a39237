"""What admins do about connections, banks and rows set aside: each act audited, workers do it, data stays masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func
from sqlalchemy import select

from mingus import readiness
from mingus.admin import connections
from mingus.admin import institutions
from mingus.admin import setaside
from mingus.audit import AuditFilter
from mingus.auth.models import Role
from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import ParkedRow
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidConnection
from mingus.plaid.outgoing import TROUBLE_OPENS_AT
from mingus.plaid.products import Product
from mingus.plaid.products import ProductRefresh
from mingus.plaid.states import MOST_CRASHES
from mingus.webhooks.models import EventState
from tests import factories
from tests.factories import CLEO
from tests.functional.test_admin_actions import store
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.browser import text_of
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.plaid.products import RefreshId
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

REASON = "Ada wrote that a payment is missing"


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> Bank:
    return Bank(wired, plaid, jobs, ada)


@pytest.fixture
def cleo(app: Flask) -> Browser:
    return factories.sign_in(app, factories.make_person(app, CLEO, role=Role.ADMIN))


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def refresh(refresh_id: RefreshId) -> ProductRefresh:
    db.session.rollback()
    return db.session.get_one(ProductRefresh, refresh_id, populate_existing=True)


def told(wired: Services, subject: UserId) -> list[tuple[str, str | None]]:
    """What the trail has about a person lately, with its target."""
    db.session.rollback()
    rows = wired.trail.page(AuditFilter(subject_id=subject), limit=20).rows
    return [(row.action.value, row.target) for row in rows]


def spoil_rows(bank: Bank) -> PlaidSyncLog:
    """A sync that meets rows which nobody can read."""
    bank.spend_often(12)
    break_calls(bank.plaid, "odd_numbers", "/transactions/sync", count=1)
    log = bank.sync()
    mend_calls(bank.plaid)
    assert log.quarantined
    return log


def park_row(bank: Bank) -> str:
    """A row of an account that never came; its id."""
    with unit_of_work() as unit:
        row = ParkedRow(
            id=bank.wired.ambient.new_id("prk"),
            connection_id=bank.connection_id,
            plaid_account_id="acc-unknown",
            plaid_transaction_id="tx-parked",
            raw='{"name": "Secret Diner"}',
            sync_id="sync_0",
            at=bank.wired.ambient.now(),
        )
        unit.session.add(row)
    return row.id


# a connection


def test_a_connection_says_what_to_do(bank: Bank, wired: Services, cleo: Browser) -> None:
    page = text_of(cleo.get(f"/admin/connections/{bank.connection_id}"))
    for word in ("Nothing to do.", bank.item, "Sync now", "Read everything anew", "Pause"):
        assert word in page, word
    assert factories.ADA not in page
    bank.do("break_login")
    bank.sync()
    page = text_of(cleo.get(f"/admin/connections/{bank.connection_id}"))
    assert "The bank wants its person" in page
    assert "ITEM_LOGIN_REQUIRED" in page
    assert "Needs sign-in" in page


def test_the_first_thing_that_matters_is_what_to_do(
    bank: Bank, wired: Services, ambient: FrozenAmbient
) -> None:
    def todo(**columns: object) -> str:
        with unit_of_work() as unit:
            connection = unit.session.get_one(PlaidConnection, bank.connection_id)
            for name, value in columns.items():
                setattr(connection, name, value)
        [row] = connections.page(environment="simulator", now=ambient.now(), limit=1).rows
        return row.todo.value

    assert todo() == "nothing"
    ambient.advance(days=8)
    assert todo() == "stale"
    assert todo(state="bank_trouble", error_code="INSTITUTION_DOWN") == "bank"
    assert todo(error_code="INVALID_API_KEYS") == "operator"
    assert todo(crashes=MOST_CRASHES) == "parked"
    assert todo(paused_at=ambient.now()) == "paused"
    assert todo(state="removed", secret_id=None) == "ended"


def test_groups_are_counted_and_narrow_the_list(bank: Bank, wired: Services, cleo: Browser) -> None:
    wired.resting.pause(bank.connection_id, by=bank.connection().user_id)
    page = text_of(cleo.get("/admin/connections"))
    assert "Paused · 1" in page
    assert bank.connection().institution_name in text_of(cleo.get("/admin/connections?group=paused"))
    assert "No connections here" in text_of(cleo.get("/admin/connections?group=stale"))
    assert cleo.get("/admin/connections?group=odd").status_code == 404


def test_pausing_and_going_on_are_audited(
    bank: Bank, ada: UserId, wired: Services, jobs: InlineJobs, cleo: Browser
) -> None:
    assert cleo.submit(f"/admin/connections/{bank.connection_id}/pause").status_code == 303
    assert "Go on" in text_of(cleo.get(f"/admin/connections/{bank.connection_id}"))
    assert cleo.submit(f"/admin/connections/{bank.connection_id}/resume").status_code == 303
    jobs.run_all()
    assert bank.connection().paused_at is None
    assert [what for what, _ in told(wired, ada)][:2] == ["syncs_resumed", "syncs_paused"]


def test_a_paused_connection_is_told_to_its_person_calmly(
    app: Flask, bank: Bank, ada: UserId, wired: Services
) -> None:
    wired.resting.pause(bank.connection_id, by=ada)
    person = factories.sign_in(app, ada)
    page = text_of(person.get("/accounts"))
    assert "Paused by the people who run this" in page
    assert "Nothing is lost" in page
    assert "Sync now" not in page
    found = person.get("/api/plaid/connections").get_json()["connections"][0]
    assert found["paused_since"] is not None
    assert person.submit(f"/connections/{bank.connection_id}/sync").status_code == 409
    assert "A bank of yours was paused" in text_of(person.get("/settings/history"))


def test_reading_everything_anew_is_audited_and_done_by_a_worker(
    bank: Bank, ada: UserId, wired: Services, jobs: InlineJobs, cleo: Browser
) -> None:
    spoil_rows(bank)
    answer = cleo.submit(f"/admin/connections/{bank.connection_id}/reread")
    assert answer.status_code == 303
    assert bank.connection().reread_wanted
    jobs.run_all()
    db.session.rollback()
    log = db.session.get_one(PlaidSyncLog, answer.location.rpartition("/")[2])
    assert log.status == "success"
    bank.assert_true()
    assert told(wired, ada)[0] == ("reread_asked", bank.connection_id)


@pytest.mark.parametrize("act", ["sync", "reread", "pause", "resume"])
def test_nothing_is_done_to_what_is_not_there(bank: Bank, cleo: Browser, act: str) -> None:
    assert cleo.submit(f"/admin/connections/con_x/{act}").status_code == 404
    assert cleo.post(f"/admin/connections/{bank.connection_id}/{act}").status_code == 400
    with unit_of_work() as unit:
        unit.session.get_one(PlaidConnection, bank.connection_id).environment = "sandbox"
    assert cleo.submit(f"/admin/connections/{bank.connection_id}/{act}").status_code == 404
    assert cleo.get(f"/admin/connections/{bank.connection_id}").status_code == 404


# banks


def test_banks_are_told_with_how_often_they_fail(
    bank: Bank, wired: Services, ambient: FrozenAmbient, cleo: Browser
) -> None:
    break_calls(bank.plaid, "error", "/transactions/sync", code="INSTITUTION_DOWN")
    for _ in range(TROUBLE_OPENS_AT):
        bank.sync()
    mend_calls(bank.plaid)
    [row] = institutions.rows(environment="simulator", now=ambient.now())
    assert (row.syncs[0].failed, row.syncs[0].of) == (TROUBLE_OPENS_AT, TROUBLE_OPENS_AT + 1)
    assert row.syncs[0].is_high
    assert row.calls[1].failed == TROUBLE_OPENS_AT
    assert row.rests_until is not None
    page = text_of(cleo.get("/admin/banks"))
    for word in (row.name, "left alone", "high", "In use"):
        assert word in page, word
    ambient.advance(days=2)
    [row] = institutions.rows(environment="simulator", now=ambient.now())
    assert (row.syncs[0].of, row.syncs[1].failed, row.rests_until) == (0, TROUBLE_OPENS_AT, None)


def test_without_connections_there_are_no_banks(cleo: Browser) -> None:
    assert "No banks yet" in text_of(cleo.get("/admin/banks"))


def test_an_allowance_that_is_nearly_spent_is_said(
    bank: Bank, wired: Services, cleo: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nearly spent" not in text_of(cleo.get("/admin/banks"))
    wired.outgoing.take("/item/remove", item=None, calls=9)
    page = text_of(cleo.get("/admin/banks"))
    assert "Our allowance of calls is nearly spent" in page
    assert "endpoint /item/remove: 90 % in use" in page


# rows set aside


def test_nothing_set_aside_is_said(cleo: Browser) -> None:
    assert "Nothing is set aside" in text_of(cleo.get("/admin/set-aside"))


def test_rows_are_told_by_reason_and_age_and_never_by_what_they_say(
    bank: Bank, ada: UserId, cleo: Browser
) -> None:
    log = spoil_rows(bank)
    parked = park_row(bank)
    page = text_of(cleo.get("/admin/set-aside"))
    for word in ("its account is not known", "Could not be read", ada, bank.connection().institution_name):
        assert word in page, word
    one = text_of(cleo.get(f"/admin/set-aside/{parked}"))
    assert "Waiting for their account" in one
    assert "Secret Diner" not in page + one
    narrowed = cleo.get(f"/admin/set-aside?kind=quarantined&connection={bank.connection_id}")
    assert narrowed.get_data(as_text=True).count("/retry") == log.quarantined
    assert cleo.get("/admin/set-aside?kind=odd").status_code == 404
    assert cleo.get("/admin/set-aside/prk_x").status_code == 404


def test_older_rows_follow_by_key_each_once(bank: Bank) -> None:
    log = spoil_rows(bank)
    park_row(bank)
    seen, after = [], None
    while True:
        found = setaside.page(setaside.Wanted(), environment="simulator", limit=2, after=after)
        seen += [row.id for row in found.rows]
        after = found.next
        if after is None:
            break
    assert len(seen) == len(set(seen)) == log.quarantined + 1
    assert setaside.page(setaside.Wanted(), environment="simulator", limit=2, after="qrt_x").rows == ()


def test_a_row_is_shown_for_a_reason_that_its_person_can_read(
    bank: Bank, ada: UserId, wired: Services, cleo: Browser
) -> None:
    parked = park_row(bank)
    assert cleo.submit(f"/admin/set-aside/{parked}/show", reason="why").status_code == 303
    assert "Secret Diner" not in text_of(cleo.get(f"/admin/set-aside/{parked}"))
    assert cleo.submit(f"/admin/set-aside/{parked}/show", reason=REASON).status_code == 303
    assert "Secret Diner" in text_of(cleo.get(f"/admin/set-aside/{parked}"))
    assert told(wired, ada)[0] == ("body_shown", parked)
    assert cleo.submit("/admin/set-aside/prk_x/show", reason=REASON).status_code == 404


def test_one_row_tried_again_is_really_read_again(
    bank: Bank, ada: UserId, wired: Services, jobs: InlineJobs, cleo: Browser
) -> None:
    spoil_rows(bank)
    row_id = db.session.scalars(select(QuarantinedRow.id)).first()
    answer = cleo.submit(f"/admin/set-aside/{row_id}/retry")
    assert answer.location.startswith("/admin/syncs/sync_")
    jobs.run_all()
    bank.assert_true()
    assert db.session.scalar(select(func.count()).select_from(QuarantinedRow)) == 0
    assert told(wired, ada)[0] == ("aside_retried", bank.connection_id)


def test_a_row_of_a_product_has_its_product_read_again(
    bank: Bank, ada: UserId, wired: Services, jobs: InlineJobs, cleo: Browser
) -> None:
    with unit_of_work() as unit:
        connection = unit.lock_one(PlaidConnection, bank.connection_id)
        refresh_id = wired.refresher.wish(unit, connection, Product.RECURRING)
    jobs.run_all()
    before = refresh(refresh_id).fence
    with unit_of_work() as unit:
        row = QuarantinedRow(
            id=wired.ambient.new_id("qrt"),
            connection_id=bank.connection_id,
            fingerprint="f" * 64,
            raw="{}",
            reason="recurring: no amount",
            sync_id=refresh_id,
            at=wired.ambient.now(),
        )
        unit.session.add(row)
    for address in ("/admin/set-aside", f"/admin/set-aside/{row.id}"):
        page = cleo.get(address).get_data(as_text=True)
        assert "Recurring payments" in page
        assert f"/admin/syncs/{refresh_id}" not in page
    syncs = count(PlaidSyncLog)
    answer = cleo.submit(f"/admin/set-aside/{row.id}/retry")
    assert (answer.status_code, answer.location) == (303, "/admin/set-aside")
    assert "1 connection is read again" in text_of(cleo.get("/admin/set-aside"))
    jobs.run_all()
    assert refresh(refresh_id).fence == before + 1
    assert count(QuarantinedRow) == 0
    assert count(PlaidSyncLog) == syncs
    assert told(wired, ada)[0] == ("aside_retried", bank.connection_id)


def test_all_rows_of_a_reason_are_tried_again(bank: Bank, jobs: InlineJobs, cleo: Browser) -> None:
    spoil_rows(bank)
    park_row(bank)
    for group in setaside.reasons(environment="simulator"):
        if group.kind is setaside.Aside.QUARANTINED:
            answer = cleo.submit("/admin/set-aside/retry", kind=group.kind.value, reason=group.reason)
            assert answer.status_code == 303
    assert "1 connection is read again" in text_of(cleo.get("/admin/set-aside"))
    jobs.run_all()
    bank.assert_true()
    assert db.session.scalar(select(func.count()).select_from(ParkedRow)) == 0  # Plaid no longer tells of it
    assert cleo.submit("/admin/set-aside/retry", kind="parked", reason="made up").status_code == 404


# webhooks


def test_the_body_of_a_webhook_is_shown_for_a_reason(wired: Services, cleo: Browser) -> None:
    event_id = store(wired, EventState.PARKED)
    page = text_of(cleo.get(f"/admin/webhooks/{event_id}"))
    for word in ("it went wrong", "key-of-plaid", "Show the body", "Replay"):
        assert word in page, word
    assert "a-secret-of-the-body" not in page
    cleo.submit(f"/admin/webhooks/{event_id}/show", reason=REASON)
    assert "a-secret-of-the-body" in text_of(cleo.get(f"/admin/webhooks/{event_id}"))
    assert cleo.get("/admin/webhooks/wh_x").status_code == 404
    assert cleo.submit("/admin/webhooks/wh_x/show", reason=REASON).status_code == 404


def test_how_long_a_sync_waits_is_told_unless_it_rests(
    bank: Bank, wired: Services, ambient: FrozenAmbient, cleo: Browser
) -> None:
    wired.sync.request(bank.connection_id, Trigger.PERSON)
    ambient.advance(seconds=90)
    assert readiness.check(wired).facts["oldest_sync_seconds"] == 90
    page = text_of(cleo.get("/admin/system"))
    assert "90 s" in page
    assert "Syncs 1" in " ".join(page.split())
    wired.resting.pause(bank.connection_id, by=bank.connection().user_id)
    assert readiness.check(wired).facts["oldest_sync_seconds"] == 0
