"""What a bank's card tells while it is imported, and when only a part of it could be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from tests import factories
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.browser import text_of
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.browser import Browser


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> Bank:
    return Bank(wired, plaid, jobs, ada)


@pytest.fixture
def signed_in(app: Flask, ada: UserId) -> Browser:
    return factories.sign_in(app, ada)


def words(browser: Browser) -> str:
    return " ".join(text_of(browser.get("/accounts")).split())


def test_a_bank_that_was_read_in_part_is_not_shown_as_all_well(bank: Bank, signed_in: Browser) -> None:
    assert "read in part" not in words(signed_in)
    bank.spend_often(3)
    break_calls(bank.plaid, "odd_dates", "/transactions/sync")
    bank.sync()
    shown = words(signed_in)
    assert "Connected, but read in part" in shown
    assert "could not be read" in shown
    mend_calls(bank.plaid)
    bank.sync()
    assert "read in part" not in words(signed_in)


@pytest.mark.parametrize(
    ("said", "now"),
    [("NOT_READY", "Recent transactions"), ("INITIAL_UPDATE_COMPLETE", "The whole history")],
)
def test_a_first_import_tells_its_steps_and_how_much_came(
    bank: Bank, signed_in: Browser, said: str, now: str
) -> None:
    with unit_of_work() as unit:
        unit.session.execute(update(PlaidConnection).values(state=ConnectionState.IMPORTING.value))
        unit.session.execute(update(PlaidSyncLog).values(update_status=said, added=1_234))
    page = signed_in.get("/accounts").get_data(as_text=True)
    assert "1,234 transactions so far." in page
    current = page.partition('aria-current="step"')[2].partition("</li>")[0]
    assert now in current
