"""A person edits a row while a sync changes it: both are there afterwards, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus.db import db
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.transactions.edits import Wish
from tests import factories
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    import pytest
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.plaid.wire import AccountsAnswer
    from mingus.services import Services
    from mingus.simulator.testing import Running


def test_an_edit_between_reading_and_writing_a_sync_stays_beside_what_the_bank_changed(
    app: Flask, wired: Services, plaid: Running, jobs: InlineJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = factories.make_person(app)
    bank = SyncedBank(wired, plaid, jobs, ada)
    bank.do("spend", amount=5)
    bank.sync()
    db.session.rollback()
    row = db.session.scalars(select(PlaidTransaction.id).where(PlaidTransaction.pending)).first()
    assert row is not None
    bank.do("post_pending")
    honest = wired.gateway.accounts

    def edited_meanwhile(*arguments: object) -> AccountsAnswer:
        """The pages are read, nothing of them is written yet: now the person saves."""
        wired.edits.change(
            ada, [row], Wish(values={"category": "TRAVEL", "name": "Mine"}, add_tags=("trip",))
        )
        return honest(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(wired.gateway, "accounts", edited_meanwhile)
    log = bank.sync()
    assert log.status == "success"
    bank.assert_true()
    db.session.rollback()
    choice = db.session.get_one(TransactionChoice, row, populate_existing=True)
    assert (choice.category, choice.name, choice.tags) == ("TRAVEL", "Mine", ["trip"])
    assert not db.session.get_one(PlaidTransaction, row, populate_existing=True).pending
