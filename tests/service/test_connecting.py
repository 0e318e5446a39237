"""From a finished Link to a connection, through the real SDK: nothing orphaned, nothing doubled, nobody else's."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from mingus.db import db
from mingus.errors import MingusError
from mingus.errors import NotFound
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.linking import AlreadyConnected
from mingus.plaid.linking import StillExchanging
from mingus.plaid.linkstates import LinkState
from mingus.plaid.models import ConnectionChange
from mingus.plaid.models import LinkSession
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidCall
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from mingus.sealed import SecretKind
from mingus.sealed import VaultSecret
from mingus.services import services
from mingus.vault import TokenVault
from tests import factories
from tests.factories import BEN
from tests.support.bank import break_calls
from tests.support.bank import items_at
from tests.support.bank import mend_calls
from tests.support.bank import public_token
from tests.support.bank import tell_plaid

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.plaid.linking import Linked
    from mingus.plaid.models import LinkId
    from mingus.sealed import SecretId
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient


@pytest.fixture
def ada(app: Flask, context: None) -> UserId:
    return factories.make_person(app)


def begin(wired: Services, user: UserId) -> LinkId:
    return wired.plaid.create_link_token(user).link_id


def finish(wired: Services, user: UserId, link: LinkId, token: str, *, keep_both: bool = False) -> Linked:
    metadata = {
        "institution": {"institution_id": "ins_109508", "name": "First Platypus Bank"},
        "accounts": [{"name": "Plaid Checking", "mask": "0000", "subtype": "checking"}],
    }
    return wired.plaid.exchange_public_token(user, link, token, metadata=metadata, keep_both=keep_both)


def count(model: type) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def only(model: type[PlaidConnection]) -> PlaidConnection:
    db.session.rollback()
    return db.session.scalars(select(model)).one()


def link_state(link: LinkId) -> str:
    db.session.expire_all()
    db.session.rollback()
    return db.session.get_one(LinkSession, link).state


def test_a_finished_link_becomes_a_healthy_connection_with_its_accounts(
    wired: Services, ada: UserId, plaid: Running, jobs: InlineJobs
) -> None:
    linked = finish(wired, ada, begin(wired, ada), public_token(plaid))
    assert only(PlaidConnection).state == ConnectionState.IMPORTING
    jobs.run_all()
    connection = only(PlaidConnection)
    assert (linked.institution_name, connection.state) == ("First Platypus Bank", ConnectionState.HEALTHY)
    assert linked.accounts_count == count(PlaidAccount) >= 12
    assert connection.plaid_item_id in items_at(plaid)
    changes = db.session.scalars(select(ConnectionChange).order_by(ConnectionChange.id)).all()
    assert [(change.before, change.after) for change in changes] == [
        ("linking", "importing"),
        ("importing", "healthy"),
    ]


def test_what_a_person_owes_is_negative_and_what_the_bank_does_not_say_is_unknown(
    wired: Services, ada: UserId, plaid: Running
) -> None:
    finish(wired, ada, begin(wired, ada), public_token(plaid))
    db.session.rollback()
    accounts = {account.mask: account for account in db.session.scalars(select(PlaidAccount))}
    assert (accounts["0000"].current_minor, accounts["0000"].available_minor) == (11_000, 10_000)
    assert (accounts["3333"].current_minor, accounts["3333"].limit_minor) == (-41_000, 200_000)
    assert accounts["3333"].available_minor is None


def test_posting_the_same_token_twice_gives_the_same_connection(
    wired: Services, ada: UserId, plaid: Running
) -> None:
    link, token = begin(wired, ada), public_token(plaid)
    first, second = finish(wired, ada, link, token), finish(wired, ada, link, token)
    assert first == second
    assert count(PlaidConnection) == len(items_at(plaid)) == 1


def test_twenty_posts_at_once_make_one_connection(
    app: Flask, wired: Services, ada: UserId, plaid: Running
) -> None:
    link, token = begin(wired, ada), public_token(plaid)
    db.session.rollback()
    outcomes: list[str] = []

    def post() -> None:
        with app.app_context():
            try:
                outcomes.append(finish(services(), ada, link, token).connection_id)
            except (StillExchanging, OperationalError):
                outcomes.append("told to come back")  # the other one is at it, or the one write lock is
            except MingusError as error:
                outcomes.append(error.code)

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 20
    assert set(outcomes) - {"told to come back"} == {only(PlaidConnection).id}


def test_who_comes_second_at_the_last_step_finds_the_connection_of_the_first(
    app: Flask, wired: Services, ada: UserId, plaid: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, token = begin(wired, ada), public_token(plaid)
    open_really = TokenVault.open
    inner: list[Linked] = []

    def open_late(self: TokenVault, secret_id: SecretId, kind: SecretKind, owner_id: str) -> str:
        if kind is SecretKind.ACCESS_TOKEN and not inner:
            monkeypatch.setattr(TokenVault, "open", open_really)
            with ThreadPoolExecutor(1) as other:
                inner.append(other.submit(elsewhere).result())
        return open_really(self, secret_id, kind, owner_id)

    def elsewhere() -> Linked:
        with app.app_context():
            return finish(services(), ada, link, token)

    monkeypatch.setattr(TokenVault, "open", open_late)
    assert finish(wired, ada, link, token) == inner[0]
    assert count(PlaidConnection) == 1


def test_somebody_elses_session_is_not_there(
    app: Flask, wired: Services, ada: UserId, plaid: Running
) -> None:
    ben = factories.make_person(app, BEN)
    link, token = begin(wired, ada), public_token(plaid)
    with pytest.raises(NotFound):
        finish(wired, ben, link, token)
    assert count(PlaidConnection) == 0


def test_a_token_that_belongs_to_another_session_is_refused(
    app: Flask, wired: Services, ada: UserId, plaid: Running
) -> None:
    token = public_token(plaid)
    finish(wired, ada, begin(wired, ada), token)
    ben = factories.make_person(app, BEN)
    with pytest.raises(PlaidFailure, match="not completed in time"):
        finish(wired, ben, begin(wired, ben), token)
    assert only(PlaidConnection).user_id == ada


def test_a_bank_that_is_connected_already_is_not_exchanged_before_the_person_chose(
    wired: Services, ada: UserId, plaid: Running
) -> None:
    first = finish(wired, ada, begin(wired, ada), public_token(plaid))
    link, token = begin(wired, ada), public_token(plaid)
    with pytest.raises(AlreadyConnected) as refused:
        finish(wired, ada, link, token)
    assert refused.value.details["connection_id"] == first.connection_id
    assert link_state(link) == LinkState.RECEIVED
    second = finish(wired, ada, link, token, keep_both=True)
    assert second.connection_id != first.connection_id
    assert count(PlaidConnection) == 2


def test_a_discarded_duplicate_leaves_nothing_sealed(wired: Services, ada: UserId, plaid: Running) -> None:
    finish(wired, ada, begin(wired, ada), public_token(plaid))
    before = count(VaultSecret)
    link = begin(wired, ada)
    with pytest.raises(AlreadyConnected):
        finish(wired, ada, link, public_token(plaid))
    wired.plaid.discard_waiting(ada, link)
    assert (link_state(link), count(VaultSecret)) == (LinkState.EXITED, before)


def test_an_exchange_whose_answer_is_lost_is_listed_and_never_repeated_blindly(
    wired: Services, ada: UserId, plaid: Running, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    link, token = begin(wired, ada), public_token(plaid)
    break_calls(plaid, "reset_after", "/item/public_token/exchange", count=1)
    with pytest.raises(PlaidFailure) as failed:
        finish(wired, ada, link, token)
    assert failed.value.retryable
    ambient.advance(minutes=30)
    wired.linking.look_after(link)
    assert link_state(link) in {LinkState.LOST, LinkState.FAILED}
    assert count(PlaidConnection) == 0


def test_an_exchange_that_never_reached_plaid_is_finished_by_the_sweep(
    wired: Services, ada: UserId, plaid: Running, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    link, token = begin(wired, ada), public_token(plaid)
    break_calls(plaid, "error", "/item/public_token/exchange", code="INTERNAL_SERVER_ERROR")
    with pytest.raises(PlaidFailure):
        finish(wired, ada, link, token)
    mend_calls(plaid)
    ambient.advance(minutes=5)
    assert wired.linking.due() == [link]
    wired.linking.look_after(link)
    assert link_state(link) == LinkState.CONNECTED
    jobs.run_all()
    assert only(PlaidConnection).state == ConnectionState.HEALTHY


@pytest.mark.parametrize("broken", ["/accounts/get", "/item/get", "/institutions/get_by_id"])
def test_a_failing_first_read_never_costs_the_connection(
    wired: Services, ada: UserId, plaid: Running, jobs: InlineJobs, broken: str
) -> None:
    break_calls(plaid, "error", broken, code="INTERNAL_SERVER_ERROR")
    linked = finish(wired, ada, begin(wired, ada), public_token(plaid))
    assert linked.institution_name
    mend_calls(plaid)
    jobs.run_all()
    assert only(PlaidConnection).state == ConnectionState.HEALTHY
    assert count(PlaidAccount) >= 12


def test_the_token_is_nowhere_in_clear(wired: Services, ada: UserId, plaid: Running) -> None:
    finish(wired, ada, begin(wired, ada), public_token(plaid))
    connection = only(PlaidConnection)
    token = wired.connections.token(connection)
    assert token.startswith("access-sandbox-")
    db.session.rollback()
    with db.engine.connect() as open_connection:
        for table in db.metadata.sorted_tables:
            for row in open_connection.execute(table.select()):
                assert token not in repr(tuple(row)), table.name


def test_every_call_leaves_a_row_with_plaids_request_id(wired: Services, ada: UserId, plaid: Running) -> None:
    finish(wired, ada, begin(wired, ada), public_token(plaid))
    db.session.rollback()
    calls = db.session.scalars(select(PlaidCall).order_by(PlaidCall.id)).all()
    endpoints = [call.endpoint for call in calls]
    assert endpoints[:2] == ["/link/token/create", "/item/public_token/exchange"]
    assert all(call.request_id and call.status == 200 for call in calls)


def test_the_limit_of_connections_counts_removed_ones_too(
    wired: Services, ada: UserId, plaid: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from mingus.plaid.linktokens import ConnectionLimitReached

    monkeypatch.setattr(wired.plaid._tokens, "_settings", replace(wired.settings, item_limit=1))
    linked = finish(wired, ada, begin(wired, ada), public_token(plaid))
    wired.plaid.disconnect(ada, linked.connection_id, keep_history=True)
    with pytest.raises(ConnectionLimitReached):
        begin(wired, ada)


def test_a_bank_linked_anew_replaces_its_old_accounts(
    wired: Services, ada: UserId, plaid: Running, jobs: InlineJobs
) -> None:
    from mingus.plaid import queries

    first = finish(wired, ada, begin(wired, ada), public_token(plaid))
    wired.plaid.disconnect(ada, first.connection_id, keep_history=True)
    jobs.run_all()
    second = finish(wired, ada, begin(wired, ada), public_token(plaid))
    db.session.rollback()
    rows = queries.accounts_of(ada, environment="simulator")
    assert {row.connection_id for row in rows} == {second.connection_id}
    assert len(rows) == second.accounts_count


def test_a_live_balance_has_a_cool_down(wired: Services, ada: UserId, plaid: Running) -> None:
    linked = finish(wired, ada, begin(wired, ada), public_token(plaid))
    assert wired.plaid.refresh_balances(ada, linked.connection_id) is not None
    assert wired.plaid.refresh_balances(ada, linked.connection_id) is None


def test_a_rotated_token_works_and_the_old_one_is_gone(wired: Services, ada: UserId, plaid: Running) -> None:
    linked = finish(wired, ada, begin(wired, ada), public_token(plaid))
    old = wired.connections.token(only(PlaidConnection))
    wired.plaid.rotate_access_token(ada, linked.connection_id)
    fresh = wired.connections.token(only(PlaidConnection))
    assert fresh != old
    with pytest.raises(PlaidFailure):
        wired.gateway.item(old)
    assert wired.gateway.item(fresh).item.error is None


def test_new_accounts_and_sign_in_needs_are_seen_and_healed(
    wired: Services, ada: UserId, plaid: Running, jobs: InlineJobs
) -> None:
    linked = finish(wired, ada, begin(wired, ada), public_token(plaid))
    jobs.run_all()
    item = only(PlaidConnection).plaid_item_id
    tell_plaid(plaid, f"/control/items/{item}/do/break_login", {})
    assert wired.plaid.check_connection_health(ada, linked.connection_id).health == "CRITICAL"
    assert only(PlaidConnection).error_code == "ITEM_LOGIN_REQUIRED"
    tell_plaid(plaid, f"/control/items/{item}/do/heal", {})
    assert wired.plaid.check_connection_health(ada, linked.connection_id).health == "HEALTHY"
    assert only(PlaidConnection).error_code is None
