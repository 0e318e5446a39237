"""The end of a connection: at once for the person, at Plaid until it is confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.plaid import queries
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from mingus.plaid.states import Purpose
from mingus.sealed import SecretKind
from mingus.sealed import VaultSecret
from mingus.worker import sweep_once
from tests import factories
from tests.support.bank import break_calls
from tests.support.bank import items_at
from tests.support.bank import mend_calls
from tests.support.bank import public_token
from tests.support.bank import tell_plaid

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient


@pytest.fixture
def ada(app: Flask, context: None) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def connected(wired: Services, ada: UserId, plaid: Running) -> ConnectionId:
    link = wired.plaid.create_link_token(ada).link_id
    linked = wired.plaid.exchange_public_token(ada, link, public_token(plaid), metadata={})
    return linked.connection_id


def connection() -> PlaidConnection:
    db.session.rollback()
    return db.session.scalars(select(PlaidConnection)).one()


def access_tokens() -> list[VaultSecret]:
    db.session.rollback()
    kind = SecretKind.ACCESS_TOKEN.value
    return list(db.session.scalars(select(VaultSecret).where(VaultSecret.kind == kind)))


def test_a_disconnected_bank_is_gone_at_plaid_and_its_token_destroyed(
    wired: Services, ada: UserId, connected: ConnectionId, plaid: Running, jobs: InlineJobs
) -> None:
    wired.plaid.disconnect(ada, connected, keep_history=True)
    assert connection().state == ConnectionState.REMOVING
    with pytest.raises(NotFound):
        wired.plaid.check_connection_health(ada, connected)
    jobs.run_all()
    assert (connection().state, items_at(plaid), access_tokens()) == (ConnectionState.REMOVED, [], [])
    assert len(db.session.scalars(select(PlaidAccount)).all()) >= 12, "its history stays"


def test_history_goes_with_it_when_the_person_wants_that(
    wired: Services, ada: UserId, connected: ConnectionId, jobs: InlineJobs
) -> None:
    wired.plaid.disconnect(ada, connected, keep_history=False)
    db.session.rollback()
    assert db.session.scalars(select(PlaidAccount)).all() == []
    jobs.run_all()
    assert connection().state == ConnectionState.REMOVED


def test_disconnecting_works_while_plaid_is_down_and_is_retried_until_it_is_confirmed(
    wired: Services,
    ada: UserId,
    connected: ConnectionId,
    plaid: Running,
    jobs: InlineJobs,
    ambient: FrozenAmbient,
) -> None:
    break_calls(plaid, "html_502", "/item/remove")
    wired.plaid.disconnect(ada, connected, keep_history=True)
    for _ in range(4):
        jobs.run_all()
        ambient.advance(minutes=20)
        db.session.rollback()
        sweep_once(wired)
    assert connection().state == ConnectionState.REMOVING
    assert connection().failures >= 3
    mend_calls(plaid)
    ambient.advance(hours=7)
    db.session.rollback()
    sweep_once(wired)
    jobs.run_all()
    assert (connection().state, items_at(plaid), access_tokens()) == (ConnectionState.REMOVED, [], [])


def test_disconnecting_twice_is_disconnecting_once(
    wired: Services, ada: UserId, connected: ConnectionId, plaid: Running, jobs: InlineJobs
) -> None:
    wired.plaid.disconnect(ada, connected, keep_history=True)
    wired.plaid.disconnect(ada, connected, keep_history=False)
    jobs.run_all()
    wired.plaid.disconnect(ada, connected, keep_history=False)
    assert len(db.session.scalars(select(PlaidAccount)).all()) >= 12


@pytest.mark.parametrize("code", ["USER_PERMISSION_REVOKED", "ITEM_NOT_FOUND"])
def test_a_revoked_connection_ends_keeps_its_history_and_forgets_its_token(
    wired: Services, ada: UserId, connected: ConnectionId, plaid: Running, jobs: InlineJobs, code: str
) -> None:
    jobs.run_all()
    break_calls(plaid, "error", "/item/get", code=code)
    assert wired.plaid.check_connection_health(ada, connected).health == "CRITICAL"
    mend_calls(plaid)
    jobs.run_all()
    assert access_tokens() == []
    assert connection().state == ConnectionState.REVOKED
    assert len(db.session.scalars(select(PlaidAccount)).all()) >= 12


def test_a_connection_ended_while_it_is_read_does_not_come_back(
    wired: Services, ada: UserId, connected: ConnectionId, plaid: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = wired.gateway.accounts

    def read_slowly(token: str, about: object) -> object:
        answer = read(token)
        wired.plaid.disconnect(ada, connected, keep_history=False)
        return answer

    monkeypatch.setattr(wired.gateway, "accounts", read_slowly)
    wired.connections.check(connected)
    assert connection().state == ConnectionState.REMOVING
    assert db.session.scalars(select(PlaidAccount)).all() == []


def test_a_damaged_token_is_that_connections_trouble_alone(
    wired: Services, ada: UserId, connected: ConnectionId, plaid: Running
) -> None:
    with unit_of_work() as unit:
        unit.session.execute(update(VaultSecret).values(ciphertext=b"x" * 60))
    wired.connections.check(connected)
    assert connection().state == ConnectionState.NEEDS_SIGN_IN


def test_an_account_that_the_bank_no_longer_shows_is_closed_and_kept(
    wired: Services, ada: UserId, connected: ConnectionId, plaid: Running
) -> None:
    item = connection().plaid_item_id
    accounts = plaid.sim.items.by_id(item).visible_accounts()
    tell_plaid(plaid, f"/control/items/{item}/do/close_account", {"account_id": accounts[0].account_id})
    wired.connections.check(connected)
    db.session.rollback()
    closed = db.session.scalars(select(PlaidAccount).where(PlaidAccount.closed_at.is_not(None))).all()
    assert [account.plaid_account_id for account in closed] == [accounts[0].account_id]


def test_connections_of_another_environment_rest(
    wired: Services, ada: UserId, connected: ConnectionId, plaid: Running
) -> None:
    with unit_of_work() as unit:
        unit.session.execute(update(PlaidConnection).values(environment="sandbox"))
    assert queries.asleep_count(ada, environment="simulator") == 1
    assert queries.accounts_of(ada, environment="simulator") == []
    assert wired.connections.checks_due() == []
    with pytest.raises(NotFound):
        wired.plaid.create_update_link_token(ada, connected, purpose=Purpose.RECONNECT)
