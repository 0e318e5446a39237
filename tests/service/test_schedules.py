"""What happens without being asked: scheduled syncs, polling, mended addresses, parked poison, chores done once."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.jobs import JobKind
from mingus.plaid.gateway import PlaidGateway
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidCall
from mingus.plaid.models import PlaidConnection
from mingus.plaid.models import PlaidInstitution
from mingus.plaid.states import MOST_CRASHES
from mingus.plaid.states import ConnectionState
from mingus.readiness import check
from mingus.worker import ENOUGH_NUDGES
from mingus.worker import ROUNDS_WHEN_BEHIND
from mingus.worker import SWEEP_SECONDS
from mingus.worker import Sweeper
from mingus.worker import sweep_once
from tests import factories
from tests.support.bank import break_calls
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient

OURS = "https://mingus.test/api/plaid/webhook"


@pytest.fixture
def bank(app: Flask, wired: Services, plaid: Running, jobs: InlineJobs) -> SyncedBank:
    return SyncedBank(wired, plaid, jobs, factories.make_person(app))


def work(wired: Services, jobs: InlineJobs) -> None:
    """One round of the worker."""
    sweep_once(wired)
    jobs.run_all()


def syncs(trigger: Trigger) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).where(PlaidSyncLog.trigger == trigger.value)) or 0


def change(**values: object) -> None:
    with unit_of_work() as unit:
        unit.session.execute(update(PlaidConnection).values(**values))


def calls(endpoint: str) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).where(PlaidCall.endpoint == endpoint)) or 0


def test_a_gap_is_found_within_six_hours_while_webhooks_are_silent(
    bank: SyncedBank, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    bank.do("spend", amount=3)
    for _ in range(24):
        ambient.advance(minutes=15)
        work(wired, jobs)
    bank.assert_true()
    assert 1 <= syncs(Trigger.SCHEDULE) <= 2


def test_a_connection_whose_webhooks_come_is_synced_once_a_day(
    bank: SyncedBank, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    for _ in range(24):
        ambient.advance(hours=1)
        change(last_webhook_at=ambient.now(), bank_data_at=None)
        work(wired, jobs)
        change(bank_data_at=None)
    assert syncs(Trigger.SCHEDULE) >= 1
    assert calls("/transactions/sync") <= 12


def test_the_member_chooses_how_often(
    bank: SyncedBank, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    owner = bank.connection().user_id
    wired.schedules.choose(owner, 6)
    due = bank.connection().next_sync_at
    assert due is not None
    assert dt.timedelta(hours=4) < due - ambient.now() <= dt.timedelta(hours=6)
    assert wired.schedules.hours_of(owner) == 6
    with pytest.raises(ValueError, match="1"):
        wired.schedules.choose(owner, 1)


def test_two_workers_that_find_the_same_time_come_make_one_sync(
    bank: SyncedBank, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    change(last_webhook_at=ambient.now() + dt.timedelta(days=1), next_check_at=None)
    ambient.advance(hours=25)
    sweep_once(wired)
    sweep_once(wired)
    jobs.run_all()
    assert syncs(Trigger.SCHEDULE) == 1


def test_one_worker_sweeps_for_all(
    app: Flask, bank: SyncedBank, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    change(next_check_at=ambient.now())
    for sweeper in (Sweeper(app), Sweeper(app)):
        sweeper.sweep(wired)
    assert [kind for kind, _ in jobs.nudges] == [JobKind.CHECK]
    ambient.advance(seconds=SWEEP_SECONDS)
    Sweeper(app).sweep(wired)
    assert [kind for kind, _ in jobs.nudges] == [JobKind.CHECK] * 2


def test_workers_that_are_behind_are_asked_again_more_seldom(
    app: Flask, bank: SyncedBank, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    change(next_check_at=ambient.now())
    sweeper = Sweeper(app)
    for _ in range(ENOUGH_NUDGES):
        jobs.enqueue(JobKind.INBOX)
    sweeper.sweep(wired)
    for _ in range(ROUNDS_WHEN_BEHIND - 1):
        ambient.advance(seconds=SWEEP_SECONDS)
        sweeper.sweep(wired)
    assert jobs.waiting() == ENOUGH_NUDGES + 1
    ambient.advance(seconds=SWEEP_SECONDS)
    sweeper.sweep(wired)
    assert jobs.waiting() == ENOUGH_NUDGES + 2


def test_a_clock_that_is_set_back_holds_up_no_sweep(
    app: Flask, bank: SyncedBank, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    Sweeper(app).sweep(wired)
    ambient.advance(hours=-1)
    change(next_check_at=ambient.now())
    Sweeper(app).sweep(wired)
    assert [kind for kind, _ in jobs.nudges] == [JobKind.CHECK]


def test_a_check_is_made_by_one_worker_only(
    bank: SyncedBank, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    before = calls("/item/get")
    change(next_check_at=ambient.now())
    sweep_once(wired)
    sweep_once(wired)
    jobs.run_all()
    assert calls("/item/get") == before + 1


def test_a_wrong_webhook_address_at_plaid_is_mended(
    bank: SyncedBank, wired: Services, ambient: FrozenAmbient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wired.connections, "_webhook_url", OURS)
    wired.connections.check(bank.connection_id)
    assert bank.connection().webhook_url == OURS
    wired.connections.check(bank.connection_id)
    assert calls("/item/webhook/update") == 1
    assert bank.connection().webhook_url == OURS


def test_an_address_that_can_not_be_mended_harms_nothing(
    bank: SyncedBank, wired: Services, plaid: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wired.connections, "_webhook_url", OURS)
    break_calls(plaid, "html_502", "/item/webhook/update")
    wired.connections.check(bank.connection_id)
    assert bank.connection().state == ConnectionState.HEALTHY


def test_a_sync_that_ends_its_worker_each_time_is_parked_and_shown_until_somebody_asks(
    bank: SyncedBank,
    wired: Services,
    jobs: InlineJobs,
    ambient: FrozenAmbient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        """The worker is gone."""

    def dies(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(PlaidGateway, "sync_page", dies)
    wired.sync.request(bank.connection_id, Trigger.WEBHOOK)
    tries = 0
    for _ in range(MOST_CRASHES + 3):
        try:
            work(wired, jobs)
        except Killed:
            tries += 1
        jobs.nudges.clear()
        ambient.advance(seconds=61)
    assert tries == MOST_CRASHES
    wired.do_chores()
    connection = bank.connection()
    assert (connection.state, connection.error_code) == (ConnectionState.BANK_TROUBLE, "SYNC_PARKED")
    assert check(wired).facts["syncs_parked"] == 1
    log = db.session.scalars(select(PlaidSyncLog).where(PlaidSyncLog.error_code == "SYNC_PARKED")).one()
    assert log.status == SyncStatus.FAILED
    monkeypatch.undo()
    jobs.nudges.clear()
    assert bank.sync().status == SyncStatus.SUCCESS
    assert (bank.connection().state, bank.connection().crashes) == (ConnectionState.HEALTHY, 0)


def test_chores_are_done_once_for_all_workers_and_again_when_due(
    wired: Services, ambient: FrozenAmbient
) -> None:
    assert "retention" in wired.do_chores()
    assert wired.do_chores() == []
    ambient.advance(minutes=61)
    again = wired.do_chores()
    assert "sessions" in again
    assert "retention" not in again


def test_old_logs_are_forgotten_and_young_ones_kept(
    bank: SyncedBank, wired: Services, ambient: FrozenAmbient
) -> None:
    ambient.advance(days=31)
    young = bank.sync().id
    wired.retention.forget_old()
    assert 0 < calls("/transactions/sync") <= 2
    ambient.advance(days=366)
    wired.retention.forget_old()
    db.session.rollback()
    assert db.session.get(PlaidSyncLog, young, populate_existing=True) is None


def test_banks_in_use_are_read_anew_after_a_month(
    bank: SyncedBank, wired: Services, plaid: Running, ambient: FrozenAmbient
) -> None:
    ambient.advance(days=31)
    wired.institutions.refresh_old()
    db.session.rollback()
    assert set(db.session.scalars(select(PlaidInstitution.fetched_at))) == {ambient.now()}


def test_the_day_is_closed_at_the_members_midnight(
    app: Flask, bank: SyncedBank, wired: Services, ambient: FrozenAmbient
) -> None:
    with unit_of_work() as unit:
        unit.session.execute(db.text("UPDATE users SET time_zone = 'America/New_York'"))
    ambient.at = dt.datetime(2026, 5, 7, 3, 59, tzinfo=dt.UTC)
    assert last_day(wired) == dt.date(2026, 5, 5)
    ambient.advance(minutes=2)
    assert last_day(wired) == dt.date(2026, 5, 6)
    assert last_day(wired) == dt.date(2026, 5, 6)


def last_day(wired: Services) -> dt.date | None:
    wired.snapshots.close_days()
    db.session.rollback()
    return db.session.scalar(select(func.max(BalanceSnapshot.taken_on)))
