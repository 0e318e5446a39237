"""Pages that stand open: what a bank tells appears by itself, and never under somebody's hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from mingus.services import services
from tests import factories
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    from mingus.simulator.testing import Running
    from tests.browser.walker import LiveSite
    from tests.browser.walker import Walker

PATIENCE_MS = 30_000  # a few rounds of asking, on a busy machine


@pytest.fixture
def bank(site: LiveSite, live_plaid: Running) -> SyncedBank:
    person = factories.make_person(site.app)
    with site.app.app_context():
        return SyncedBank(services(), live_plaid, services().jobs, person)  # type: ignore[arg-type]  # the queue of tests


def test_money_spent_appears_on_the_open_list_and_waits_while_a_row_is_ticked(
    desk: Walker, site: LiveSite, bank: SyncedBank
) -> None:
    desk.enter(factories.ADA)
    desk.go("/transactions")
    desk.settle()
    page, rows = desk.page, desk.page.locator(".tx-row")
    page.wait_for_event("response", lambda answer: "/api/plaid/pulse" in answer.url)
    before = rows.count()
    with site.app.app_context():
        bank.do("spend", amount=5, description="LIVE COFFEE")
        bank.sync()
    expect(rows.filter(has_text="LIVE COFFEE")).to_have_count(1, timeout=PATIENCE_MS)
    assert rows.count() >= before
    tick = rows.locator("input[type=checkbox]").first
    tick.check()
    with site.app.app_context():
        bank.do("spend", amount=6, description="SECOND COFFEE")
        bank.sync()
    news = page.locator("[data-module=news]")
    expect(news).to_have_text("1 new transaction", timeout=PATIENCE_MS)
    expect(rows.filter(has_text="SECOND COFFEE")).to_have_count(0)
    tick.uncheck()
    expect(rows.filter(has_text="SECOND COFFEE")).to_have_count(1, timeout=PATIENCE_MS)
    expect(news).to_be_hidden(timeout=PATIENCE_MS)
