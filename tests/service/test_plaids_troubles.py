"""What Plaid does wrong, for some minutes: few calls meanwhile, and the truth soon after it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest
from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.plaid import gateway as gateway_module
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidCall
from mingus.plaid.states import ConnectionState
from mingus.plaid.sync import LOOK_FOR
from mingus.worker import SWEEP_SECONDS
from mingus.worker import sweep_once
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

MOST_CALLS = 60
SOON_SECONDS = 90
# on the wire, in the shape of what is said, and by Plaid's own word
TROUBLES: dict[str, dict[str, Any]] = {
    **{
        kind: {}
        for kind in (
            *("reset_before", "reset_after", "truncated", "invalid_json", "html_502", "empty", "redirect"),
            *("missing_fields", "wrong_types", "odd_numbers", "odd_dates"),
            *("has_more_forever", "empty_page", "repeated", "unknown_removed", "unknown_fields"),
        )
    },
    "delay": {"seconds": 5},
    "drip": {"seconds": 5},
    "huge": {"megabytes": 60},
    "INTERNAL_SERVER_ERROR": {"kind": "error"},
    "PLANNED_MAINTENANCE": {"kind": "error"},
    "RATE_LIMIT_EXCEEDED": {"kind": "error", "code": "TRANSACTIONS_SYNC_LIMIT"},
    "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION": {"kind": "error"},
}


@pytest.fixture
def bank(app: Flask, wired: Services, plaid: Running, jobs: InlineJobs) -> Bank:
    return Bank(wired, plaid, jobs, factories.make_person(app))


class Time:
    """Passes with a sweep of the worker every few seconds."""

    def __init__(self, bank: Bank, ambient: FrozenAmbient) -> None:
        self._bank = bank
        self._ambient = ambient

    def passes(self, seconds: float) -> None:
        for _ in range(int(seconds // SWEEP_SECONDS)):
            self._ambient.advance(seconds=SWEEP_SECONDS)
            db.session.rollback()
            sweep_once(self._bank.wired)
            self._bank.jobs.run_all()


@pytest.fixture
def time(bank: Bank, ambient: FrozenAmbient, monkeypatch: pytest.MonkeyPatch) -> Time:
    def wait(seconds: float) -> None:
        ambient.advance(seconds=seconds)

    monkeypatch.setattr(bank.wired.sync, "_pause", wait)
    monkeypatch.setattr(gateway_module, "READ_SECONDS", 0.3)
    monkeypatch.setattr(gateway_module, "TOTAL_SECONDS", 0.3)
    return Time(bank, ambient)


def calls() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(PlaidCall)) or 0


def set_aside() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(QuarantinedRow)) or 0


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_trouble_costs_few_calls_and_the_truth_is_reached_soon_after_it(
    bank: Bank, time: Time, trouble: str
) -> None:
    order = dict(TROUBLES[trouble])
    kind = order.pop("kind", trouble)
    if kind == "error":
        order.setdefault("code", trouble)
    bank.spend_often(12)
    break_calls(bank.plaid, kind, "/transactions/sync", **order)
    before = calls()
    bank.wired.sync.request(bank.connection_id, Trigger.WEBHOOK)
    bank.jobs.run_all()
    time.passes(300)
    assert calls() - before <= MOST_CALLS
    mend_calls(bank.plaid)
    time.passes(SOON_SECONDS)
    live = stored(bank.connection_id)
    expected = truth(bank.plaid, bank.item)
    assert {key: live.get(key) for key in expected} == expected
    assert bank.connection().state == ConnectionState.HEALTHY
    assert set_aside() == 0


def test_a_row_that_stays_odd_is_left_aside_and_holds_nothing_up(bank: Bank, time: Time) -> None:
    bank.spend_often(12)
    before = bank.connection().sync_cursor
    break_calls(bank.plaid, "odd_dates", "/transactions/sync")
    assert bank.sync().status == "partial"
    aside = set_aside()
    assert aside > 0
    assert bank.connection().sync_cursor == before, "it is asked for once more"
    time.passes(LOOK_FOR.total_seconds() + SOON_SECONDS)
    assert bank.connection().sync_cursor != before
    assert set_aside() == aside
    asked = calls()
    time.passes(SOON_SECONDS)
    assert calls() == asked, "nobody goes on asking for ever"
    mend_calls(bank.plaid)
    bank.do("spend", amount=77)
    assert bank.sync().status == "success"
    assert set_aside() == aside
