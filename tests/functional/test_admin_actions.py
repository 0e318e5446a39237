"""What admins do: replay webhooks and sync connections, each with a token and each only where it exists."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from mingus.admin import connections
from mingus.admin import inbox
from mingus.auth.models import Role
from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import MOST_CRASHES
from mingus.plaid.states import ConnectionState
from mingus.plaid.states import Health
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent
from mingus.webhooks.models import WebhookRefusal
from tests import factories
from tests.factories import CLEO
from tests.support.browser import text_of
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.browser import Browser


@pytest.fixture
def bank(app: Flask, wired: Services, plaid: Running, jobs: InlineJobs) -> Bank:
    return Bank(wired, plaid, jobs, factories.make_person(app))


@pytest.fixture
def cleo(app: Flask) -> Browser:
    return factories.sign_in(app, factories.make_person(app, CLEO, role=Role.ADMIN))


def store(wired: Services, state: EventState, *, days_ago: int = 0) -> str:
    """A webhook in the inbox; its id."""
    now, name = wired.ambient.now() - dt.timedelta(days=days_ago), wired.ambient.new_id("wh")
    with unit_of_work() as unit:
        unit.session.add(
            WebhookEvent(
                id=name,
                meaning=name,
                body=b'{"error":"a-secret-of-the-body"}',
                headers={},
                key_id="key-of-plaid",
                signed_at=now,
                webhook_type="TRANSACTIONS",
                webhook_code="SYNC_UPDATES_AVAILABLE",
                state=state.value,
                first_seen_at=now,
                last_seen_at=now,
                attempts=8,
                failure="it went wrong" if state is EventState.PARKED else None,
            )
        )
    return name


def state_of(event_id: str) -> tuple[str, int]:
    db.session.rollback()
    event = db.session.get_one(WebhookEvent, event_id, populate_existing=True)
    return event.state, event.attempts


# webhooks


def test_the_inbox_shows_what_became_of_each_webhook_but_no_body(wired: Services, cleo: Browser) -> None:
    for state in EventState:
        store(wired, state)
    with unit_of_work() as unit:
        unit.session.add(WebhookRefusal(day=wired.ambient.now().date(), reason="signature", count=1234))
    answer = cleo.get("/admin/webhooks")
    page = text_of(answer)
    for word in ("Handled", "Parked", "it went wrong", "Verified", "signature 1,234"):
        assert word in page, word
    assert "a-secret-of-the-body" not in page
    assert answer.get_data(as_text=True).count('/replay"') == 6  # five rows, and all that failed


def test_the_inbox_is_narrowed_by_state(wired: Services, cleo: Browser) -> None:
    for state in EventState:
        store(wired, state)
    assert [row.state for row in inbox.page(frozenset({EventState.ORPHAN}), limit=9).rows] == ["orphan"]
    failed = cleo.get("/admin/webhooks?state=failed").get_data(as_text=True)
    assert failed.count("/replay") == 4  # three rows, and all of them
    assert "No webhooks here" in text_of(cleo.get("/admin/webhooks?after=wh_gone"))
    assert cleo.get("/admin/webhooks?state=odd").status_code == 404


def test_older_webhooks_follow_by_key_each_once(wired: Services) -> None:
    stored = {store(wired, EventState.HANDLED) for _ in range(5)}  # all at one instant
    seen, after = [], None
    while True:
        found = inbox.page(frozenset(), limit=2, after=after)
        seen += [row.id for row in found.rows]
        after = found.next
        if after is None:
            break
    assert len(seen) == 5
    assert set(seen) == stored


def test_one_webhook_is_replayed(wired: Services, cleo: Browser) -> None:
    one, other = store(wired, EventState.PARKED), store(wired, EventState.PARKED)
    assert cleo.submit(f"/admin/webhooks/{one}/replay").status_code == 303
    assert state_of(one) == ("waiting", 0)
    assert state_of(other) == ("parked", 8)


def test_all_that_failed_is_replayed_and_nothing_else(wired: Services, cleo: Browser) -> None:
    ids = {state: store(wired, state) for state in EventState}
    assert cleo.submit("/admin/webhooks/replay").status_code == 303
    again = {state for state, event_id in ids.items() if state_of(event_id) == ("waiting", 0)}
    assert again == {EventState.PARKED, EventState.ORPHAN, EventState.UNKNOWN_CODE}
    assert "3 webhooks are handled once more" in text_of(cleo.get("/admin/webhooks"))


def test_what_came_on_some_days_is_replayed(wired: Services, cleo: Browser) -> None:
    """Days are the admin's: both ends are whole ones, and one may stay open."""
    first, refused = (store(wired, state, days_ago=1) for state in (EventState.HANDLED, EventState.REFUSED))
    second = store(wired, EventState.PARKED)
    day = (wired.ambient.now() - dt.timedelta(days=1)).date()
    assert cleo.submit("/admin/webhooks/range", since=str(day), until=str(day)).status_code == 303
    assert "1 webhook is handled once more" in text_of(cleo.get("/admin/webhooks"))
    states = [state_of(one)[0] for one in (first, second, refused)]
    assert states == ["waiting", "parked", "refused"]
    cleo.submit("/admin/webhooks/range", since=str(day))
    assert state_of(second)[0] == "waiting"


