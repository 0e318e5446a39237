"""A sync that finds nothing new: it costs one call and six statements, and says that it was there."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func
from sqlalchemy import select

from mingus import metrics
from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import ParkedRow
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import OutgoingBucket
from mingus.plaid.models import PlaidCall
from tests import factories
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient


@pytest.fixture
def bank(app: Flask, wired: Services, plaid: Running, jobs: InlineJobs) -> Bank:
    return Bank(wired, plaid, jobs, factories.make_person(app))


def asked(bank: Bank, trigger: Trigger = Trigger.SCHEDULE) -> tuple[list[str], PlaidSyncLog]:
    """The calls that a sync makes, and its log."""
    sync_id = bank.wired.sync.request(bank.connection_id, trigger)
    db.session.rollback()
    before = set(db.session.scalars(select(PlaidCall.id)))
    bank.wired.sync.run(bank.connection_id)
    db.session.rollback()
    calls = db.session.execute(select(PlaidCall.id, PlaidCall.endpoint).order_by(PlaidCall.id)).all()
    made = [row.endpoint for row in calls if row.id not in before]
    return made, db.session.get_one(PlaidSyncLog, sync_id, populate_existing=True)


def test_nothing_new_costs_one_call_and_six_statements(bank: Bank, query_count: list[str]) -> None:
    bank.wired.sync.request(bank.connection_id, Trigger.WEBHOOK)
    query_count.clear()
    bank.wired.sync.run(bank.connection_id)
    assert len([statement for statement in query_count if not statement.startswith("BEGIN")]) == 6


def test_a_quiet_sync_is_counted_among_the_others(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    monkeypatch.setattr(metrics, "sync_done", lambda *, status, **_rows: counted.append(status))
    asked(bank)
    assert counted == ["quiet"]
    bank.spend_often(1)
    asked(bank, Trigger.WEBHOOK)
    assert counted == ["quiet", "success"]


def test_a_quiet_sync_is_told_as_a_good_one(bank: Bank, ambient: FrozenAmbient) -> None:
    before = bank.connection()
    planned, cursor = before.next_sync_at, before.sync_cursor
    ambient.advance(minutes=30)
    calls, log = asked(bank)
    after = bank.connection()
    assert calls == ["/transactions/sync"]
    assert (log.status, log.pages, log.fetched, log.added) == ("success", 1, 0, 0)
    assert log.cursor_before is not None
    assert after.wanted_seq == after.done_seq
    assert (after.lease_until, after.crashes, after.synced_at) == (None, 0, ambient.now())
    assert after.last_good_at == ambient.now()
    assert planned is not None
    assert after.next_sync_at == planned + dt.timedelta(minutes=30)
    assert after.sync_cursor == cursor


def test_balances_of_more_than_an_hour_ago_are_asked_for_again(bank: Bank, ambient: FrozenAmbient) -> None:
    ambient.advance(minutes=59)
    assert asked(bank)[0] == ["/transactions/sync"]
    ambient.advance(minutes=2)
    assert asked(bank)[0] == ["/transactions/sync", "/accounts/get"]


def test_a_person_who_asks_gets_the_balances_of_now(bank: Bank, ambient: FrozenAmbient) -> None:
    assert asked(bank, Trigger.PERSON)[0] == ["/transactions/sync"]
    ambient.advance(minutes=2)
    assert asked(bank, Trigger.PERSON)[0] == ["/transactions/sync", "/accounts/get"]


def test_rows_that_wait_for_their_account_have_the_accounts_asked_for(bank: Bank) -> None:
    with unit_of_work() as unit:
        unit.session.add(
            ParkedRow(
                id="prk_1",
                connection_id=bank.connection_id,
                plaid_account_id="late",
                plaid_transaction_id="t1",
                raw="{}",
                sync_id=SyncId("sync_1"),
                at=bank.wired.ambient.now(),
            )
        )
    assert asked(bank)[0] == ["/transactions/sync", "/accounts/get"]


def test_a_quiet_sync_whose_lease_was_taken_over_writes_nothing(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = bank.wired.gateway.sync_page

    def overtaken(*given: object) -> object:
        with unit_of_work() as unit:
            unit.lock_one(type(bank.connection()), bank.connection_id).fence += 1
        return ask(*given)  # type: ignore[arg-type]  # what the engine gives

    monkeypatch.setattr(bank.wired.gateway, "sync_page", overtaken)
    calls, log = asked(bank)
    assert log.status == "superseded"
    assert calls == ["/transactions/sync"]  # what was asked is on record all the same


def test_tokens_taken_ahead_and_not_needed_are_given_back(bank: Bank) -> None:
    bank.spend_often(3)

    def left() -> int:
        db.session.rollback()
        key = f"item {bank.connection_id}"
        return db.session.scalar(select(OutgoingBucket.tokens_milli).where(OutgoingBucket.key == key)) or 0

    before, calls = left(), db.session.scalar(select(func.count(PlaidCall.id))) or 0
    bank.do("burst", times=600)  # two pages
    asked(bank)
    db.session.rollback()
    made = (db.session.scalar(select(func.count(PlaidCall.id))) or 0) - calls
    assert made >= 3
    assert left() == before - made * 1000
