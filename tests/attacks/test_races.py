"""Twenty at once: one effect."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from typing import TYPE_CHECKING

import pyotp
from sqlalchemy import func
from sqlalchemy import select

from mingus.audit import AuditAction
from mingus.audit import AuditEvent
from mingus.auth.entrance import Caller
from mingus.auth.models import ApiToken
from mingus.auth.models import TicketKind
from mingus.auth.models import TokenScope
from mingus.auth.models import User
from mingus.db import db
from mingus.errors import MingusError
from mingus.leaving.models import Departure
from mingus.plaid.models import PlaidConnection
from mingus.services import services
from tests import factories
from tests.factories import ADA
from tests.factories import BEN
from tests.factories import PASSWORD
from tests.support.bank import items_at
from tests.support.bank import public_token
from tests.support.connected import Bank

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from mingus.auth.sessions import Visitor
    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running
    from tests.support.browser import Browser

AT_ONCE = 20


def at_once(app: Flask, act: Callable[[], object]) -> list[object]:
    """What each of twenty got: an answer, or the class of our own failure. Anything else is not ours to raise."""
    got: list[object] = []
    start = threading.Barrier(AT_ONCE)

    def run() -> None:
        with app.app_context():
            start.wait()
            try:
                got.append(act())
            except MingusError as err:
                got.append(type(err).__name__)

    threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == AT_ONCE, "somebody failed in a way of their own"
    return got


def count(app: Flask, *conditions: object) -> int:
    with app.app_context():
        found = db.session.scalar(select(func.count()).where(*conditions))  # type: ignore[arg-type]  # conditions
        db.session.rollback()
        return found or 0


def test_one_public_token_is_one_connection(app: Flask, plaid: Running, jobs: InlineJobs) -> None:
    ada = factories.make_person(app)
    token = public_token(plaid)
    with app.app_context():
        link = services().plaid.create_link_token(ada).link_id
    at_once(app, lambda: services().plaid.exchange_public_token(ada, link, token, metadata={}).connection_id)
    jobs.run_all()
    assert count(app, PlaidConnection.user_id == ada) == 1
    assert len(items_at(plaid)) == 1


def test_disconnecting_is_done_once(app: Flask, plaid: Running, jobs: InlineJobs) -> None:
    ada = factories.make_person(app)
    with app.app_context():
        connection_id = Bank(services(), plaid, jobs, ada).connection_id
    at_once(app, lambda: services().plaid.disconnect(ada, connection_id, keep_history=True))
    jobs.run_all()
    assert items_at(plaid) == []


def visitor_of(app: Flask, browser: Browser) -> Visitor:
    """Whom the browser's session stands for."""
    bound_to = browser.get_cookie("device")
    assert bound_to is not None
    with browser.session_transaction() as session:
        token = session["_user_id"]
    with app.app_context():
        found = services().sessions.visitor(token, bound_to.value)
    assert found is not None
    return found


def test_a_recovery_code_burns_once(app: Flask) -> None:
    ada = factories.make_person(app)
    browser = factories.sign_in(app, ada)
    visitor = visitor_of(app, browser)
    with app.app_context():
        services().factors.begin_app(ada)
        setup = services().factors.app_setup(visitor)
        assert setup is not None
        services().factors.confirm_app(visitor, code_of(setup.secret, services().ambient.now()))
        code = services().factors.make_codes(visitor)[0]
    tries = iter(range(AT_ONCE))
    got = at_once(app, lambda: services().factors.check(ada, code, key=f"try {next(tries)}"))
    assert got.count(None) == 1
    assert got.count("WrongCode") == AT_ONCE - 1


def code_of(secret: str, at: dt.datetime) -> str:
    return pyotp.TOTP(secret).at(at)


def test_a_code_of_the_app_lets_one_in(app: Flask) -> None:
    ada = factories.make_person(app)
    browser = factories.sign_in(app, ada)
    visitor = visitor_of(app, browser)
    with app.app_context():
        services().factors.begin_app(ada)
        setup = services().factors.app_setup(visitor)
        assert setup is not None
        now = services().ambient.now()
        services().factors.confirm_app(visitor, code_of(setup.secret, now))
        services().ambient.advance(seconds=60)  # type: ignore[attr-defined]  # the frozen one
        code = code_of(setup.secret, services().ambient.now())
    tries = iter(range(AT_ONCE))
    got = at_once(app, lambda: services().factors.check(ada, code, key=f"try {next(tries)}"))
    assert got.count(None) == 1


def test_an_invitation_makes_one_person(app: Flask, jobs: InlineJobs) -> None:
    with app.app_context():
        services().auth.invite(BEN)
    jobs.run_all()
    invitation = factories.link_in(factories.letters(app)[0]).rpartition("=")[2]
    with app.app_context():
        for name in ("Ben", "Benjamin"):  # taken up in two windows
            services().auth.request_registration(
                email=BEN,
                display_name=name,
                password=PASSWORD,
                invitation=invitation,
                locale="en",
                network="n",
            )
    jobs.run_all()
    links = [factories.link_in(letter).rpartition("/")[2] for letter in factories.letters(app)[1:]]
    assert len(set(links)) == 2
    turns = itertools.cycle(links)
    got = at_once(app, lambda: services().auth.confirm_registration(next(turns)))
    assert got.count(None) == 1
    assert count(app, User.email == BEN) == 1


def test_a_reset_link_sets_one_password(app: Flask, jobs: InlineJobs) -> None:
    factories.make_person(app)
    with app.app_context():
        services().auth.request_reset(email=ADA, network="n")
    jobs.run_all()
    token = factories.link_in(factories.letters(app)[0]).rpartition("/")[2]
    with app.app_context():
        services().tickets.find(TicketKind.RESET, token)
    got = at_once(app, lambda: services().auth.reset_password(token, "copper-window-lighthouse"))
    assert got.count(None) == 1


def test_the_limit_on_tokens_holds(app: Flask) -> None:
    ada = factories.make_person(app)
    names = iter(range(100))
    for _ in range(2):
        at_once(
            app,
            lambda: services().api_tokens.make(
                ada, name=f"n{next(names)}", scope=TokenScope.READ, lifetime=dt.timedelta(days=1)
            ),
        )
    assert count(app, ApiToken.user_id == ada) == 20


def test_leaving_is_one_departure(app: Flask, jobs: InlineJobs) -> None:
    ada = factories.make_person(app)
    at_once(app, lambda: services().leaving.leave(ada, by=ada))
    assert count(app, Departure.user_id == ada) == 1
    jobs.run_all()
    assert count(app, User.id == ada) == 0


def test_parallel_guesses_do_not_slip_past_the_limit(app: Flask) -> None:
    factories.make_person(app)
    caller = Caller(agent="x", address="192.0.2.1", network="192.0.2.0", device="")
    got = at_once(
        app,
        lambda: services().entrance.sign_in(
            email=ADA, password="guess-guess-guess", remember=False, caller=caller
        ),
    )
    assert got.count("WrongCredentials") == 5
    assert got.count("TooManyTries") == 15
    assert count(app, AuditEvent.action == AuditAction.SIGN_IN_FAILED.value) == 5
    with app.app_context():
        assert services().trail.verify().problems == ()
