"""The list of transactions at a real browser: by keyboard alone, in a drawer, on a phone, without scripts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from mingus.services import services
from tests import factories
from tests.browser.walker import View
from tests.support.books import Desk

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.browser.walker import LiveSite
    from tests.browser.walker import Walker

FOOD = {"category": "FOOD_AND_DRINK", "category_detailed": "FOOD_AND_DRINK_COFFEE"}


@pytest.fixture
def books(site: LiveSite) -> Desk:
    """Ada with seventy coffees over ten days."""
    desk = Desk(site.app, factories.make_person(site.app))
    account = desk.account(name="Everyday")
    with site.app.app_context():
        first = services().ambient.today("UTC")
    rows = [
        {"name": f"COFFEE {number}", "date": first - dt.timedelta(days=number // 7), **FOOD}
        for number in range(70)
    ]
    desk.transactions(account, rows)
    return desk


def enter(walker: Walker, path: str = "/transactions") -> None:
    walker.enter(factories.ADA)
    walker.go(path)
    walker.settle()


def test_from_search_to_a_category_and_back_by_keyboard_alone(desk: Walker, books: Desk) -> None:
    enter(desk)
    page, rows = desk.page, desk.page.locator(".tx-row")
    for key in ("j", "j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("[data-picks-count]")).to_have_text("2 ticked")
    desk.approve("transactions-ticked")
    page.keyboard.press("c")
    page.keyboard.type("groc")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("2 transactions changed")
    expect(rows.filter(has_text="Groceries")).to_have_count(2)
    page.get_by_role("button", name="Undo").press("Enter")
    expect(rows.filter(has_text="Groceries")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator("#tx-help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("coffee 69")
    expect(rows).to_have_count(1)
    page.wait_for_url("**/transactions?q=coffee+69")


def test_a_search_that_fails_says_that_the_list_is_the_one_before(desk: Walker, books: Desk) -> None:
    enter(desk)
    page, failed = desk.page, desk.page.get_by_text("This could not be searched")
    shown = page.locator(".tx-row").count()
    page.route("**/transactions?q=*", lambda route: route.fulfill(status=500, body="broken"))
    page.keyboard.press("/")
    page.keyboard.type("coffee 69")
    expect(failed).to_be_visible()
    expect(page.locator(".tx-row")).to_have_count(shown)
    desk.approve("transactions-unsearched")
    page.unroute("**/transactions?q=*")
    page.keyboard.press("Enter")
    expect(page.locator(".tx-row")).to_have_count(1)
    expect(failed).to_be_hidden()


def test_a_transaction_opens_beside_the_list_and_the_list_keeps_its_place(desk: Walker, books: Desk) -> None:
    enter(desk)
    page = desk.page
    last = page.get_by_text("COFFEE 0", exact=True)
    page.locator(".tx-row__name").nth(40).click()
    expect(page.locator("#tx-drawer #tx-facts")).to_be_visible()
    page.wait_for_url("**/transactions/txn_*")
    desk.approve("transaction-drawer")
    page.locator("#tx-drawer [name=name]").fill("Flat white")
    page.locator("#tx-drawer").get_by_role("button", name="Save").click()
    expect(page.locator("#tx-drawer .dialog__title")).to_have_text("Flat white")
    expect(page.locator("#tx-drawer .toast")).to_contain_text("1 transaction changed")
    page.go_back()
    expect(page.locator("#tx-drawer")).not_to_be_visible()
    expect(page.get_by_role("link", name="Flat white")).to_be_visible()
    page.wait_for_url("**/transactions")
    page.mouse.wheel(0, 20_000)
    expect(page.locator(".tx-row")).to_have_count(70)
    expect(last).to_have_count(1)


@pytest.mark.parametrize("view", [View(width=360, theme="dark"), View(width=1280, theme="light")], ids=str)
def test_pages_of_transactions_hold_up_to_axe(
    open_window: Callable[..., AbstractContextManager[Walker]], view: View, books: Desk
) -> None:
    with open_window(view) as walker:
        enter(walker)
        walker.approve("transactions")
        walker.go("/transactions?q=tea&category=TRAVEL")
        walker.approve("transactions-nothing")
        walker.go("/transactions#filters")
        walker.approve("transactions-filters")
        walker.go("/transactions")
        walker.page.locator(".tx-row__name").first.click()
        walker.page.locator("#tx-facts").wait_for()
        walker.page.reload()
        walker.approve("transaction")


def test_without_scripts_rows_are_ticked_categorised_and_undone(
    open_window: Callable[..., AbstractContextManager[Walker]], books: Desk
) -> None:
    with open_window(View(width=1280, theme="light"), scripts=False) as walker:
        walker.enter(factories.ADA)
        walker.go("/transactions")
        walker.page.locator(".tx-row__pick").first.check()
        walker.page.get_by_role("link", name="Categorise").click()
        walker.press("Travel")
        assert "1 transaction changed." in walker.text()
        walker.press("Undo")
        assert "1 transaction is as it was." in walker.text()


@pytest.mark.parametrize("view", [View(width=360, theme="dark"), View(width=1280, theme="light")], ids=str)
def test_pages_of_rules_and_categories_hold_up_to_axe(
    open_window: Callable[..., AbstractContextManager[Walker]], view: View, books: Desk
) -> None:
    with open_window(view) as walker:
        enter(walker, "/settings/rules/new")
        walker.fill(text="coffee", tags="bean, daily")
        walker.page.select_option("[name=category]", "FOOD_AND_DRINK_COFFEE")
        walker.press("Preview")
        walker.approve("rule")
        walker.press("Save")
        walker.approve("rules")
        walker.go("/settings/categories/new")
        walker.fill(name="Beans")
        walker.approve("category")
        walker.press("Save")
        walker.approve("categories")


def test_from_the_sign_in_to_a_bulk_change_without_a_mouse(desk: Walker, books: Desk) -> None:
    page = desk.page
    desk.go("/login")
    desk.settle()
    page.keyboard.type(factories.ADA)  # the first field is waiting
    page.keyboard.press("Tab")
    page.keyboard.type(factories.PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    desk.settle()
    tab_to(desk, "Transactions")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    desk.settle()
    page.keyboard.press("/")
    page.keyboard.type("coffee 6")
    expect(page.locator(".tx-row")).to_have_count(11)
    page.keyboard.press("Escape")
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    page.keyboard.press("c")
    page.keyboard.type("groc")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("2 transactions changed")


def tab_to(walker: Walker, name: str) -> None:
    """Press Tab until the link or button of that name has the focus, as somebody without a mouse would."""
    for _ in range(30):
        walker.page.keyboard.press("Tab")
        if walker.page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    pytest.fail(f"Tab does not reach {name}")
