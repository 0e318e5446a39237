"""The console in a real browser: what happens is seen within a moment, and can be made to happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import urllib3

from tests.conftest import chromium_or_skip
from tests.simulator.judged import judged
from tests.simulator.link_browser import DESKTOP
from tests.simulator.link_browser import PHONE
from tests.simulator.link_browser import axe_findings
from tests.simulator.link_browser import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from playwright.sync_api import Page
    from playwright.sync_api import ViewportSize

    from mingus.simulator.items import Item
    from tests.simulator.judged import Running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Browser:
    return chromium_or_skip()


@pytest.fixture(scope="module")
def started() -> Iterator[Running]:
    with judged() as simulator:
        yield simulator


@pytest.fixture
def simulator(started: Running) -> Running:
    """A simulator that has seen nothing yet."""
    started.sim.reset()
    started.sim.limits.enabled = False
    return started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(10_000)
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    yield page
    context.close()
    assert troubles == []


def call(simulator: Running, path: str, **body: object) -> dict[str, str]:
    keys = {"client_id": "simulator", "secret": "simulator"}
    answer: dict[str, str] = urllib3.request("POST", simulator.base_url + path, json={**keys, **body}).json()
    return answer


def linked(
    simulator: Running, username: str = "user_transactions_dynamic", webhook: str | None = None
) -> Item:
    """An item whose first import is done."""
    sim = simulator.sim
    login = sim.logins.check(sim.institutions.get("ins_109508"), username, "pass_good")
    item = sim.items.create(
        institution_id="ins_109508", login=login, products=["transactions"], webhook=webhook
    )
    token = sim.items.exchange(sim.items.issue_public_token(item)).access_token
    call(simulator, "/transactions/sync", access_token=token)
    sim.updates.finish_import(item)
    return item


def test_empty_console_says_how_to_begin(page: Page, simulator: Running) -> None:
    page.goto(simulator.base_url)
    page.get_by_text("Nothing is linked yet.").wait_for()
    page.get_by_role("heading", name="No item in view").wait_for()


def test_spending_shows_as_pending_and_posting_clears_it(page: Page, simulator: Running) -> None:
    linked(simulator)
    page.goto(simulator.base_url)
    page.get_by_role("heading", name="First Platypus Bank").wait_for()
    pending = page.locator("[data-pending]")
    page.get_by_role("button", name="Post the pending").click()
    pending.get_by_text("Nothing is pending.").wait_for()
    page.get_by_role("button", name="Spend 5 dollars").click()
    pending.get_by_text("5.00").wait_for()
    page.get_by_role("button", name="Change a tip").click()
    pending.get_by_text("6.00").wait_for()
    page.get_by_role("button", name="Post the pending").click()
    pending.get_by_text("Nothing is pending.").wait_for()


def test_calls_and_their_errors_appear_by_themselves(page: Page, simulator: Running) -> None:
    page.goto(simulator.base_url)
    page.get_by_text("No call, no webhook").wait_for()
    call(simulator, "/accounts/get", access_token="access-sandbox-nobody")
    row = page.locator("summary").filter(has_text="/accounts/get")
    row.get_by_text("INVALID_ACCESS_TOKEN").wait_for()
    row.click()
    page.get_by_text("request id").wait_for()
    page.get_by_role("checkbox", name="Calls").uncheck()
    row.wait_for(state="detached")


def test_login_can_be_broken_and_healed(page: Page, simulator: Running) -> None:
    item = linked(simulator)
    page.goto(simulator.base_url)
    page.get_by_role("button", name="Break the login").click()
    page.locator("[data-item-state]").get_by_text("ITEM_LOGIN_REQUIRED").wait_for()
    assert item.error_code == "ITEM_LOGIN_REQUIRED"
    page.get_by_role("button", name="Heal it").click()
    page.locator("[data-item-state]").get_by_text("well").wait_for()
    page.get_by_label("Put it into an error").select_option("ITEM_LOCKED")
    page.get_by_role("button", name="Set").first.click()
    page.locator("[data-item-state]").get_by_text("ITEM_LOCKED").wait_for()


def test_bank_can_be_taken_down_from_the_item_and_by_name(page: Page, simulator: Running) -> None:
    linked(simulator)
    page.goto(simulator.base_url)
    page.get_by_role("button", name="Take it down").click()
    page.locator("[data-item-state]").get_by_text("bank down").wait_for()
    page.get_by_role("searchbox", name="Banks").fill("First Platypus Bank")
    page.get_by_label("Health of First Platypus Bank", exact=True).select_option("HEALTHY")
    page.locator("[data-item-state]").get_by_text("well").wait_for()


def test_clock_moves_and_stands(page: Page, simulator: Running) -> None:
    page.goto(simulator.base_url)
    before = simulator.sim.clock.now()
    page.get_by_role("button", name="+1 day").click()
    until(lambda: (simulator.sim.clock.now() - before).days == 1)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Pause").wait_for()
    assert simulator.sim.clock.rate == 1


def test_webhook_is_fired_seen_with_its_body_and_sent_again(page: Page, simulator: Running) -> None:
    linked(simulator, webhook="http://127.0.0.1:9/hook")
    page.goto(simulator.base_url)
    page.get_by_label("Fire a webhook").select_option("NEW_ACCOUNTS_AVAILABLE")
    page.get_by_role("button", name="Fire").click()
    rows = page.locator("summary").filter(has_text="NEW_ACCOUNTS_AVAILABLE")
    rows.first.click()
    page.get_by_text('"webhook_code": "NEW_ACCOUNTS_AVAILABLE"').wait_for()
    page.get_by_role("button", name="Send again").click()
    until(lambda: rows.count() == 2)


def test_fault_spoils_the_next_answer_and_can_be_ended(page: Page, simulator: Running) -> None:
    page.goto(simulator.base_url)
    page.get_by_label("Spoil answers").select_option("error")
    page.get_by_label("of", exact=True).fill("/categories/get")
    page.get_by_label("times").fill("3")
    page.get_by_role("button", name="Spoil").click()
    chip = page.get_by_role("button", name="End error · /categories/get")
    chip.wait_for()
    assert call(simulator, "/categories/get")["error_code"] == "INTERNAL_SERVER_ERROR"
    chip.click()
    chip.wait_for(state="detached")
    assert "error_code" not in call(simulator, "/categories/get")


def test_story_is_told_to_new_items(page: Page, simulator: Running) -> None:
    page.goto(simulator.base_url)
    page.get_by_label("Tell a story").select_option("tip_changes")
    page.get_by_role("button", name="Tell").click()
    until(lambda: simulator.sim.scenes.name == "tip_changes")
    page.get_by_role("button", name="End", exact=True).click()
    until(lambda: simulator.sim.scenes.name is None)


def test_bank_is_connected_through_link_on_the_console_itself(page: Page, simulator: Running) -> None:
    page.goto(simulator.base_url)
    page.get_by_role("checkbox", name="Ask for a phone number").uncheck()
    page.get_by_text("Switched.").wait_for()
    page.get_by_role("button", name="Connect a bank").click()
    link = page.frame_locator("iframe")
    link.get_by_role("button", name="Continue").click()
    link.get_by_role("button", name="First Platypus Bank").click()
    link.get_by_label("Username").fill("user_good")
    link.get_by_label("Password").fill("pass_good")
    link.get_by_role("button", name="Sign in").click()
    link.get_by_role("button", name="Continue").click()
    link.get_by_role("button", name="Finish").click()
    page.get_by_role("heading", name="First Platypus Bank").wait_for()
    assert len(simulator.sim.items.all()) == 1
    page.locator("summary").filter(has_text="Link: connected").wait_for()


def test_beginning_anew_is_asked_first(page: Page, simulator: Running) -> None:
    linked(simulator)
    page.goto(simulator.base_url)
    page.get_by_role("button", name="Begin anew").click()
    page.get_by_role("button", name="Keep all").click()
    assert len(simulator.sim.items.all()) == 1
    page.get_by_role("button", name="Begin anew").click()
    page.get_by_role("dialog").get_by_role("button", name="Begin anew").click()
    page.get_by_text("Nothing is linked yet.").wait_for()
    assert len(simulator.sim.items.all()) == 0


def test_focus_stays_on_the_item_while_the_list_is_renewed(page: Page, simulator: Running) -> None:
    first = linked(simulator, "user_good")
    linked(simulator)
    page.goto(simulator.base_url)
    row = page.get_by_role("button", name="user_good")
    row.focus()
    page.keyboard.press("Enter")
    page.locator("[data-item-user]").get_by_text("user_good").wait_for()
    call(simulator, f"/control/items/{first.item_id}/do/break_login")
    row.get_by_text("ITEM_LOGIN_REQUIRED").wait_for()
    assert row.evaluate("element => document.activeElement === element")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing_and_nothing_sticks_out(
    browser: Browser, simulator: Running, size: ViewportSize
) -> None:
    linked(simulator, webhook="http://127.0.0.1:9/hook")
    context = browser.new_context(viewport=size)
    page = context.new_page()
    page.goto(simulator.base_url)
    page.locator("summary").filter(has_text="/transactions/sync").click()
    page.get_by_role("button", name="Break the login").click()
    page.locator("[data-item-state]").get_by_text("ITEM_LOGIN_REQUIRED").wait_for()
    findings = axe_findings(page)
    width = page.evaluate("() => document.documentElement.scrollWidth")
    context.close()
    assert findings == []
    assert width <= size["width"]
