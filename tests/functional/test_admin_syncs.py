"""Finding a sync among very many, and what one sync shows of itself."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from mingus.admin import syncs
from mingus.auth.models import Role
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.models import PlaidConnection
from tests import factories
from tests.factories import CLEO
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.browser import text_of
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.plaid.ledger import SyncId
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> Bank:
    return Bank(wired, plaid, jobs, ada)


@pytest.fixture
def cleo(app: Flask) -> Browser:
    return factories.sign_in(app, factories.make_person(app, CLEO, role=Role.ADMIN))


def log(bank: Bank, *, seconds: int = 0, **more: object) -> SyncId:
    """A sync that is over; its id."""
    now = bank.wired.ambient.now()
    row = PlaidSyncLog(
        **{
            "id": bank.wired.ambient.new_id("sync"),
            "connection_id": bank.connection_id,
            "user_id": bank.connection().user_id,
            "trigger": "schedule",
            "status": "success",
            "requested_at": now,
            "started_at": now,
            "finished_at": now + seconds * SECOND,
            **more,
        }
    )
    with unit_of_work() as unit:
        unit.session.add(row)
    return row.id


def ids(filters: syncs.Filters) -> list[SyncId]:
    return [row.id for row in syncs.page(filters, limit=50).rows]


# narrowing


def test_each_filter_leaves_what_it_says(bank: Bank, ada: UserId, ambient: FrozenAmbient) -> None:
    ambient.advance(days=1)
    begun = ambient.now()
    slow = log(bank, seconds=45)
    failed = log(bank, status="failed", error_code="INSTITUTION_DOWN")
    ambient.advance(days=1)
    later = log(bank)
    assert ids(syncs.Filters(longer_than=30 * SECOND)) == [slow]
    assert ids(syncs.Filters(error="INSTITUTION_DOWN")) == [failed]
    assert ids(syncs.Filters(since=begun + SECOND)) == [later]
    assert set(ids(syncs.Filters(since=begun, until=begun + SECOND))) == {slow, failed}
    assert len(ids(syncs.Filters(user_id=ada))) == len(ids(syncs.Filters()))
    assert len(ids(syncs.Filters(connection_id=bank.connection_id))) == len(ids(syncs.Filters()))
    institution = bank.connection().plaid_institution_id
    assert len(ids(syncs.Filters(institution_id=institution))) == len(ids(syncs.Filters()))
    assert ids(syncs.Filters(institution_id="ins_0")) == []


@pytest.mark.parametrize("few", [0, 50])
def test_a_rare_bank_and_a_common_one_give_the_same(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(syncs, "FEW_CONNECTIONS", few)
    institution = bank.connection().plaid_institution_id
    assert len(ids(syncs.Filters(institution_id=institution))) == 1
    with unit_of_work() as unit:
        unit.session.get_one(PlaidConnection, bank.connection_id).plaid_institution_id = "ins_1"
    assert ids(syncs.Filters(institution_id=institution)) == []


def test_a_search_looks_at_so_many_and_says_how_far_it_came(
    bank: Bank, ambient: FrozenAmbient, monkeypatch: pytest.MonkeyPatch, cleo: Browser
) -> None:
    monkeypatch.setattr(syncs, "MOST_SEARCHED", 4)
    wanted = log(bank, seconds=90)
    for _ in range(9):
        ambient.advance(minutes=1)
        log(bank)
    filters, after, looks, found = syncs.Filters(longer_than=60 * SECOND), None, 0, []
    while True:
        page = syncs.page(filters, limit=5, after=after)
        found += [row.id for row in page.rows]
        looks += page.searched_to is not None
        after = page.next
        if after is None:
            break
    assert (found, looks) == ([wanted], 2)
    assert "Looked back to" in text_of(cleo.get("/admin/syncs?longer=60"))


def test_what_one_index_finds_is_never_broken_off(
    bank: Bank, ada: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncs, "MOST_SEARCHED", 1)
    made = {log(bank, status="failed", error_code="DOWN") for _ in range(3)}
    for filters in (
        syncs.Filters(status=SyncStatus.FAILED),
        syncs.Filters(error="DOWN"),
        syncs.Filters(user_id=ada),
        syncs.Filters(connection_id=bank.connection_id),
    ):
        page = syncs.page(filters, limit=9)
        assert made <= {row.id for row in page.rows}
        assert page.searched_to is None


def test_the_page_narrows_by_what_its_form_sends(bank: Bank, ada: UserId, cleo: Browser) -> None:
    log(bank, seconds=45)
    day = bank.wired.ambient.now().date().isoformat()
    institution = bank.connection().plaid_institution_id
    asked = f"bank={institution}&person={ada}&since={day}&until={day}&longer=30"
    answer = cleo.get(f"/admin/syncs?{asked}&status=&trigger=")
    page = answer.get_data(as_text=True)
    assert page.count('href="/admin/syncs/sync_') == 1
    left = f"bank={institution}&amp;person={ada}&amp;since={day}&amp;until={day}"
    assert f'class="chip" href="/admin/syncs?{left}"' in page
    assert bank.connection().institution_name in text_of(answer)


@pytest.mark.parametrize(
    "query", ["since=soon", "until=0001-01-01", "longer=-3", "longer=x", "longer=999999"]
)
def test_a_filter_that_can_not_be_read_is_not_there(cleo: Browser, query: str) -> None:
    assert cleo.get(f"/admin/syncs?{query}").status_code == 404


def test_failures_of_each_day_are_counted(app: Flask, bank: Bank, ambient: FrozenAmbient) -> None:
    for count in (2, 0, 1):
        ambient.advance(days=1)
        for _ in range(count):
            log(bank, status="failed", error_code="INTERNAL_SERVER_ERROR")
    assert syncs.failures_by_day(ambient.now(), 4) == [0, 2, 0, 1]
    admin = factories.sign_in(app, factories.make_person(app, CLEO, role=Role.ADMIN))
    page = text_of(admin.get("/admin/syncs"))
    assert "1 failure in the last 24 hours" in page
    assert "the worst had 2" in page


# one sync


def test_what_is_copied_for_plaid_has_ids_and_codes_and_no_person(
    bank: Bank, ada: UserId, cleo: Browser
) -> None:
    break_calls(bank.plaid, "error", "/transactions/sync", code="INSTITUTION_DOWN")
    failed = bank.sync()
    answer = cleo.get(f"/admin/syncs/{failed.id}").get_data(as_text=True)
    text = answer.partition('<pre class="code code--whole"')[2].partition("</pre>")[0]
    for word in (bank.item, "ins_109508", failed.error_request_id, "/transactions/sync", "INSTITUTION_DOWN"):
        assert str(word) in text, word
    token = bank.wired.connections.token(bank.connection())
    for word in (ada, factories.ADA, "Ada", token, "$"):
        assert word not in text, word


def test_the_rows_of_a_sync_are_told_by_id_and_field(bank: Bank, cleo: Browser) -> None:
    bank.do("spend", amount=12.34, description="Blue Bottle")
    first = bank.sync()
    bank.do("change", name="Blue Bottle Coffee", amount=13)
    second = bank.sync()
    assert "Added" in text_of(cleo.get(f"/admin/syncs/{first.id}/rows"))
    page = text_of(cleo.get(f"/admin/syncs/{second.id}/rows"))
    for word in ("txn_", "Changed", "amount_minor", "name"):
        assert word in page, word
    assert "Blue Bottle" not in page
    assert f"/admin/syncs/{second.id}/rows#modified" in cleo.get(f"/admin/syncs/{second.id}").get_data(
        as_text=True
    )
    mend_calls(bank.plaid)
    empty = bank.sync()
    assert "No rows" in text_of(cleo.get(f"/admin/syncs/{empty.id}/rows"))
    assert cleo.get("/admin/syncs/sync_x/rows").status_code == 404
