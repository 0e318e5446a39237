"""Debts, holdings, movements and recurring payments: each read for itself, none holding up another."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any

import pytest
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.jobs import JobKind
from mingus.plaid import productqueries
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.products import Holding
from mingus.plaid.products import InvestmentTransaction
from mingus.plaid.products import Liability
from mingus.plaid.products import Product
from mingus.plaid.products import ProductRefresh
from mingus.plaid.products import RecurringStream
from mingus.plaid.products import Security
from mingus.plaid.states import ConnectionState
from mingus.worker import sweep_once
from tests import factories
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.bank import tell_plaid
from tests.support.connected import Bank

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def household(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> Bank:
    """A household with a mortgage, cards, loans and a brokerage."""
    return Bank(wired, plaid, jobs, ada, username="user_household")


def standing(bank: Bank) -> dict[str, ProductRefresh]:
    db.session.rollback()
    rows = db.session.scalars(
        select(ProductRefresh)
        .where(ProductRefresh.connection_id == bank.connection_id)
        .execution_options(populate_existing=True)
    )
    return {row.product: row for row in rows}


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def wish(bank: Bank, product: Product) -> None:
    with unit_of_work() as unit:
        connection = unit.lock_one(PlaidConnection, bank.connection_id)
        bank.wired.refresher.wish(unit, connection, product)


def refresh(bank: Bank, product: Product) -> ProductRefresh:
    wish(bank, product)
    bank.jobs.run_all()
    return standing(bank)[product]


def calls(bank: Bank, endpoint: str) -> int:
    return sum(call.endpoint == endpoint for call in bank.plaid.sim.log.recent(limit=2000))


def test_the_first_sync_brings_every_product_that_the_accounts_have(household: Bank, ada: UserId) -> None:
    rows = standing(household)
    assert set(rows) == set(Product)
    assert all(row.last_good_at is not None and row.error_code is None for row in rows.values())
    environment = household.connection().environment
    kinds = {row.kind for row in productqueries.liabilities(ada, environment=environment)}
    assert "credit" in kinds
    assert "mortgage" in kinds
    held = productqueries.holdings(ada, environment=environment)
    assert held
    assert all(row.value is not None and row.name != "?" for row in held)
    streams = productqueries.recurring(ada, environment=environment)
    assert {row.is_income for row in streams} == {True, False}
    assert all((row.average.minor > 0) is row.is_income for row in streams if row.average is not None)
    bought = [
        row
        for row in productqueries.movements(ada, environment=environment, limit=500)
        if row.subtype == "buy"
    ]
    assert bought
    assert all(row.amount.minor < 0 for row in bought)


def test_amounts_and_quantities_are_exact(household: Bank, ada: UserId) -> None:
    environment = household.connection().environment
    doc = household.holdings()
    by_place = {
        (row["account_id"], row["security_id"]): (
            Decimal(str(row["quantity"])),
            Decimal(str(row["cost_basis"])),
        )
        for row in doc["holdings"]
    }
    db.session.rollback()
    stored = {
        (account.plaid_account_id, row.plaid_security_id): row.id
        for row, account in db.session.execute(
            select(Holding, PlaidAccount).join(PlaidAccount, PlaidAccount.id == Holding.account_id)
        )
    }
    shown = {row.id: row for row in productqueries.holdings(ada, environment=environment)}
    for key, (quantity, cost) in by_place.items():
        row = shown[stored[key]]
        assert row.quantity == quantity
        assert row.cost is not None
        assert row.cost.major == cost
        assert row.value is not None
        assert row.gain == row.value + -row.cost


def test_a_second_reading_replaces_and_doubles_nothing(household: Bank) -> None:
    tables = (Liability, Holding, InvestmentTransaction, RecurringStream, Security)
    before = {table: count(table) for table in tables}
    ids = set(db.session.scalars(select(Holding.id)))
    for product in Product:
        refresh(household, product)
    assert {table: count(table) for table in tables} == before
    db.session.rollback()
    assert set(db.session.scalars(select(Holding.id))) == ids


def test_what_the_bank_no_longer_lists_is_gone(
    household: Bank, plaid: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = household.wired.gateway.holdings

    def without_the_first(token: str, about: Any) -> Any:
        answer = ask(token, about)
        return type(answer)(
            holdings=answer.holdings[1:], securities=answer.securities, request_id=answer.request_id
        )

    before = count(Holding)
    monkeypatch.setattr(household.wired.gateway, "holdings", without_the_first)
    refresh(household, Product.HOLDINGS)
    assert count(Holding) == before - 1


@pytest.mark.parametrize(
    "code",
    ["PRODUCTS_NOT_SUPPORTED", "ADDITIONAL_CONSENT_REQUIRED", "NO_LIABILITY_ACCOUNTS", "INVALID_PRODUCT"],
)
def test_a_product_that_is_not_there_rests_and_harms_nobody(
    household: Bank, ambient: FrozenAmbient, code: str
) -> None:
    before = count(Liability)
    break_calls(household.plaid, "error", "/liabilities/get", code=code)
    row = refresh(household, Product.LIABILITIES)
    assert (row.error_code, row.failures) == (code, 0)
    assert row.next_refresh_at is not None
    assert (row.next_refresh_at - ambient.now()).days == 7
    assert count(Liability) == (0 if code == "NO_LIABILITY_ACCOUNTS" else before)
    assert household.connection().state == ConnectionState.HEALTHY
    assert standing(household)[Product.HOLDINGS].error_code is None


@pytest.mark.parametrize("code", ["PRODUCT_NOT_READY", "INTERNAL_SERVER_ERROR", "ITEM_LOGIN_REQUIRED"])
def test_a_product_that_fails_is_tried_again_and_marks_no_connection(
    household: Bank, ambient: FrozenAmbient, app: Flask, code: str
) -> None:
    before = count(Liability)
    break_calls(household.plaid, "error", "/liabilities/get", code=code)
    assert refresh(household, Product.LIABILITIES).failures == 1
    assert count(Liability) == before
    assert household.connection().state == ConnectionState.HEALTHY
    asked = calls(household, "/liabilities/get")
    sweep_once(household.wired)
    household.jobs.run_all()
    assert calls(household, "/liabilities/get") == asked  # not before its time
    mend_calls(household.plaid)
    ambient.advance(hours=7)
    sweep_once(household.wired)
    household.jobs.run_all()
    row = standing(household)[Product.LIABILITIES]
    assert (row.failures, row.error_code) == (0, None)


@pytest.mark.parametrize("kind", ["truncated", "html_502", "empty", "invalid_json"])
def test_an_answer_that_is_none_keeps_what_was_known(household: Bank, kind: str) -> None:
    before = count(Holding)
    break_calls(household.plaid, kind, "/investments/holdings/get")
    assert refresh(household, Product.HOLDINGS).failures == 1
    assert count(Holding) == before


def spoilt_holdings(bank: Bank) -> Callable[[str, Any], Any]:
    """The gateway's answer with one row that nobody can read."""
    ask = bank.wired.gateway.holdings

    def spoilt(token: str, about: Any) -> Any:
        answer = ask(token, about)
        odd = type(answer.holdings[0])(
            bytes(answer.holdings[0]).replace(b'"quantity":', b'"quantity":"much","x":')
        )
        return type(answer)(
            holdings=[odd, *answer.holdings[1:]], securities=answer.securities, request_id=answer.request_id
        )

    return spoilt


