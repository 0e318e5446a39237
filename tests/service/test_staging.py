"""Large updates are written in small transactions, and nobody sees any of it before all of it is there."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

import pytest
from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.exports import takeout
from mingus.plaid import gateway
from mingus.plaid import staging
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import Staging
from mingus.plaid.ledger import TransactionChange
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.ledger import Trigger
from mingus.plaid.writing import LedgerWriter
from mingus.transactions import catalogues
from mingus.transactions.filters import Filters
from mingus.transactions.listing import Listing
from tests import factories
from tests.support.ambient import NOON
from tests.support.connected import Bank
from tests.support.ledger import stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.plaid.synced import SyncPage
    from mingus.services import Services
    from mingus.simulator.testing import Running

LARGE = 60  # rounds of a bank, each with some new, some posted and some changed rows


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are short, updates count as large from the second on, and each page is a chunk."""
    monkeypatch.setattr(gateway, "PAGE_ROWS", 50)
    monkeypatch.setattr(staging, "STAGED_FROM", 60)
    monkeypatch.setattr(staging, "CHUNK_ROWS", 40)


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> Bank:
    return Bank(wired, plaid, jobs, ada)


def listed(person: UserId) -> int:
    db.session.rollback()
    return Listing(person, Filters(), catalogues.of(person), environment="simulator").count()


def taken_out(person: UserId) -> list[dict[str, Any]]:
    """The transactions in a person's export of everything."""
    text = "".join(takeout.as_json(person, environment="simulator", made_at=NOON))
    found: list[dict[str, Any]] = json.loads(text)["transactions"]
    return found


def count(model: type[Any]) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def at_page(monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], None]) -> None:
    """Do something before the numbered page of the next update is written."""
    write, pages = LedgerWriter.write_page, [0]

    def counted(writer: LedgerWriter, page: SyncPage) -> None:
        pages[0] += 1
        if pages[0] == number:
            act()
        write(writer, page)

    monkeypatch.setattr(LedgerWriter, "write_page", counted)


class Killed(BaseException):
    """As a signal: nothing catches it."""


def kill() -> None:
    raise Killed


def test_a_large_update_is_all_there_in_the_end(bank: Bank) -> None:
    bank.do("burst", times=LARGE)
    log = bank.sync()
    assert (log.status, log.added >= LARGE, log.pages >= 3) == ("success", True, True)
    bank.assert_true()
    assert count(Staging) == 0


def test_nobody_sees_a_part_of_it(
    app: Flask, bank: Bank, ada: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rows, seen = listed(ada), count(PlaidTransaction), list[tuple[int, int, int]]()
    bank.do("burst", times=LARGE)

    def look() -> None:
        with app.app_context():
            seen.append((listed(ada), len(taken_out(ada)), count(PlaidTransaction)))

    at_page(monkeypatch, 3, look)
    bank.sync()
    [(shown, exported, there)] = seen
    assert shown == before
    assert exported == rows
    assert there > rows
    assert listed(ada) >= before + LARGE


def test_a_worker_that_dies_half_way_leaves_nothing_and_the_next_one_brings_all(
    bank: Bank, ada: UserId, ambient: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, rows = listed(ada), count(PlaidTransaction)
    bank.do("burst", times=LARGE)
    with monkeypatch.context() as patched:
        at_page(patched, 3, kill)
        with pytest.raises(Killed):
            bank.sync()
    assert listed(ada) == before
    assert count(PlaidTransaction) > rows
    ambient.advance(minutes=2)  # the dead worker's lease
    bank.wired.sync.run(bank.connection_id)
    bank.assert_true()
    assert count(Staging) == 0
    assert count(PlaidTransaction) == len(stored(bank.connection_id)) + removed()


def removed() -> int:
    gone = select(func.count(PlaidTransaction.id)).where(PlaidTransaction.removed_at.is_not(None))
    return db.session.scalar(gone) or 0


def test_a_connection_ended_meanwhile_keeps_what_it_had_and_nothing_else(
    bank: Bank, ada: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(bank.connection_id)
    bank.do("burst", times=LARGE)
    leave = partial(bank.wired.plaid.disconnect, ada, bank.connection_id, keep_history=True)
    end_between_chunks(monkeypatch, leave)
    sync_id = bank.wired.sync.request(bank.connection_id, Trigger.PERSON)
    bank.wired.sync.run(bank.connection_id)
    db.session.rollback()
    assert db.session.get_one(PlaidSyncLog, sync_id, populate_existing=True).status == "superseded"
    assert stored(bank.connection_id) == before
    assert (count(Staging), count(PlaidTransaction)) == (0, len(before) + removed())


def end_between_chunks(monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    chunks = staging._chunks

    def interrupted(spool: Any) -> Any:
        for number, pages in enumerate(chunks(spool)):
            if number == 1:
                act()
            yield pages

    monkeypatch.setattr(staging, "_chunks", interrupted)


def test_others_write_between_its_chunks(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    bank.do("burst", times=LARGE)
    written = []

    def write() -> None:
        with unit_of_work() as unit:
            unit.session.execute(select(PlaidSyncLog.id).limit(1))
        written.append(True)

    end_between_chunks(monkeypatch, write)
    assert bank.sync().status == "success"
    assert written
    bank.assert_true()


def test_what_nobody_will_finish_is_cleared_by_the_worker(
    bank: Bank, ada: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = count(PlaidTransaction)
    bank.do("burst", times=LARGE)
    with monkeypatch.context() as patched:
        at_page(patched, 3, kill)
        with pytest.raises(Killed):
            bank.sync()
    bank.wired.plaid.disconnect(ada, bank.connection_id, keep_history=True)
    bank.wired.stager.discard_abandoned()
    assert (count(Staging), count(PlaidTransaction)) == (0, rows)


def test_rows_that_people_see_change_with_the_last_transaction_and_keep_their_edits(
    app: Flask, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.do("spend", amount=12)
    bank.sync()
    db.session.rollback()
    live = select(PlaidTransaction).where(PlaidTransaction.pending.is_(True))
    row = db.session.scalars(live.order_by(PlaidTransaction.id.desc())).first()
    assert row is not None
    row_id, owner = row.id, row.user_id
    with unit_of_work() as unit:
        unit.session.add(
            TransactionChoice(transaction_id=row_id, user_id=owner, notes="mine", tags=[], hidden=False)
        )
    bank.do("post_pending")
    bank.do("burst", times=LARGE)
    states: list[bool] = []

    def look() -> None:
        with app.app_context():
            states.append(db.session.get_one(PlaidTransaction, row_id).pending)

    at_page(monkeypatch, 3, look)
    bank.sync()
    bank.assert_true()
    db.session.rollback()
    assert states == [True]
    assert not db.session.get_one(PlaidTransaction, row_id, populate_existing=True).pending
    assert db.session.get_one(TransactionChoice, row_id).notes == "mine"
    assert db.session.scalar(
        select(func.count(TransactionChange.id)).where(TransactionChange.transaction_id == row_id)
    )


def test_too_many_changes_of_what_people_see_are_made_in_one_transaction(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.do("spend", amount=12)
    bank.sync()
    monkeypatch.setattr(staging, "MOST_LATER", 0)
    bank.do("post_pending")
    bank.do("burst", times=LARGE)
    assert bank.sync().status == "success"
    bank.assert_true()
    assert count(Staging) == 0
