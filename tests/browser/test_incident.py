"""A bad day, understood from the admin's pages alone: every step follows a link of the page before."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mingus.auth.models import Role
from mingus.db import db
from mingus.plaid.ledger import Trigger
from mingus.plaid.outgoing import TROUBLE_OPENS_AT
from mingus.services import services
from mingus.webhooks.models import WebhookEvent
from tests import factories
from tests.browser.bank_walk import until
from tests.factories import CLEO
from tests.support.bank import FIRST_PLATYPUS
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.bank import tell_plaid
from tests.support.connected import Bank

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running
    from tests.browser.walker import LiveSite
    from tests.browser.walker import Walker

pytestmark = pytest.mark.browser

TARTAN, HOUNDSTOOTH = "ins_109511", "ins_109512"


@pytest.fixture
def troubled(site: LiveSite, live_plaid: Running) -> Iterator[Bank]:
    """The bank with the odd page. Another one is down, a third wants everybody anew, and the worker is dead."""
    ada = factories.make_person(site.app)
    with site.app.app_context():
        wired = services()
        jobs: InlineJobs = wired.jobs  # type: ignore[assignment]  # the queue of tests
        at = {
            name: Bank(wired, live_plaid, jobs, ada, institution_id=bank, username=who)
            for name, bank, who in (
                ("down", FIRST_PLATYPUS, "user_transactions_dynamic"),
                ("moved", TARTAN, "user_good"),
                ("odd", HOUNDSTOOTH, "user_transactions_dynamic"),
            )
        }
        for bank in at.values():
            bank.do("finish_import")
            bank.sync()
        at["moved"].do("break_login")
        at["moved"].sync()
        break_calls(
            live_plaid, "error", "/transactions/sync", code="INSTITUTION_DOWN", item_id=at["down"].item
        )
        for _ in range(TROUBLE_OPENS_AT):
            at["down"].sync()
        mend_calls(live_plaid)
        odd = at["odd"]
        odd.spend_often(12)
        break_calls(live_plaid, "odd_numbers", "/transactions/sync", count=1)
        odd.sync()
        mend_calls(live_plaid)
        token = wired.connections.token(odd.connection())
        wired.gateway.set_webhook(token, f"{site.url}/api/plaid/webhook")
        for _ in range(2):
            odd.do("fire_webhook", webhook_code="SYNC_UPDATES_AVAILABLE")
            odd.do("rotate_key")
        until(lambda: len(keys_seen()) > 1)  # both came; the worker that would handle them is dead
        wired.sync.request(odd.connection_id, Trigger.SCHEDULE)
        yield odd
    tell_plaid(live_plaid, "/control/reset", {})


def keys_seen() -> set[str]:
    """The keys that signed what is in the inbox."""
    db.session.rollback()
    return set(db.session.scalars(select(WebhookEvent.key_id)))


def follow(walker: Walker, name: str | re.Pattern[str]) -> str:
    """Press a link in the page; what is read then."""
    with walker.page.expect_navigation():
        walker.page.get_by_role("main").get_by_role("link", name=name, exact=True).first.click()
    return walker.text()


def test_a_bad_day_is_understood_from_the_pages_alone(
    desk: Walker, troubled: Bank, live_plaid: Running, site: LiveSite
) -> None:
    factories.make_person(site.app, CLEO, role=Role.ADMIN)
    desk.enter(CLEO)
    desk.go("/admin")
    assert "Not met" in desk.text()

    # a bank is down, and we leave it alone
    assert "left alone" in follow(desk, "Banks")
    failed = follow(desk, re.compile(r"^\d+(\.\d+)? %$"))
    assert failed.count("INSTITUTION_DOWN") >= TROUBLE_OPENS_AT
    assert "For Plaid's support" in follow(desk, "First Platypus Bank")
    assert "Wait: it is tried again by itself" in follow(desk, re.compile("^con_"))

    # a bank wants its people anew
    follow(desk, "Connections")
    follow(desk, "Needs sign-in · 1")
    assert "only they can sign in again" in follow(desk, "Tartan Bank")

    # rows that could not be read, and the sync that met them
    assert "Could not be read" in follow(desk, "Set aside")
    follow(desk, re.compile("amount"))
    assert "Partial" in follow(desk, "sync")
    desk.approve("incident-sync")

    # webhooks of two keys, all verified, and nobody handles them
    follow(desk, "Webhooks")
    assert desk.text().count("Verified") >= 2
    assert "Waiting" in follow(desk, "SYNC_UPDATES_AVAILABLE")
    assert "Work that waits" in follow(desk, "System")
    assert re.search(r"\bsync \d", desk.text())

    # the worker is back: what waited is done, and what was odd is read again
    follow(desk, "Set aside")
    desk.press("Try all again")
    with site.app.app_context():
        jobs: InlineJobs = services().jobs  # type: ignore[assignment]  # the queue of tests
        jobs.run_all()
    follow(desk, "Set aside")
    troubled.assert_true()
