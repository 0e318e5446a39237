"""Pages that stand open: what a bank tells appears by itself, and never under somebody's hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from mingus.services import services
from tests import factories
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page
    from playwright.sync_api import Route

    from mingus.simulator.testing import Running
    from tests.browser.walker import LiveSite
    from tests.browser.walker import Walker

PULSE = "**/api/plaid/pulse*"
PATIENCE_MS = 30_000  # a few rounds of asking, on a busy machine


@pytest.fixture
def bank(site: LiveSite, live_plaid: Running) -> SyncedBank:
    person = factories.make_person(site.app)
    with site.app.app_context():
        return SyncedBank(services(), live_plaid, services().jobs, person)  # type: ignore[arg-type]  # the queue of tests


def spend(site: LiveSite, bank: SyncedBank, description: str) -> None:
    with site.app.app_context():
        bank.do("spend", amount=5, description=description)
        bank.sync()


def before_next(page: Page, address: str, act: Callable[[], None]) -> None:
    """`act` happens once, when the page has sent a question for `address` and nobody has read it yet."""
    waiting = [act]

    def handle(route: Route) -> None:
        while waiting:
            waiting.pop()()
        route.continue_()

    page.route(address, handle)


def test_what_came_between_the_page_and_its_first_question_appears(
    desk: Walker, site: LiveSite, bank: SyncedBank
) -> None:
    desk.enter(factories.ADA)
    before_next(desk.page, PULSE, lambda: spend(site, bank, "EARLY COFFEE"))
    desk.go("/transactions")
    expect(desk.page.locator(".tx-row").filter(has_text="EARLY COFFEE")).to_have_count(1, timeout=PATIENCE_MS)


def test_what_was_drawn_with_an_older_answer_is_not_counted_as_news(
    desk: Walker, site: LiveSite, bank: SyncedBank
) -> None:
    desk.enter(factories.ADA)
    desk.go("/transactions")
    desk.settle()
    page, rows = desk.page, desk.page.locator(".tx-row")
    before_next(page, "**/transactions", lambda: spend(site, bank, "SECOND COFFEE"))
    spend(site, bank, "FIRST COFFEE")
    expect(rows.filter(has_text="SECOND COFFEE")).to_have_count(1, timeout=PATIENCE_MS)
    rows.locator("input[type=checkbox]").first.check()
    spend(site, bank, "THIRD COFFEE")
    expect(page.locator("[data-module=news]")).to_have_text("1 new transaction", timeout=PATIENCE_MS)


def test_money_spent_appears_on_the_open_list_and_waits_while_a_row_is_ticked(
    desk: Walker, site: LiveSite, bank: SyncedBank
) -> None:
    desk.enter(factories.ADA)
    desk.go("/transactions")
    desk.settle()
    page, rows = desk.page, desk.page.locator(".tx-row")
    before = rows.count()
    spend(site, bank, "LIVE COFFEE")
    expect(rows.filter(has_text="LIVE COFFEE")).to_have_count(1, timeout=PATIENCE_MS)
    assert rows.count() >= before
    tick = rows.locator("input[type=checkbox]").first
    tick.check()
    spend(site, bank, "SECOND COFFEE")
    news = page.locator("[data-module=news]")
    expect(news).to_have_text("1 new transaction", timeout=PATIENCE_MS)
    expect(rows.filter(has_text="SECOND COFFEE")).to_have_count(0)
    tick.uncheck()
    expect(rows.filter(has_text="SECOND COFFEE")).to_have_count(1, timeout=PATIENCE_MS)
    expect(news).to_be_hidden(timeout=PATIENCE_MS)
