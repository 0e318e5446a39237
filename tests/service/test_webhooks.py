"""What webhooks lead to: hints that make somebody look, in any order, repeated, early, late or of no meaning."""

from __future__ import annotations

import os
import random
import signal
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

import pytest
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import Trigger
from mingus.plaid.linkstates import LinkState
from mingus.plaid.models import LinkSession
from mingus.plaid.models import PlaidConnection
from mingus.plaid.products import Product
from mingus.plaid.products import ProductRefresh
from mingus.plaid.states import ConnectionState
from mingus.webhooks import queries
from mingus.webhooks.handling import LOOKS
from mingus.webhooks.handling import MOST_ATTEMPTS
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent
from mingus.worker import sweep_once
from tests import factories
from tests.support.signing import Signer
from tests.support.signing import deliver
from tests.support.signing import hook
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

KILLS = 50
IDS_OF_ONE = 10
SYNC = ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE")


class Mouth:
    """Says to MINGUS what Plaid would say."""

    def __init__(self, browser: Browser, ambient: FrozenAmbient, signer: Signer) -> None:
        self.browser, self.ambient, self.signer = browser, ambient, signer
        self.said = 0

    def say(self, kind: str, code: str, item_id: str | None, **more: Any) -> None:
        self.said += 1
        body = hook(kind, code, item_id, number=self.said, **more)
        answer = deliver(self.browser, body, self.signer.sign(body, at=self.ambient.now()))
        assert answer.status_code == 200


@pytest.fixture
def plaid_says(browser: Browser, ambient: FrozenAmbient, wired: Services) -> Mouth:
    return Mouth(browser, ambient, Signer().make_known())


@pytest.fixture
def bank(app: Flask, wired: Services, plaid: Running, jobs: InlineJobs) -> SyncedBank:
    return SyncedBank(wired, plaid, jobs, factories.make_person(app))


def syncs(trigger: Trigger) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).where(PlaidSyncLog.trigger == trigger.value)) or 0


def events() -> list[WebhookEvent]:
    db.session.rollback()
    query = select(WebhookEvent).order_by(WebhookEvent.id).execution_options(populate_existing=True)
    return list(db.session.scalars(query))


def test_news_lead_to_a_sync_that_is_linked_to_the_webhook(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs
) -> None:
    bank.do("spend", amount=5)
    plaid_says.say(*SYNC, bank.item)
    jobs.run_all()
    bank.assert_true()
    (event,) = events()
    assert (event.state, event.outcome) == (EventState.HANDLED, "sync")
    log = db.session.get_one(PlaidSyncLog, event.sync_id)
    assert (log.trigger, log.status, log.added) == ("webhook", "success", 1)
    assert bank.connection().last_webhook_at is not None


def test_twenty_repeats_lead_to_one_sync(bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs) -> None:
    for _ in range(20):
        plaid_says.say(*SYNC, bank.item)
    jobs.run_all()
    assert syncs(Trigger.WEBHOOK) == 1
    assert {event.state for event in events()} == {EventState.HANDLED}


def test_a_thousand_deliveries_in_any_order_lead_to_one_sync(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs
) -> None:
    hooks = [hook(*SYNC, bank.item, number=number) for number in range(20)]
    deliveries = hooks * 50
    random.Random(7).shuffle(deliveries)
    for body in deliveries:
        signed = plaid_says.signer.sign(body, at=plaid_says.ambient.now())
        assert deliver(plaid_says.browser, body, signed).status_code == 200
    jobs.run_all()
    assert {(event.state, event.times_seen) for event in events()} == {(EventState.HANDLED, 50)}
    assert syncs(Trigger.WEBHOOK) == 1


def test_what_was_acknowledged_outlives_a_kill_right_after_it(
    app: Flask, bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs, wired: Services
) -> None:
    def answer_and_die(number: int) -> None:
        body = hook(*SYNC, bank.item, number=number)
        answer = deliver(plaid_says.browser, body, plaid_says.signer.sign(body, at=plaid_says.ambient.now()))
        if answer.status_code == 200:
            os.kill(os.getpid(), signal.SIGKILL)

    for number in range(KILLS):
        for _ in range(IDS_OF_ONE):
            plaid_says.ambient.new_id(
                ""
            )  # the ids of tests count, and a process of its own counts on from here
        assert ended_by(app, partial(answer_and_die, number)) == signal.SIGKILL
    assert len(events()) == KILLS
    assert jobs.nudges == [], "every nudge died with its process"
    sweep_once(wired)
    jobs.run_all()
    assert {event.state for event in events()} == {EventState.HANDLED}
    assert syncs(Trigger.WEBHOOK) == 1


