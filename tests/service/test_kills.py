"""Killed at every step of connecting and disconnecting: no orphan at Plaid, no half connection, ever."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mingus.db import db
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.gateway import PlaidGateway
from mingus.plaid.linkstates import LinkState
from mingus.plaid.models import LinkSession
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from mingus.services import services
from mingus.worker import sweep_once
from tests import factories
from tests.conftest import empty
from tests.simulator.link_steps import Link
from tests.support.bank import items_at
from tests.support.bank import public_token
from tests.support.bank import tell_plaid

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.plaid.models import ConnectionId
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient

MOST_STEPS = 120


class Killed(BaseException):
    """The process dies here: nothing may catch it."""


class Steps:
    """Counts the edges of every call to Plaid and of every commit, and dies at one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, die_at: int) -> None:
        self.passed = 0
        self._die_at = die_at
        monkeypatch.setattr(PlaidGateway, "_ask", self._around(PlaidGateway._ask))
        monkeypatch.setattr(Session, "commit", self._around(Session.commit))

    def _around(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        def outer(*args: Any, **options: Any) -> Any:
            self._step()
            result = inner(*args, **options)
            self._step()
            return result

        return outer

    def _step(self) -> None:
        self.passed += 1
        if self.passed == self._die_at:
            raise Killed


def recover(app: Flask, jobs: InlineJobs, ambient: FrozenAmbient) -> None:
    """A new process starts; the nudges of the dead one are lost."""
    jobs.nudges.clear()
    for _ in range(6):
        ambient.advance(minutes=40)
        with app.app_context():
            sweep_once(services())
        jobs.run_all()


def rows(app: Flask, model: type) -> list[Any]:
    with app.app_context():
        return list(db.session.scalars(select(model)))


def connect(app: Flask, ada: UserId, plaid: Running) -> ConnectionId:
    with app.app_context():
        link = services().plaid.create_link_token(ada).link_id
        return (
            services().plaid.exchange_public_token(ada, link, public_token(plaid), metadata={}).connection_id
        )


def begin_anew(app: Flask, plaid: Running) -> UserId:
    """Nothing is left of the step before: its banks would be synced again and again while later ones are judged."""
    empty(app)
    tell_plaid(plaid, "/control/reset", {})
    return factories.make_person(app)


def killed_steps(act: Callable[[int], bool]) -> int:
    """Act again and again, dying one step later each time, until nothing dies any more; how many steps there were."""
    for die_at in range(1, MOST_STEPS):
        if not act(die_at):
            return die_at - 1
    message = "it never came to its end"
    raise AssertionError(message)


def test_a_kill_at_any_step_of_connecting_orphans_nothing(
    app: Flask, plaid: Running, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    def act(die_at: int) -> bool:
        ada = begin_anew(app, plaid)
        with pytest.MonkeyPatch.context() as patch:
            Steps(patch, die_at)
            try:
                connect(app, ada, plaid)
            except (Killed, PlaidFailure) as err:
                died = isinstance(err, Killed)
            else:
                died = False
        recover(app, jobs, ambient)
        judge()
        return died

    def judge() -> None:
        connected = {row.plaid_item_id: row for row in rows(app, PlaidConnection)}
        states = [row.state for row in rows(app, LinkSession)]
        # an item of which we know nothing may only be one that is listed as lost, or was never exchanged
        unknown = [item for item in items_at(plaid) if item not in connected]
        never_exchanged = [item for item in unknown if not plaid.sim.items.by_id(item).access_token]
        assert len(unknown) - len(never_exchanged) <= states.count(LinkState.LOST)
        assert not {LinkState.EXCHANGED, LinkState.EXCHANGING, LinkState.RECEIVED} & set(states)
        assert all(row.state == ConnectionState.HEALTHY for row in connected.values())
        by_connection = {account.connection_id for account in rows(app, PlaidAccount)}
        assert by_connection == {row.id for row in connected.values()}

    assert killed_steps(act) > 15


def test_a_kill_at_any_step_of_disconnecting_leaves_nothing_at_plaid(
    app: Flask, plaid: Running, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    ada = factories.make_person(app)

    def act(die_at: int) -> bool:
        connection_id = connect(app, ada, plaid)
        jobs.run_all()
        with pytest.MonkeyPatch.context() as patch:
            Steps(patch, die_at)
            try:
                with app.app_context():
                    services().plaid.disconnect(ada, connection_id, keep_history=True)
                jobs.run_all()
                died = False
            except Killed:
                died = True
        with app.app_context():
            # a person whose disconnect died before it was stored presses again
            services().plaid.disconnect(ada, connection_id, keep_history=True)
        recover(app, jobs, ambient)
        assert items_at(plaid) == []
        states = {row.state for row in rows(app, PlaidConnection)}
        assert states == {ConnectionState.REMOVED}
        return died

    assert killed_steps(act) > 5


def test_a_link_whose_tab_was_closed_after_its_success_is_finished(
    app: Flask, plaid: Running, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    ada = factories.make_person(app)
    with app.app_context():
        token = services().plaid.create_link_token(ada).link_token
    Link(plaid, token).connect()  # type: ignore[arg-type]  # of what runs it needs the address alone
    recover(app, jobs, ambient)
    [connection] = rows(app, PlaidConnection)
    assert (connection.user_id, connection.state) == (ada, ConnectionState.HEALTHY)
    assert [row.state for row in rows(app, LinkSession)] == [LinkState.CONNECTED]


def test_a_link_that_was_left_ends_by_itself(
    app: Flask, plaid: Running, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    ada = factories.make_person(app)
    with app.app_context():
        services().plaid.create_link_token(ada)
    for _ in range(3):
        recover(app, jobs, ambient)
    assert [row.state for row in rows(app, LinkSession)] == [LinkState.EXPIRED]
    assert rows(app, PlaidConnection) == []
