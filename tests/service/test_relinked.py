"""The same real account under a new id: its money and its transactions count once, and nothing of it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from mingus.db import db
from mingus.plaid import queries
from mingus.plaid.models import PlaidAccount
from mingus.transactions import catalogues
from mingus.transactions.filters import Filters
from mingus.transactions.listing import Listing
from tests import factories
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.money import Money
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient

HERE = "simulator"
LASTING = "ins_127287"  # a bank that gives its accounts lasting ids


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


def worth(person: UserId, ambient: FrozenAmbient) -> tuple[Money, ...]:
    db.session.rollback()
    return queries.net_worth(queries.accounts_of(person, environment=HERE))


def listed(person: UserId) -> int:
    db.session.rollback()
    return Listing(person, Filters(), catalogues.of(person), environment=HERE).count()


def leave(bank: Bank, person: UserId) -> None:
    bank.wired.plaid.disconnect(person, bank.connection_id, keep_history=True)
    bank.jobs.run_all()


def test_a_bank_connected_again_after_it_was_left_counts_once(
    wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId, ambient: FrozenAmbient
) -> None:
    first = Bank(wired, plaid, jobs, ada)
    before, rows = worth(ada, ambient), listed(ada)
    leave(first, ada)
    Bank(wired, plaid, jobs, ada)
    assert worth(ada, ambient) == before
    assert listed(ada) == rows


def test_the_older_of_two_counts_no_more_once_it_has_ended(
    wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId, ambient: FrozenAmbient
) -> None:
    first = Bank(wired, plaid, jobs, ada)
    before, rows = worth(ada, ambient), listed(ada)
    second = Bank(wired, plaid, jobs, ada, keep_both=True)
    assert listed(ada) == 2 * rows  # the person said that they are two
    leave(first, ada)
    ambient.advance(minutes=2)  # the balances are not of just now
    second.sync()
    assert worth(ada, ambient) == before
    assert listed(ada) == rows


def test_one_account_that_two_logins_show_counts_once_while_both_live_and_after_either_ends(
    wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId, ambient: FrozenAmbient
) -> None:
    first = Bank(wired, plaid, jobs, ada, institution_id=LASTING, username="user_good")
    before, rows = worth(ada, ambient), listed(ada)
    second = Bank(wired, plaid, jobs, ada, institution_id=LASTING, username="user_good", keep_both=True)
    assert second.connection_id != first.connection_id
    assert (worth(ada, ambient), listed(ada)) == (before, rows)
    leave(second, ada)
    assert (worth(ada, ambient), listed(ada)) == (before, rows)
    first.sync()
    assert (worth(ada, ambient), listed(ada)) == (before, rows)


def test_an_account_that_gets_a_new_id_within_its_connection_counts_once(
    wired: Services,
    plaid: Running,
    jobs: InlineJobs,
    ada: UserId,
    ambient: FrozenAmbient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bank = Bank(wired, plaid, jobs, ada)
    before = worth(ada, ambient)
    ask = wired.gateway.accounts

    def renamed(token: str, about: Any) -> Any:
        answer = ask(token, about)
        accounts = [
            msgspec.structs.replace(row, account_id=f"new-{row.account_id}") for row in answer.accounts
        ]
        return msgspec.structs.replace(answer, accounts=accounts)

    monkeypatch.setattr(wired.gateway, "accounts", renamed)
    ambient.advance(minutes=2)
    bank.sync()
    assert worth(ada, ambient) == before
    db.session.rollback()
    fresh = db.session.scalars(select(PlaidAccount).where(PlaidAccount.plaid_account_id.like("new-%"))).all()
    assert fresh
    assert all(account.replaces_id is not None for account in fresh)


def test_an_account_that_vanished_keeps_its_history_and_leaves_the_totals(
    wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId, ambient: FrozenAmbient
) -> None:
    bank = Bank(wired, plaid, jobs, ada)
    rows = listed(ada)
    [account, *_] = [row for row in queries.accounts_of(ada, environment=HERE) if row.current is not None]
    db.session.rollback()
    plaid_id = db.session.get_one(PlaidAccount, account.id).plaid_account_id
    before = {money.currency: money.minor for money in worth(ada, ambient)}
    bank.do("close_account", account_id=plaid_id)
    ambient.advance(minutes=2)
    bank.sync()
    shown = queries.account(ada, account.id, environment=HERE)
    assert shown is not None
    assert shown.closed
    assert listed(ada) == rows
    assert account.current is not None
    after = {money.currency: money.minor for money in worth(ada, ambient)}
    assert after[account.current.currency] == before[account.current.currency] - account.current.minor
