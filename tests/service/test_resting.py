"""Connections that rest, and those that are read anew from their beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from sqlalchemy import func
from sqlalchemy import select

from mingus.audit import AuditFilter
from mingus.auth.models import UserId
from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidCall
from mingus.plaid.resting import Paused
from mingus.plaid.states import Health
from tests import factories
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient

CLEO = UserId("usr_cleo")


@pytest.fixture
def bank(app: Flask, wired: Services, plaid: Running, jobs: InlineJobs) -> Bank:
    return Bank(wired, plaid, jobs, factories.make_person(app))


def calls() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(PlaidCall)) or 0


def sweep(wired: Services, jobs: InlineJobs) -> None:
    """Everything that a worker does by itself."""
    for one in wired.sweeps():
        for row_id in one.find():
            jobs.enqueue(one.kind, **{one.id_name: row_id})
    jobs.run_all()


def test_nobody_asks_the_bank_of_a_paused_connection(
    bank: Bank, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    wired.resting.pause(bank.connection_id, by=CLEO)
    before = calls()
    wired.sync.request(bank.connection_id, Trigger.WEBHOOK)
    jobs.run_all()
    ambient.advance(days=2)
    sweep(wired, jobs)
    assert calls() == before
    owner = bank.connection().user_id
    with pytest.raises(Paused):
        wired.plaid.request_syncs(owner, bank.connection_id)
    with pytest.raises(Paused):
        wired.plaid.refresh_balances(owner, bank.connection_id)
    with pytest.raises(Paused):
        wired.plaid.check_connection_health(owner, bank.connection_id)
    assert wired.plaid.request_syncs(owner, None) == []
    assert wired.plaid.health_of(bank.connection()).health is Health.UNKNOWN


def test_what_was_wished_for_meanwhile_is_done_once_it_goes_on(
    bank: Bank, wired: Services, jobs: InlineJobs
) -> None:
    wired.resting.pause(bank.connection_id, by=CLEO)
    bank.do("spend", amount=3)
    sync_id = wired.sync.request(bank.connection_id, Trigger.WEBHOOK)
    jobs.run_all()
    wired.resting.resume(bank.connection_id, by=CLEO)
    jobs.run_all()
    log = db.session.get_one(PlaidSyncLog, sync_id, populate_existing=True)
    assert (log.status, log.added) == ("success", 1)
    bank.assert_true()


def test_pausing_and_going_on_twice_is_once_in_the_trail(bank: Bank, wired: Services) -> None:
    for _ in range(2):
        wired.resting.pause(bank.connection_id, by=CLEO)
    for _ in range(2):
        wired.resting.resume(bank.connection_id, by=CLEO)
    told = [row.action.value for row in wired.trail.page(AuditFilter(actor_id=CLEO), limit=9).rows]
    assert told == ["syncs_resumed", "syncs_paused"]


def test_reading_anew_finds_what_was_lost_and_removes_what_is_gone(bank: Bank, wired: Services) -> None:
    db.session.rollback()
    row = db.session.scalars(select(PlaidTransaction).where(PlaidTransaction.removed_at.is_(None))).first()
    assert row is not None
    bank.do("remove_transaction", transaction_id=row.plaid_transaction_id)
    log = bank.sync()
    wired.sync.request(bank.connection_id, Trigger.OPERATOR, anew=True)
    log = bank.sync()
    assert (log.status, log.fetched > 0) == ("success", True)
    bank.assert_true()
    assert not bank.connection().reread_wanted
    assert bank.sync().fetched == 0


def test_a_reading_that_fails_is_done_anew_the_next_time(
    bank: Bank, wired: Services, jobs: InlineJobs
) -> None:
    cursor = bank.connection().sync_cursor
    wired.sync.request(bank.connection_id, Trigger.OPERATOR, anew=True)
    break_calls(bank.plaid, "error", "/transactions/sync", code="INSTITUTION_DOWN")
    jobs.run_all()
    assert (bank.connection().reread_wanted, bank.connection().sync_cursor) == (True, cursor)
    mend_calls(bank.plaid)
    assert bank.sync().fetched > 0
    assert not bank.connection().reread_wanted


def test_a_reading_that_plaid_cuts_short_removes_nothing_and_stays_wanted(
    bank: Bank, wired: Services, jobs: InlineJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    wired.sync.request(bank.connection_id, Trigger.OPERATOR, anew=True)
    ask = wired.gateway.sync_page

    def early(token: str, cursor: str, about: object) -> object:
        page, _ = ask(token, cursor, about)  # type: ignore[arg-type]  # passed on as it came
        short = msgspec.structs.replace(
            page, added=[], has_more=False, transactions_update_status="INITIAL_UPDATE_COMPLETE"
        )
        return short, msgspec.json.encode(short)

    monkeypatch.setattr(wired.gateway, "sync_page", early)
    jobs.run_all()
    gone = select(func.count()).where(PlaidTransaction.removed_at.is_not(None))
    db.session.rollback()
    assert db.session.scalar(gone) == 0
    assert bank.connection().reread_wanted


def test_rows_that_could_be_read_by_now_leave_the_quarantine(bank: Bank, wired: Services) -> None:
    bank.spend_often(12)
    break_calls(bank.plaid, "odd_numbers", "/transactions/sync", count=1)
    assert bank.sync().quarantined > 0
    mend_calls(bank.plaid)
    wired.sync.request(bank.connection_id, Trigger.OPERATOR, anew=True)
    assert bank.sync().status == "success"
    assert db.session.scalar(select(func.count()).select_from(QuarantinedRow)) == 0
    bank.assert_true()