def ended_by(app: Flask, act: Callable[[], None]) -> int:
    """Do something in a process of its own, which shares no connection with this one; the signal that ended it."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
    process = os.fork()
    if not process:
        try:
            act()
        finally:
            os._exit(1)
    _, status = os.waitpid(process, 0)
    return os.WTERMSIG(status)


def test_a_webhook_that_a_later_sync_has_covered_asks_for_nothing(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs
) -> None:
    plaid_says.say(*SYNC, bank.item)
    nudge = jobs.nudges.pop()
    log = bank.sync()
    jobs.nudges.append(nudge)
    jobs.run_all()
    (event,) = events()
    assert (event.outcome, event.sync_id) == ("a later sync has seen it", log.id)
    assert syncs(Trigger.WEBHOOK) == 0


def test_a_webhook_during_a_sync_leads_to_one_further_sync(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs, wired: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = wired.gateway.accounts

    def while_it_runs(*arguments: Any) -> Any:
        monkeypatch.setattr(wired.gateway, "accounts", asked)
        bank.do("spend", amount=7)
        for _ in range(5):
            plaid_says.say(*SYNC, bank.item)
        return asked(*arguments)

    monkeypatch.setattr(wired.gateway, "accounts", while_it_runs)
    bank.do("spend", amount=6)  # else nobody asks for the accounts
    bank.sync()
    bank.assert_true()
    assert syncs(Trigger.WEBHOOK) == 1


def test_a_webhook_before_its_connection_waits_and_is_applied_when_it_appears(
    app: Flask, wired: Services, plaid: Running, jobs: InlineJobs, plaid_says: Mouth, ambient: FrozenAmbient
) -> None:
    bank = SyncedBank(wired, plaid, jobs, factories.make_person(app))
    other = SyncedBank.link(wired, plaid, factories.make_person(app, factories.BEN))
    item = db.session.get_one(PlaidConnection, other).plaid_item_id
    hide_connection(other, "elsewhere")
    plaid_says.say(*SYNC, item)
    jobs.run_all()
    assert events()[0].state == EventState.UNKNOWN_ITEM
    ambient.advance(hours=1)
    sweep_once(wired)
    jobs.run_all()
    assert events()[0].state == EventState.UNKNOWN_ITEM
    hide_connection(other, item)
    sweep_once(wired)
    jobs.run_all()
    (event,) = events()
    assert (event.state, event.connection_id) == (EventState.HANDLED, other)
    assert bank.connection_id != other


def hide_connection(connection_id: str, item: str) -> None:
    with unit_of_work() as unit:
        unit.lock_one(PlaidConnection, connection_id).plaid_item_id = item


def test_an_item_that_never_appears_becomes_an_orphan_without_a_call_to_plaid(
    wired: Services,
    jobs: InlineJobs,
    plaid_says: Mouth,
    ambient: FrozenAmbient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wired.gateway, "_ask", lambda *_: pytest.fail("Plaid was asked"))
    plaid_says.say(*SYNC, "nobody")
    jobs.run_all()
    ambient.advance(hours=25)
    sweep_once(wired)
    jobs.run_all()
    assert events()[0].state == EventState.ORPHAN
    sweep_once(wired)
    assert not jobs.nudges


def test_every_code_is_handled_or_kept_and_the_connection_lives(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs
) -> None:
    new = {("ITEM", "SOMETHING_NEW"), ("FUTURE", "DEFAULT_UPDATE")}
    for kind, code in {*LOOKS, *new} - {("ITEM", "USER_PERMISSION_REVOKED")}:
        plaid_says.say(kind, code, bank.item, error=None, account_id=None, new_transactions=-1)
    jobs.run_all()
    for event in events():
        known = (event.webhook_type, event.webhook_code) in LOOKS
        right = {EventState.HANDLED, EventState.ORPHAN} if known else {EventState.UNKNOWN_CODE}
        assert event.state in right, event.webhook_code
    bank.assert_true()


def test_news_of_a_product_lead_to_one_reading_of_it(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs
) -> None:
    for kind in ("LIABILITIES", "HOLDINGS", "INVESTMENTS_TRANSACTIONS"):
        plaid_says.say(kind, "DEFAULT_UPDATE", bank.item)
    plaid_says.say("TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE", bank.item)
    jobs.run_all()
    asked = db.session.scalars(
        select(ProductRefresh.product).where(ProductRefresh.last_tried_at.is_not(None))
    )
    assert set(asked) == set(Product)


def test_an_error_is_read_from_plaid_and_not_believed(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs
) -> None:
    error = {"error_type": "ITEM_ERROR", "error_code": "ITEM_LOGIN_REQUIRED"}
    plaid_says.say("ITEM", "ERROR", bank.item, error=error)
    jobs.run_all()
    assert bank.connection().state == ConnectionState.HEALTHY
    bank.do("break_login")
    plaid_says.say("ITEM", "ERROR", bank.item, error=error)
    jobs.run_all()
    assert bank.connection().state == ConnectionState.NEEDS_SIGN_IN


def test_a_repaired_login_is_read_and_synced(bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs) -> None:
    bank.do("break_login")
    plaid_says.say("ITEM", "ERROR", bank.item)
    jobs.run_all()
    bank.do("heal")
    plaid_says.say("ITEM", "LOGIN_REPAIRED", bank.item)
    jobs.run_all()
    assert bank.connection().state == ConnectionState.HEALTHY
    assert syncs(Trigger.WEBHOOK) == 1


@pytest.mark.parametrize("error", [None, {"error_code": "USER_PERMISSION_REVOKED"}])
def test_a_revoked_permission_ends_the_connection_and_destroys_its_token(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs, error: object
) -> None:
    before = bank.rows()
    plaid_says.say("ITEM", "USER_PERMISSION_REVOKED", bank.item, error=error)
    jobs.run_all()
    connection = bank.connection()
    assert (connection.state, connection.secret_id) == (ConnectionState.REVOKED, None)
    assert bank.rows() == before


@pytest.mark.parametrize(
    ("code", "field"),
    [("PENDING_DISCONNECT", "disconnect_time"), ("PENDING_EXPIRATION", "consent_expiration_time")],
)
def test_an_announced_end_asks_for_attention_until_it_is_renewed(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs, code: str, field: str
) -> None:
    plaid_says.say("ITEM", code, bank.item, **{field: "2026-05-11T13:25:17Z"})
    jobs.run_all()
    bank.sync()
    assert bank.connection().state == ConnectionState.ATTENTION_SOON
    plaid_says.say("ITEM", "LOGIN_REPAIRED", bank.item)
    jobs.run_all()
    assert bank.connection().state == ConnectionState.HEALTHY


def test_new_accounts_are_a_hint_and_break_nothing(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs
) -> None:
    plaid_says.say("ITEM", "NEW_ACCOUNTS_AVAILABLE", bank.item, error=None)
    jobs.run_all()
    bank.sync()
    connection = bank.connection()
    assert (connection.state, connection.new_accounts) == (ConnectionState.ATTENTION_SOON, True)


def test_a_finished_link_session_is_looked_after_at_once(
    app: Flask, wired: Services, plaid_says: Mouth, jobs: InlineJobs
) -> None:
    started = wired.plaid.create_link_token(factories.make_person(app))
    plaid_says.say("LINK", "SESSION_FINISHED", None, link_token=started.link_token, status="success")
    jobs.run_all()
    session = db.session.get_one(LinkSession, started.link_id, populate_existing=True)
    assert (session.looks, session.state) == (1, LinkState.ISSUED)
    assert events()[0].outcome == "link session"


def test_a_failing_webhook_is_tried_again_and_parked_in_the_end(
    bank: SyncedBank,
    plaid_says: Mouth,
    jobs: InlineJobs,
    wired: Services,
    ambient: FrozenAmbient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> None:
        msg = "update"
        raise OperationalError(msg, {}, OSError("gone"))

    monkeypatch.setattr(wired.handling, "_look_at", fails)
    plaid_says.say(*SYNC, bank.item)
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(OperationalError):
            jobs.run_all()
        ambient.advance(hours=3)
        sweep_once(wired)
    jobs.run_all()
    (event,) = events()
    assert (event.state, event.attempts, event.failure) == (
        EventState.PARKED,
        MOST_ATTEMPTS,
        "OperationalError",
    )
    assert queries.counts() == {EventState.PARKED: 1}
    monkeypatch.undo()
    assert wired.inbox.replay(states=frozenset({EventState.PARKED})) == 1
    sweep_once(wired)
    jobs.run_all()
    assert events()[0].state == EventState.HANDLED


def test_a_killed_worker_leaves_the_webhook_to_the_sweep(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs, wired: Services, ambient: FrozenAmbient
) -> None:
    plaid_says.say(*SYNC, bank.item)
    jobs.nudges.clear()  # the nudge died with it
    sweep_once(wired)
    jobs.run_all()
    assert events()[0].state == EventState.HANDLED
    assert syncs(Trigger.WEBHOOK) == 1


def test_what_is_old_is_forgotten_and_what_waits_is_kept(
    bank: SyncedBank, plaid_says: Mouth, jobs: InlineJobs, wired: Services, ambient: FrozenAmbient
) -> None:
    plaid_says.say(*SYNC, bank.item)
    jobs.run_all()
    plaid_says.say(*SYNC, bank.item)
    ambient.advance(days=31)
    wired.inbox.forget_before(ambient.now())
    assert [event.state for event in events()] == [EventState.WAITING]
