"""The sync engine against a bank that keeps changing: never lose, never double, always say what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid import gateway
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.ledger import ParkedRow
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import TransactionChange
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from tests import factories
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.connected import Bank
from tests.support.ledger import stored
from tests.support.ledger import truth

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient


@pytest.fixture
def bank(app: Flask, wired: Services, plaid: Running, jobs: InlineJobs) -> Bank:
    return Bank(wired, plaid, jobs, factories.make_person(app))


def newest(bank: Bank, *, pending: bool = False) -> PlaidTransaction:
    db.session.rollback()
    return db.session.scalars(
        select(PlaidTransaction)
        .where(PlaidTransaction.connection_id == bank.connection_id, PlaidTransaction.pending.is_(pending))
        .where(PlaidTransaction.removed_at.is_(None))
        .order_by(PlaidTransaction.date.desc(), PlaidTransaction.id.desc())
        .limit(1)
    ).one()


def kinds_of(row_id: str) -> list[str]:
    db.session.rollback()
    changes = select(TransactionChange).where(TransactionChange.transaction_id == row_id)
    return [change.kind for change in db.session.scalars(changes.order_by(TransactionChange.id))]


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_the_first_import_equals_the_banks_truth(bank: Bank) -> None:
    bank.assert_true()
    assert count(PlaidTransaction) > 20
    log = db.session.scalars(select(PlaidSyncLog).where(PlaidSyncLog.status == SyncStatus.SUCCESS)).first()
    assert log is not None
    assert (log.trigger, log.added) == (Trigger.CONNECTED, count(PlaidTransaction))
    assert bank.connection().state == ConnectionState.HEALTHY
    assert count(BalanceSnapshot) == count(PlaidAccount)


def test_nothing_new_is_one_page_and_changes_nothing(bank: Bank) -> None:
    before = stored(bank.connection_id)
    log = bank.sync()
    assert (log.status, log.pages, log.added, log.modified, log.removed) == ("success", 1, 0, 0, 0)
    assert stored(bank.connection_id) == before
    assert count(TransactionChange) == 0


def test_money_spent_is_negative_and_posting_keeps_the_row_and_what_the_person_decided(bank: Bank) -> None:
    bank.do("spend", amount=5)
    bank.sync()
    pending = newest(bank, pending=True)
    assert pending.amount_minor == -500
    with unit_of_work() as unit:
        unit.session.add(
            TransactionChoice(
                transaction_id=pending.id,
                user_id=pending.user_id,
                category="FUN",
                tags=["trip"],
                hidden=False,
            )
        )
    bank.do("post_pending")
    bank.sync()
    bank.assert_true()
    db.session.rollback()
    posted = db.session.get_one(PlaidTransaction, pending.id, populate_existing=True)
    assert not posted.pending
    assert posted.pending_plaid_id is not None
    assert posted.plaid_transaction_id != posted.pending_plaid_id
    assert db.session.get_one(TransactionChoice, pending.id).category == "FUN"
    assert kinds_of(pending.id) == ["posted"]


def test_a_removed_transaction_leaves_a_tombstone_and_may_come_back(bank: Bank) -> None:
    row = newest(bank)
    bank.do("remove_transaction", transaction_id=row.plaid_transaction_id)
    log = bank.sync()
    bank.assert_true()
    assert log.removed == 1
    gone = db.session.get_one(PlaidTransaction, row.id, populate_existing=True)
    assert gone.removed_at is not None
    assert kinds_of(row.id) == ["removed"]


def test_a_changed_amount_is_recorded_field_by_field(bank: Bank) -> None:
    row = newest(bank)
    bank.do("change", transaction_id=row.plaid_transaction_id, amount=99.5)
    log = bank.sync()
    bank.assert_true()
    assert log.modified == 1
    change = db.session.scalars(select(TransactionChange)).one()
    assert change.fields["amount_minor"][1] == -9950


def test_data_that_moves_while_it_is_read_is_read_again_from_the_start(bank: Bank) -> None:
    bank.spend_often(30)
    break_calls(
        bank.plaid,
        "error",
        "/transactions/sync",
        code="TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
        count=2,
    )
    log = bank.sync()
    assert (log.status, log.restarts) == ("success", 2)
    bank.assert_true()


def test_an_update_that_never_ends_is_stopped_and_put_off(bank: Bank) -> None:
    before = bank.connection().sync_cursor
    break_calls(bank.plaid, "has_more_forever", "/transactions/sync")
    log = bank.sync()
    assert (log.status, bank.connection().sync_cursor) == ("failed", before)
    mend_calls(bank.plaid)


@pytest.mark.parametrize(
    "kind", ["truncated", "invalid_json", "html_502", "empty", "redirect", "reset_after", "wrong_types"]
)
def test_a_failed_page_keeps_the_old_cursor_and_is_tried_again(
    bank: Bank, ambient: FrozenAmbient, kind: str
) -> None:
    bank.do("spend", amount=7)
    before = bank.connection().sync_cursor
    break_calls(bank.plaid, kind, "/transactions/sync")
    assert bank.sync().status in {"failed", "partial"}
    assert bank.connection().sync_cursor == before or kind == "wrong_types"
    mend_calls(bank.plaid)
    ambient.advance(hours=1)
    bank.sync()
    if kind != "wrong_types":
        bank.assert_true()
        assert bank.connection().state == ConnectionState.HEALTHY


@pytest.mark.parametrize(
    "kind", ["odd_numbers", "odd_dates", "hostile_names", "unknown_enums", "unknown_fields"]
)
def test_odd_rows_are_kept_aside_and_the_rest_goes_on(bank: Bank, kind: str) -> None:
    bank.spend_often(20)
    break_calls(bank.plaid, kind, "/transactions/sync", count=1)
    log = bank.sync()
    assert log.status in {"success", "partial"}
    assert (log.status == "partial") == (log.quarantined > 0)
    assert log.added + log.quarantined >= 20
    assert count(QuarantinedRow) == log.quarantined


@pytest.mark.parametrize("kind", ["unknown_removed", "unknown_modified", "repeated", "empty_page"])
def test_what_is_unknown_or_said_twice_is_harmless(bank: Bank, kind: str) -> None:
    bank.spend_often(10)
    break_calls(bank.plaid, kind, "/transactions/sync", count=1)
    assert bank.sync().status in {"success", "partial"}
    live = stored(bank.connection_id)
    expected = truth(bank.plaid, bank.item)
    assert {key: live[key] for key in expected} == expected


def test_rows_of_an_unknown_account_wait_for_it(bank: Bank) -> None:
    account = bank.do("late_account")
    log = bank.sync()
    parked = count(ParkedRow)
    assert (log.parked, log.status == "partial") == (parked, parked > 0)
    bank.do("finish_import")
    bank.sync()
    bank.sync()
    assert account
    assert count(ParkedRow) <= parked


def test_a_cursor_that_plaid_no_longer_knows_is_a_full_read_with_what_is_gone_removed(bank: Bank) -> None:
    row = newest(bank)
    bank.do("remove_transaction", transaction_id=row.plaid_transaction_id)
    with unit_of_work() as unit:
        unit.session.execute(update(PlaidConnection).values(sync_cursor="bm90IGEgY3Vyc29y"))
    log = bank.sync()
    assert log.status == "success"
    bank.assert_true()
    assert db.session.get_one(PlaidTransaction, row.id, populate_existing=True).removed_at is not None


def test_a_wish_during_a_sync_is_one_further_sync(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = bank.wired.gateway.accounts

    def wish_meanwhile(token: str, about: Any) -> Any:
        monkeypatch.setattr(bank.wired.gateway, "accounts", ask)
        bank.do("spend", amount=3)
        for _ in range(5):
            bank.wired.sync.request(bank.connection_id, Trigger.WEBHOOK)
        return ask(token, about)

    monkeypatch.setattr(bank.wired.gateway, "accounts", wish_meanwhile)
    bank.do("spend", amount=2)  # else nobody asks for the accounts
    before = count(PlaidSyncLog)
    bank.sync()
    assert count(PlaidSyncLog) == before + 2
    bank.assert_true()


def test_a_worker_that_froze_past_its_lease_commits_nothing(
    bank: Bank, ambient: FrozenAmbient, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.do("spend", amount=4)
    ask = bank.wired.gateway.accounts

    def freeze(token: str, about: Any) -> Any:
        monkeypatch.setattr(bank.wired.gateway, "accounts", ask)
        ambient.advance(minutes=3)
        bank.wired.sync.run(bank.connection_id)  # another worker takes over and finishes
        return ask(token, about)

    monkeypatch.setattr(bank.wired.gateway, "accounts", freeze)
    log = bank.sync()
    assert log.status == SyncStatus.SUPERSEDED
    bank.assert_true()
    statuses = [row.status for row in db.session.scalars(select(PlaidSyncLog).order_by(PlaidSyncLog.id))]
    assert statuses[-1] == SyncStatus.SUCCESS
    assert SyncStatus.RUNNING not in statuses


def test_a_bank_that_wants_the_person_is_not_asked_again_until_it_is_healed(
    bank: Bank, ambient: FrozenAmbient
) -> None:
    bank.do("break_login")
    assert bank.sync().status == "failed"
    assert bank.connection().state == ConnectionState.NEEDS_SIGN_IN
    ambient.advance(hours=1)
    db.session.rollback()
    assert bank.wired.leases.wanted() == []
    bank.do("heal")
    assert bank.sync().status == "success"
    assert bank.connection().state == ConnectionState.HEALTHY


def test_a_disconnect_during_a_sync_writes_no_row(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.do("spend", amount=4)
    before = stored(bank.connection_id)
    owner = bank.connection().user_id
    ask = bank.wired.gateway.accounts

    def leave(token: str, about: Any) -> Any:
        answer = ask(token, about)
        bank.wired.plaid.disconnect(owner, bank.connection_id, keep_history=True)
        return answer

    monkeypatch.setattr(bank.wired.gateway, "accounts", leave)
    assert bank.sync().status == SyncStatus.SUPERSEDED
    assert stored(bank.connection_id) == before


def test_an_import_longer_than_a_minutes_calls_waits_and_loses_nothing_it_read(
    app: Flask,
    wired: Services,
    plaid: Running,
    jobs: InlineJobs,
    ambient: FrozenAmbient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        ambient.advance(seconds=seconds)

    monkeypatch.setattr(wired.sync, "_pause", wait)
    monkeypatch.setattr(gateway, "PAGE_ROWS", 100)
    large = Bank(wired, plaid, jobs, factories.make_person(app), username="user_large_4200")
    log = db.session.scalars(select(PlaidSyncLog)).one()
    assert (log.status, log.restarts) == ("success", 0)
    assert log.added == log.fetched == count(PlaidTransaction)
    assert waits
    assert large.connection().state == ConnectionState.HEALTHY