def test_a_range_without_ends_replays_nothing(wired: Services, cleo: Browser) -> None:
    one = store(wired, EventState.PARKED)
    assert cleo.submit("/admin/webhooks/range").status_code == 303
    assert "Say from which day on" in text_of(cleo.get("/admin/webhooks"))
    for odd in ("yesterday", "1999-12-31", "2026-02-30"):
        assert cleo.submit("/admin/webhooks/range", since=odd).status_code == 404
    assert state_of(one)[0] == "parked"


def test_what_can_not_be_replayed_is_not_there(wired: Services, cleo: Browser) -> None:
    refused = store(wired, EventState.REFUSED)
    for event_id in (refused, "wh_x"):
        assert cleo.submit(f"/admin/webhooks/{event_id}/replay").status_code == 404
    assert state_of(refused) == ("refused", 8)


# connections


def test_connections_are_told_by_state_and_health(bank: Bank, wired: Services, cleo: Browser) -> None:
    [row] = connections.page(environment="simulator", now=wired.ambient.now(), limit=9).rows
    assert (row.state, row.health, row.can_sync) == (ConnectionState.HEALTHY, Health.HEALTHY, True)
    bank.do("break_login")
    bank.sync()
    page = text_of(cleo.get("/admin/connections"))
    for word in ("Needs sign-in · 1", "Critical", "ITEM_LOGIN_REQUIRED", row.institution_name):
        assert word in page, word
    assert factories.ADA not in page
    assert "No connections here" in text_of(cleo.get("/admin/connections?state=healthy"))
    assert "Critical" in text_of(cleo.get("/admin/connections?state=needs_sign_in"))
    assert cleo.get("/admin/connections?state=odd").status_code == 404


def test_a_sync_asked_for_by_an_admin_runs_and_ends_parking(
    bank: Bank, jobs: InlineJobs, cleo: Browser
) -> None:
    with unit_of_work() as unit:
        connection = unit.session.get_one(PlaidConnection, bank.connection_id)
        connection.crashes = MOST_CRASHES
    assert bank.connection().institution_name in text_of(cleo.get("/admin/connections?group=parked"))
    bank.do("spend", amount=3)
    answer = cleo.submit(f"/admin/connections/{bank.connection_id}/sync")
    assert answer.status_code == 303
    jobs.run_all()
    db.session.rollback()
    log = db.session.get_one(PlaidSyncLog, answer.location.rpartition("/")[2])
    assert (log.trigger, log.status, log.added) == (Trigger.OPERATOR, "success", 1)
    assert "No connections here" in text_of(cleo.get("/admin/connections?group=parked"))
    bank.assert_true()


def test_no_sync_of_what_is_gone_or_asleep(bank: Bank, cleo: Browser) -> None:
    db.session.rollback()  # what was read for the fixture is older than the admin's session
    assert cleo.submit("/admin/connections/con_x/sync").status_code == 404
    with unit_of_work() as unit:
        unit.session.get_one(PlaidConnection, bank.connection_id).environment = "sandbox"
    assert cleo.submit(f"/admin/connections/{bank.connection_id}/sync").status_code == 404
    assert "No connections here" in text_of(cleo.get("/admin/connections"))
