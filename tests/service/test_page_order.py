"""Pages as no bank should send them: what they mean is kept, in their order."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING
from typing import Any

import pytest
from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid import wire
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.models import PlaidAccount
from mingus.plaid.states import ConnectionState
from mingus.plaid.synced import SyncPage
from tests import factories
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running

COMPLETE = "HISTORICAL_UPDATE_COMPLETE"
CURSORS = itertools.count()


@pytest.fixture
def bank(app: Flask, wired: Services, plaid: Running, jobs: InlineJobs) -> Bank:
    return Bank(wired, plaid, jobs, factories.make_person(app))


def say(bank: Bank, monkeypatch: pytest.MonkeyPatch, *pages: dict[str, Any]) -> None:
    """Have Plaid answer these pages, one after the other."""
    bodies = [
        json.dumps(
            {
                **{"added": [], "modified": [], "removed": [], "transactions_update_status": COMPLETE},
                **{
                    "has_more": number < len(pages),
                    "next_cursor": f"said-{next(CURSORS)}",
                    "request_id": "r",
                },
                **page,
            }
        ).encode()
        for number, page in enumerate(pages, start=1)
    ]
    told = iter(bodies)

    def answer(*_given: object) -> tuple[SyncPage, bytes]:
        body = next(told)
        return wire.decode(body, SyncPage), body

    monkeypatch.setattr(bank.wired.gateway, "sync_page", answer)


def row(bank: Bank, plaid_id: str, **changes: Any) -> dict[str, Any]:
    db.session.rollback()
    account = db.session.scalars(
        select(PlaidAccount.plaid_account_id)
        .where(PlaidAccount.connection_id == bank.connection_id, PlaidAccount.type == "depository")
        .order_by(PlaidAccount.id)
    ).first()
    facts = {"amount": 5, "date": "2026-01-02", "pending": False, "name": "Shop", "iso_currency_code": "USD"}
    return {"transaction_id": plaid_id, "account_id": account, **facts, **changes}


def found(plaid_id: str) -> PlaidTransaction | None:
    db.session.rollback()
    return db.session.scalars(
        select(PlaidTransaction).where(PlaidTransaction.plaid_transaction_id == plaid_id)
    ).one_or_none()


def test_an_empty_page_with_more_behind_it_is_not_the_end(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(bank, monkeypatch, {}, {"added": [row(bank, "behind")]})
    log = bank.sync()
    assert (log.status, log.pages, log.added) == ("success", 2, 1)
    assert found("behind") is not None


def test_an_empty_cursor_is_no_progress(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    before = bank.connection().sync_cursor
    say(bank, monkeypatch, {"next_cursor": "", "transactions_update_status": "NOT_READY"})
    bank.sync()
    after = bank.connection()
    assert after.sync_cursor == before
    assert after.state == ConnectionState.IMPORTING
    assert after.wanted_seq > after.done_seq  # it is asked again by itself


def test_a_row_twice_in_a_page_counts_once_and_the_last_one_holds(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = [row(bank, "twice", amount=1), row(bank, "twice", amount=2)]
    say(bank, monkeypatch, {"added": twice})
    assert bank.sync().added == 1
    kept = found("twice")
    assert kept is not None
    assert kept.amount_minor == -200


def test_a_row_that_is_said_to_be_new_and_is_not_is_brought_up_to_date(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(bank, monkeypatch, {"added": [row(bank, "known", amount=1)]})
    bank.sync()
    say(bank, monkeypatch, {"added": [row(bank, "fresh"), row(bank, "known", amount=2)]})
    log = bank.sync()
    assert (log.added, log.modified) == (1, 1)
    kept = found("known")
    assert kept is not None
    assert kept.amount_minor == -200
    assert kept.first_sync_id != log.id


def test_the_removal_of_what_nobody_knows_is_nothing(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    before = db.session.scalar(select(func.count(PlaidTransaction.id)))
    say(bank, monkeypatch, {"removed": [{"transaction_id": "never"}]})
    assert (bank.sync().status, found("never")) == ("success", None)
    assert db.session.scalar(select(func.count(PlaidTransaction.id))) == before


@pytest.mark.parametrize("first", ["removed", "added"])
def test_a_pending_row_and_its_posted_twin_are_one_row_in_any_order(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    say(bank, monkeypatch, {"added": [row(bank, "pending", pending=True)]})
    bank.sync()
    pending = found("pending")
    assert pending is not None
    with unit_of_work() as unit:
        unit.session.add(
            TransactionChoice(
                transaction_id=pending.id, user_id=pending.user_id, notes="mine", tags=[], hidden=False
            )
        )
    posted = {"added": [row(bank, "posted", amount=6, pending_transaction_id="pending")]}
    removal = {"removed": [{"transaction_id": "pending"}]}
    say(bank, monkeypatch, *((removal, posted) if first == "removed" else (posted, removal)))
    bank.sync()
    kept = found("posted")
    assert kept is not None
    assert (kept.id, kept.removed_at, kept.amount_minor) == (pending.id, None, -600)
    assert found("pending") is None
    assert db.session.get_one(TransactionChoice, kept.id).notes == "mine"


def test_a_row_changed_and_then_removed_in_one_page_keeps_what_it_was_last(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(bank, monkeypatch, {"added": [row(bank, "fleeting", amount=1)]})
    bank.sync()
    changed = [row(bank, "fleeting", amount=3)]
    say(bank, monkeypatch, {"modified": changed, "removed": [{"transaction_id": "fleeting"}]})
    log = bank.sync()
    gone = found("fleeting")
    assert gone is not None
    assert (log.modified, log.removed) == (1, 1)
    assert gone.removed_at is not None
    assert (gone.amount_minor, json.loads(gone.raw)["amount"]) == (-300, 3)