def test_an_odd_row_is_set_aside_and_forgotten_when_it_is_good_again(
    household: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt = spoilt_holdings(household)
    before = count(Holding)
    with monkeypatch.context() as patch:
        patch.setattr(household.wired.gateway, "holdings", spoilt)
        row = refresh(household, Product.HOLDINGS)
    assert (row.set_aside, count(QuarantinedRow), count(Holding)) == (1, 1, before - 1)
    row = refresh(household, Product.HOLDINGS)
    assert (row.set_aside, count(QuarantinedRow), count(Holding)) == (0, 0, before)


def test_while_a_movement_is_set_aside_the_whole_past_is_asked_for(
    household: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be older than what a later reading asks for, and must not be forgotten unread."""
    asked: list[dt.timedelta] = []
    ask = household.wired.gateway.movements

    def odd(token: str, since: dt.date, until: dt.date, offset: int, about: Any) -> Any:
        asked.append(until - since)
        answer = ask(token, since, until, offset, about)
        last = answer.investment_transactions.pop()
        raw = bytes(last).replace(b'"amount":', b'"amount":"much","x":')
        answer.investment_transactions.append(type(last)(raw))
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(household.wired.gateway, "movements", odd)
        assert refresh(household, Product.INVESTMENT_TRANSACTIONS).set_aside == 1
        assert refresh(household, Product.INVESTMENT_TRANSACTIONS).set_aside == 1
    assert [span.days for span in asked] == [90, 730]


def test_what_the_operator_wants_again_does_not_wait_out_a_failure(household: Bank) -> None:
    break_calls(household.plaid, "html_502", "/liabilities/get")
    assert refresh(household, Product.LIABILITIES).failures == 1
    mend_calls(household.plaid)
    household.wired.refresher.again(household.connection_id, Product.LIABILITIES)
    household.jobs.run_all()
    assert standing(household)["liabilities"].failures == 0


def test_a_wish_during_a_reading_is_one_further_reading(
    household: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = household.wired.gateway.liabilities

    def wish_meanwhile(token: str, about: Any) -> Any:
        monkeypatch.setattr(household.wired.gateway, "liabilities", ask)
        for _ in range(5):
            wish(household, Product.LIABILITIES)
        return ask(token, about)

    before = calls(household, "/liabilities/get")
    monkeypatch.setattr(household.wired.gateway, "liabilities", wish_meanwhile)
    refresh(household, Product.LIABILITIES)
    assert calls(household, "/liabilities/get") == before + 2


def test_a_reader_that_froze_past_its_lease_writes_nothing(
    household: Bank, ambient: FrozenAmbient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = household.wired.gateway.liabilities

    def freeze(token: str, about: Any) -> Any:
        monkeypatch.setattr(household.wired.gateway, "liabilities", ask)
        ambient.advance(minutes=10)
        household.wired.refresher.run(standing(household)[Product.LIABILITIES].id)
        answer = ask(token, about)
        return type(answer)(liabilities={}, request_id=answer.request_id)

    before = count(Liability)
    monkeypatch.setattr(household.wired.gateway, "liabilities", freeze)
    refresh(household, Product.LIABILITIES)
    assert count(Liability) == before


def test_a_disconnect_during_a_reading_writes_nothing(
    household: Bank, ada: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = household.wired.gateway.holdings

    def leave(token: str, about: Any) -> Any:
        answer = ask(token, about)
        household.wired.plaid.disconnect(ada, household.connection_id, keep_history=False)
        return answer

    monkeypatch.setattr(household.wired.gateway, "holdings", leave)
    refresh(household, Product.HOLDINGS)
    assert count(Holding) == 0


def test_the_schedule_reads_again_after_a_day_even_when_every_nudge_is_lost(
    household: Bank, ambient: FrozenAmbient
) -> None:
    with unit_of_work() as unit:
        unit.session.execute(update(Holding).values(value_minor=None))
    ambient.advance(hours=25)
    tell_plaid(household.plaid, "/control/clock", {"advance_seconds": 25 * 3600})
    assert set(household.wired.refresher.due()) == {row.id for row in standing(household).values()}
    assert household.wired.refresher.due(scheduled_too=False) == []
    sweep_once(household.wired)
    household.jobs.run_all()
    db.session.rollback()
    assert None not in set(db.session.scalars(select(Holding.value_minor)))
    assert household.wired.refresher.due() == []


def test_a_login_that_works_again_is_not_waited_for(household: Bank, ambient: FrozenAmbient) -> None:
    break_calls(household.plaid, "error", "/liabilities/get", code="ITEM_LOGIN_REQUIRED")
    refresh(household, Product.LIABILITIES)
    mend_calls(household.plaid)
    household.sync()
    assert standing(household)[Product.LIABILITIES].error_code is None


def test_products_without_accounts_for_them_are_never_asked_for(
    wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId
) -> None:
    bank = Bank(wired, plaid, jobs, ada, username="user_transactions_dynamic")
    types = set(db.session.scalars(select(PlaidAccount.type)))
    asked = {Product(name) for name in standing(bank)}
    assert (Product.HOLDINGS in asked) == ("investment" in types)
    assert (Product.LIABILITIES in asked) == bool(types & {"credit", "loan"})
    assert (JobKind.REFRESH, {}) not in jobs.nudges
