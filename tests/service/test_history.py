"""Balances day by day, told by the bank and before that by transactions; and whether the two agree."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid import drift
from mingus.plaid import history
from mingus.plaid import queries
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import AccountId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.wire import OWED
from tests import factories
from tests.factories import BEN
from tests.support.ambient import NOON
from tests.support.bank import tell_plaid
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient

HERE = "simulator"
TODAY = NOON.date()
DAY = dt.timedelta(days=1)


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> Bank:
    return Bank(wired, plaid, jobs, ada)


def busiest(bank: Bank) -> PlaidAccount:
    """The account with the newest posted transaction."""
    db.session.rollback()
    return db.session.scalars(
        select(PlaidAccount)
        .join(PlaidTransaction, PlaidTransaction.account_id == PlaidAccount.id)
        .where(
            PlaidAccount.connection_id == bank.connection_id,
            PlaidTransaction.pending.is_(False),
            PlaidAccount.current_minor.is_not(None),
        )
        .order_by(PlaidTransaction.date.desc())
        .limit(1)
    ).one()


def test_the_time_before_the_first_balance_is_told_by_transactions(bank: Bank, ada: UserId) -> None:
    account = busiest(bank)
    points = history.account_history(ada, account.id, environment=HERE)
    assert [point.date for point in points] == sorted({point.date for point in points})
    assert (points[-1].minor, points[-1].reconstructed) == (account.current_minor, False)
    assert points[0].reconstructed
    posted = db.session.scalars(
        select(PlaidTransaction).where(
            PlaidTransaction.account_id == account.id, PlaidTransaction.pending.is_(False)
        )
    ).all()
    assert account.current_minor is not None
    for point in points[:-1]:
        later = sum(row.amount_minor for row in posted if row.date > point.date)
        assert point.minor == account.current_minor - later


def test_what_the_bank_said_is_never_told_backwards(bank: Bank, ada: UserId) -> None:
    account = busiest(bank)
    with unit_of_work() as unit:
        unit.session.add(
            BalanceSnapshot(
                account_id=account.id, taken_on=TODAY - 40 * DAY, current_minor=777, currency=account.currency
            )
        )
    points = history.account_history(ada, account.id, environment=HERE)
    assert [(point.date, point.minor) for point in points if not point.reconstructed] == [
        (TODAY - 40 * DAY, 777),
        (TODAY, account.current_minor),
    ]
    assert all(point.date < TODAY - 40 * DAY for point in points if point.reconstructed)


def test_net_worth_ends_at_what_the_dashboard_shows_and_counts_debts_against(
    wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId, ambient: FrozenAmbient
) -> None:
    Bank(wired, plaid, jobs, ada, username="user_household")
    series = history.net_worth_history(ada, environment=HERE, since=TODAY - 30 * DAY, until=TODAY)
    accounts = queries.accounts_of(ada, environment=HERE)
    assert {str(currency): points[-1].minor for currency, points in series.items()} == {
        str(money.currency): money.minor for money in queries.net_worth(accounts)
    }
    [points] = series.values()
    assert [point.date for point in points] == [TODAY - number * DAY for number in range(30, -1, -1)]
    assert points[0].reconstructed
    assert not points[-1].reconstructed


def test_currencies_have_series_of_their_own(
    wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId
) -> None:
    Bank(wired, plaid, jobs, ada, username="user_international")
    series = history.net_worth_history(ada, environment=HERE, since=TODAY - 3 * DAY, until=TODAY)
    assert len(series) > 2
    assert all(len(points) == 4 for points in series.values())


def test_a_net_worth_of_any_size_is_three_queries(bank: Bank, ada: UserId) -> None:
    db.session.rollback()
    asked: list[str] = []

    def note(*args: object) -> None:
        asked.append(str(args[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        history.net_worth_history(ada, environment=HERE, since=TODAY - 700 * DAY, until=TODAY)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    assert len([words for words in asked if words.startswith("SELECT")]) == 3


def test_an_ended_bank_counts_until_the_day_it_ended(bank: Bank, ada: UserId, ambient: FrozenAmbient) -> None:
    ambient.advance(days=5)
    bank.wired.plaid.disconnect(ada, bank.connection_id, keep_history=True)
    series = history.net_worth_history(ada, environment=HERE, since=TODAY, until=TODAY + 10 * DAY)
    assert {point.date for points in series.values() for point in points} == {
        TODAY + n * DAY for n in range(5)
    }


def test_a_stranger_has_no_history_of_it(app: Flask, bank: Bank) -> None:
    account = busiest(bank)
    ben = factories.make_person(app, BEN)
    assert history.account_history(ben, account.id, environment=HERE) == []
    assert history.net_worth_history(ben, environment=HERE, since=TODAY, until=TODAY) == {}
    assert drift.drift_of(ben, account.id) is None
    assert history.account_history(ben, AccountId("acc_none"), environment=HERE) == []


def move_balance(bank: Bank, account: PlaidAccount, minor: int) -> None:
    """The bank reports another balance from now on, without a transaction."""
    ask = bank.wired.gateway.accounts
    plaid_id, said = account.plaid_account_id, -minor if account.type in OWED else minor

    def moved(token: str, about: object) -> object:
        answer = ask(token, about)  # type: ignore[arg-type]  # passed through
        import msgspec

        def turned(row: object) -> object:
            if row.account_id != plaid_id:  # type: ignore[attr-defined]  # an account
                return row
            current = msgspec.Raw(str(said / 100).encode())
            return msgspec.structs.replace(
                row,  # type: ignore[type-var]  # an account
                balances=msgspec.structs.replace(row.balances, current=current),  # type: ignore[attr-defined]  # too
            )

        return msgspec.structs.replace(answer, accounts=[turned(row) for row in answer.accounts])

    vars(bank.wired.gateway)["accounts"] = moved


@pytest.fixture
def honest_again(wired: Services) -> object:
    yield
    vars(wired.gateway).pop("accounts", None)


@pytest.mark.usefixtures("honest_again")
def test_a_balance_that_moves_without_transactions_is_noted_until_it_moves_rightly(
    bank: Bank, ada: UserId, ambient: FrozenAmbient
) -> None:
    account = busiest(bank)
    assert account.current_minor is not None
    assert drift.drift_of(ada, account.id) is None
    move_balance(bank, account, account.current_minor + 1234)
    ambient.advance(minutes=2)  # balances of just now are not asked for again
    log = bank.sync()
    note = drift.drift_of(ada, account.id)
    assert note is not None
    assert (note.drift.minor, note.expected.minor, note.reported.minor) == (1234, 0, 1234)
    assert note.sync_id == log.id
    ambient.advance(minutes=2)
    bank.sync()
    assert drift.drift_of(ada, account.id) == note  # nothing new: the note stays
    vars(bank.wired.gateway).pop("accounts")
    ambient.advance(minutes=2)
    bank.sync()
    back = drift.drift_of(ada, account.id)
    assert back is not None
    assert back.drift.minor == -1234


def test_a_movement_that_transactions_explain_is_no_drift(bank: Bank, ada: UserId) -> None:
    account = busiest(bank)
    for amount in (12.5, 3):
        bank.do("spend", amount=amount, account_id=account.plaid_account_id)
    bank.sync()
    assert drift.drift_of(ada, account.id) is None
    bank.do("post_pending")
    tell_plaid(bank.plaid, f"/control/items/{bank.item}/do/check", {})
    bank.sync()
    assert drift.drift_of(ada, account.id) is None
