"""Random worlds: whatever happens at the bank, on the way and to the workers, the ledger comes to the truth.

In between it never shows a state that the bank never had: a sync that fails changes nothing that is seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine
from hypothesis.stateful import invariant
from hypothesis.stateful import rule
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.ledger import TransactionId
from mingus.plaid.models import PlaidConnection
from tests import factories
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.connected import Bank
from tests.support.ledger import Row
from tests.support.ledger import stored
from tests.support.ledger import truth

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient

AMOUNTS = st.integers(1, 500_000).map(lambda minor: minor / 100)
WHICH = st.integers(0, 10_000)
WIRE_FAULTS = ("truncated", "invalid_json", "html_502", "empty", "redirect", "reset_after", "reset_before")
HARMLESS = ("repeated", "empty_page", "unknown_removed")
MUTATED = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
CODES = ("INTERNAL_SERVER_ERROR", "INSTITUTION_DOWN", "PRODUCT_NOT_READY", "RATE_LIMIT", MUTATED)
SYNC = "/transactions/sync"


class Ledger(RuleBasedStateMachine):
    """A bank, a person and their workers."""

    def __init__(self, bank: Bank, ambient: FrozenAmbient, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self._bank = bank
        self._ambient = ambient
        self._patch = patch
        self._shown: dict[str, Row] = stored(bank.connection_id)
        self._notes: dict[TransactionId, str] = {}

    # at the bank

    @rule(amount=AMOUNTS, pending=st.booleans())
    def spend(self, amount: float, *, pending: bool) -> None:
        self._bank.do("spend", amount=amount, pending=pending)

    @rule()
    def post_everything(self) -> None:
        self._bank.do("post_pending")

    @rule(amount=AMOUNTS)
    def post_with_another_amount(self, amount: float) -> None:
        self._bank.do("post_pending", amount=amount)

    @rule(which=WHICH, amount=AMOUNTS)
    def correct(self, which: int, amount: float) -> None:
        self._bank.do("change", transaction_id=self._any(which), amount=amount)

    @rule(which=WHICH, name=st.sampled_from(["Café", "x" * 600, "  ", "<b>"]))
    def rename(self, which: int, name: str) -> None:
        self._bank.do("change", transaction_id=self._any(which), name=name)

    @rule(which=WHICH)
    def take_back(self, which: int) -> None:
        self._bank.do("remove_transaction", transaction_id=self._any(which))

    @rule(which=WHICH)
    def take_back_and_return(self, which: int) -> None:
        self._bank.do("remove_and_return", transaction_id=self._any(which))

    @rule(times=st.sampled_from([1, 5, 180]))
    def burst(self, times: int) -> None:
        self._bank.do("burst", times=times)

    # the person

    @rule(
        which=WHICH, note=st.text(max_size=20).filter(lambda text: "\x00" not in text and text.isprintable())
    )
    def note(self, which: int, note: str) -> None:
        live = (
            PlaidTransaction.connection_id == self._bank.connection_id,
            PlaidTransaction.removed_at.is_(None),
        )
        newest = select(PlaidTransaction.id, PlaidTransaction.user_id).where(*live)
        rows = db.session.execute(newest.order_by(PlaidTransaction.id.desc()).limit(20)).all()
        row_id, owner = rows[which % len(rows)]
        with unit_of_work() as unit:
            choice = unit.session.get(TransactionChoice, row_id)
            if choice is None:
                choice = TransactionChoice(transaction_id=row_id, user_id=owner, tags=[], hidden=False)
                unit.session.add(choice)
            choice.notes = note
        self._notes[row_id] = note

    # the workers

    @rule()
    def sync(self) -> None:
        self._expect_truth_of_success(self._sync())

    @rule(kind=st.sampled_from(WIRE_FAULTS), skip=st.integers(0, 1))
    def sync_over_a_bad_line(self, kind: str, skip: int) -> None:
        break_calls(self._bank.plaid, kind, SYNC, count=1, skip=skip)
        self._expect_truth_of_success(self._sync())

    @rule(kind=st.sampled_from(HARMLESS))
    def sync_with_things_said_oddly(self, kind: str) -> None:
        break_calls(self._bank.plaid, kind, SYNC, count=1)
        self._expect_truth_of_success(self._sync())

    @rule(
        code=st.sampled_from(CODES), endpoint=st.sampled_from([SYNC, "/accounts/get"]), skip=st.integers(0, 1)
    )
    def sync_while_plaid_refuses(self, code: str, endpoint: str, skip: int) -> None:
        break_calls(self._bank.plaid, "error", endpoint, code=code, count=1, skip=skip)
        self._expect_truth_of_success(self._sync())

    @rule()
    def sync_with_a_cursor_that_plaid_forgot(self) -> None:
        with unit_of_work() as unit:
            unit.lock_one(PlaidConnection, self._bank.connection_id).sync_cursor = "bm90IGEgY3Vyc29y"
        self._expect_truth_of_success(self._sync())

    @rule(amount=AMOUNTS)
    def sync_while_the_bank_moves(self, amount: float) -> None:
        self._meanwhile(lambda: self._bank.do("spend", amount=amount))
        self._sync()
        self._shown = stored(self._bank.connection_id)

    @rule(amount=AMOUNTS)
    def freeze_one_worker_and_let_another_finish(self, amount: float) -> None:
        def another() -> None:
            self._bank.do("spend", amount=amount)
            self._ambient.advance(minutes=3)
            self._bank.wired.sync.run(self._bank.connection_id)

        self._bank.do("spend", amount=amount)
        self._meanwhile(another)
        self._sync()
        self._shown = stored(self._bank.connection_id)
        assert self._shown == truth(self._bank.plaid, self._bank.item)

    @invariant()
    def nothing_half_done_is_seen(self) -> None:
        assert stored(self._bank.connection_id) == self._shown

    @invariant()
    def what_the_person_wrote_is_there(self) -> None:
        for row_id, note in self._notes.items():
            assert db.session.get_one(TransactionChoice, row_id, populate_existing=True).notes == note
        db.session.rollback()

    def teardown(self) -> None:
        """In the end, when everything works, the ledger is the truth."""
        mend_calls(self._bank.plaid)
        self._patch.undo()
        self._expect_truth_of_success(self._sync())
        assert self._shown == truth(self._bank.plaid, self._bank.item)
        self.what_the_person_wrote_is_there()

    # how

    def _sync(self) -> str:
        """One sync, hours after the last one, so that no patience is left; how it ended."""
        self._ambient.advance(hours=7)
        status = self._bank.sync().status
        mend_calls(self._bank.plaid)
        return status

    def _expect_truth_of_success(self, status: str) -> None:
        if status == SyncStatus.SUCCESS:
            self._shown = truth(self._bank.plaid, self._bank.item)
        else:
            assert status == SyncStatus.FAILED

    def _meanwhile(self, act: Callable[[], object]) -> None:
        """Do something just before the next sync would write."""
        gateway = self._bank.wired.gateway
        ask = gateway.accounts

        def asked(token: str, about: Any) -> Any:
            self._patch.setattr(gateway, "accounts", ask)
            act()
            return ask(token, about)

        self._patch.setattr(gateway, "accounts", asked)

    def _any(self, which: int) -> str:
        ids = sorted(truth(self._bank.plaid, self._bank.item))
        return ids[which % len(ids)]


def test_any_world_ends_in_the_truth(
    app: Flask,
    wired: Services,
    plaid: Running,
    jobs: InlineJobs,
    ambient: FrozenAmbient,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people = iter(range(10_000))
    examples = 6 if database == "sqlite" else 3

    def world() -> Ledger:
        person = factories.make_person(app, f"ada{next(people)}@mingus.test")
        return Ledger(Bank(wired, plaid, jobs, person), ambient, monkeypatch)

    steady = settings(
        max_examples=examples,
        stateful_step_count=12,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(world, settings=steady)  # type: ignore[arg-type]  # anything that makes one
