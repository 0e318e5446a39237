"""Pages that stand open: what a bank tells appears by itself, and never under somebody's hand."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from mingus.plaid.fetching import COMPLETE
from mingus.services import services
from tests import factories
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator
    from playwright.sync_api import Page
    from playwright.sync_api import Route

    from mingus.simulator.testing import Running
    from tests.browser.walker import LiveSite
    from tests.browser.walker import Walker

PULSE = "**/api/plaid/pulse*"
PATIENCE_MS = 30_000  # a few rounds of asking, on a busy machine


@pytest.fixture
def bank(site: LiveSite, live_plaid: Running) -> SyncedBank:
    """Its whole history is here: what comes later is news."""
    person = factories.make_person(site.app)
    with site.app.app_context():
        bank = SyncedBank(services(), live_plaid, services().jobs, person)  # type: ignore[arg-type]  # the queue of tests
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while bank.sync().update_status != COMPLETE:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    return bank


def spend(site: LiveSite, bank: SyncedBank, description: str) -> None:
    with site.app.app_context():
        bank.do("spend", amount=5, description=description)
        bank.sync()


def open_list(desk: Walker) -> Locator:
    """The rows of the list that stands open."""
    desk.enter(factories.ADA)
    desk.go("/transactions")
    desk.settle()
    return desk.page.locator(".tx-row")


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
    page, rows = desk.page, open_list(desk)
    before_next(page, "**/transactions", lambda: spend(site, bank, "SECOND COFFEE"))
    spend(site, bank, "FIRST COFFEE")
    expect(rows.filter(has_text="SECOND COFFEE")).to_have_count(1, timeout=PATIENCE_MS)
    rows.locator("input[type=checkbox]").first.check()
    spend(site, bank, "THIRD COFFEE")
    expect(page.locator("[data-module=news]")).to_have_text("1 new transaction", timeout=PATIENCE_MS)


def test_money_spent_appears_on_the_open_list_and_waits_while_a_row_is_ticked(
    desk: Walker, site: LiveSite, bank: SyncedBank
) -> None:
    page, rows = desk.page, open_list(desk)
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


def test_a_page_that_can_not_ask_says_so_until_it_can(desk: Walker, bank: SyncedBank) -> None:
    desk.enter(factories.ADA)
    desk.go("/accounts")
    desk.settle()
    lost = desk.page.get_by_role("alert").filter(has_text="No longer up to date")
    expect(lost).to_be_hidden()
    desk.page.route(PULSE, lambda route: route.abort())
    expect(lost).to_be_visible(timeout=PATIENCE_MS)
    expect(lost).to_contain_text(re.compile(r"as it was at \d+:\d\d [AP]M,"))
    desk.page.unroute(PULSE)
    expect(lost).to_be_hidden(timeout=PATIENCE_MS)


def test_a_page_whose_session_has_ended_goes_to_sign_in(desk: Walker, bank: SyncedBank) -> None:
    desk.enter(factories.ADA)
    desk.go("/accounts")
    desk.settle()
    desk.page.context.clear_cookies()
    expect(desk.page).to_have_url(re.compile("/login\\?next=/accounts$"), timeout=PATIENCE_MS)
