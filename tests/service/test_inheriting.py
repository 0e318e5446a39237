"""A bank connected anew: what the person decided about its transactions is still there, where there is no doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.transactions.edits import Wish
from mingus.transactions.models import TransactionEdit
from tests import factories
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running

DECIDED = Wish(values={"notes": "for the tax office", "category": "TRAVEL"}, add_tags=("work",))


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> Bank:
    return Bank(wired, plaid, jobs, ada)


def posted(bank: Bank) -> list[PlaidTransaction]:
    """The posted rows of a connection, each of which looks like no other."""
    db.session.rollback()
    rows = db.session.scalars(
        select(PlaidTransaction)
        .where(
            PlaidTransaction.connection_id == bank.connection_id,
            PlaidTransaction.pending.is_(False),
            PlaidTransaction.removed_at.is_(None),
        )
        .order_by(PlaidTransaction.id)
    ).all()
    looks = [look(row) for row in rows]
    return [row for row in rows if looks.count(look(row)) == 1]


def look(row: PlaidTransaction) -> tuple[object, ...]:
    return (row.date, row.amount_minor, row.currency, row.name, row.account_id)


def again(bank: Bank, ada: UserId) -> Bank:
    """The same bank once more, its old connection left with its history."""
    bank.wired.plaid.disconnect(ada, bank.connection_id, keep_history=True)
    bank.jobs.run_all()
    return Bank(bank.wired, bank.plaid, bank.jobs, ada)


def heir(new: Bank, old: PlaidTransaction) -> PlaidTransaction:
    [found] = [row for row in posted(new) if look(row)[:4] == look(old)[:4]]
    return found


def choice_of(row: PlaidTransaction) -> TransactionChoice | None:
    db.session.rollback()
    return db.session.get(TransactionChoice, row.id, populate_existing=True)


def test_what_was_decided_about_a_row_is_decided_about_its_successor(
    bank: Bank, ada: UserId, wired: Services
) -> None:
    old = posted(bank)[0]
    wired.edits.change(ada, [old.id], DECIDED)
    new = heir(again(bank, ada), old)
    choice = choice_of(new)
    assert choice is not None
    assert (choice.notes, choice.category, choice.tags) == ("for the tax office", "TRAVEL", ["work"])
    assert choice.origins == {"notes": "hand", "category": "hand", "tags": "hand"}
    assert choice_of(old) is not None  # the old row keeps its own


def test_a_row_nobody_decided_about_gets_nothing(bank: Bank, ada: UserId, wired: Services) -> None:
    first, second = posted(bank)[:2]
    wired.edits.change(ada, [first.id], DECIDED)
    assert choice_of(heir(again(bank, ada), second)) is None


def test_what_was_handed_on_is_undone_like_any_edit_and_stays_undone(
    bank: Bank, ada: UserId, wired: Services
) -> None:
    old = posted(bank)[0]
    wired.edits.change(ada, [old.id], DECIDED)
    anew = again(bank, ada)
    edit = db.session.scalars(select(TransactionEdit).order_by(TransactionEdit.id.desc())).first()
    assert edit is not None
    db.session.rollback()
    assert wired.edits.undo(ada, edit.id) == 1
    anew.do("spend", amount=3)
    anew.sync()
    choice = choice_of(heir(anew, old))
    assert choice is not None
    assert (choice.notes, choice.category, choice.tags) == (None, None, [])


@pytest.mark.past_sums  # a row is changed by its table
def test_of_two_rows_that_look_the_same_neither_inherits(bank: Bank, ada: UserId, wired: Services) -> None:
    old, other = posted(bank)[:2]
    wired.edits.change(ada, [old.id], DECIDED)
    with unit_of_work() as unit:
        twin = unit.lock_one(PlaidTransaction, other.id)
        twin.date, twin.amount_minor, twin.name = old.date, old.amount_minor, old.name
        twin.account_id, twin.currency = old.account_id, old.currency
        twin.wording = None  # it says something else now
    new = heir(again(bank, ada), old)
    assert choice_of(new) is None


def test_what_was_decided_about_the_new_row_stays(bank: Bank, ada: UserId, wired: Services) -> None:
    old = posted(bank)[0]
    anew = Bank(wired, bank.plaid, bank.jobs, ada, keep_both=True)
    wired.edits.change(ada, [heir(anew, old).id], Wish(values={"notes": "newer"}))
    wired.edits.change(ada, [old.id], DECIDED)
    wired.plaid.disconnect(ada, bank.connection_id, keep_history=True)
    bank.jobs.run_all()
    wired.ambient.advance(minutes=2)  # type: ignore[attr-defined]  # the frozen one
    anew.do("spend", amount=3)
    anew.sync()
    choice = choice_of(heir(anew, old))
    assert choice is not None
    assert (choice.notes, choice.category) == ("newer", None)


def test_decisions_follow_also_when_the_older_connection_ends_later(
    bank: Bank, ada: UserId, wired: Services
) -> None:
    old = posted(bank)[0]
    wired.edits.change(ada, [old.id], DECIDED)
    anew = Bank(wired, bank.plaid, bank.jobs, ada, keep_both=True)
    assert choice_of(heir(anew, old)) is None  # the person said that they are two
    wired.plaid.disconnect(ada, bank.connection_id, keep_history=True)
    bank.jobs.run_all()
    anew.do("spend", amount=3)
    anew.sync()
    choice = choice_of(heir(anew, old))
    assert choice is not None
    assert choice.notes == "for the tax office"
