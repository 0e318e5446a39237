"""Connecting a bank, as a person does it: by password, with a second factor, at the bank's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.bank_walk import BANK
from tests.browser.bank_walk import OAUTH_BANK
from tests.browser.bank_walk import allow
from tests.browser.walker import View
from tests.factories import ADA

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.browser.bank_walk import Visitor
    from tests.browser.walker import Walker

pytestmark = pytest.mark.browser


def to_the_bank(ada: Visitor) -> None:
    """As far as the button that leads to a bank with a page of its own."""
    ada.begin()
    ada.to_search()
    ada.choose(OAUTH_BANK)
    ada.title(f"Continue at {OAUTH_BANK}")


def leave_and_come_back(ada: Visitor, *, accounts: int) -> None:
    """The whole page goes to the bank, and the bank sends it back."""
    ada.bank_pages("redirect")
    to_the_bank(ada)
    ada.tap(f"Go to {OAUTH_BANK}")
    ada.page.wait_for_url("**/link/bank/*")
    allow(ada.page, accounts=accounts)
    ada.page.wait_for_url("**/oauth-callback?oauth_state_id=*")


def test_an_ordinary_bank_comes_in_with_all_its_accounts(ada: Visitor) -> None:
    ada.walker.go("/accounts")
    ada.walker.approve("accounts-empty")
    ada.walker.go("/connect")
    ada.walker.approve("connect")
    ada.page.get_by_role("button", name="Continue").click()
    ada.to_search()
    assert "Go on in the window" in ada.walker.text()
    ada.choose(BANK)
    ada.log_in()
    ada.finish()
    ada.arrive()
    assert BANK in ada.walker.text()
    assert ada.page.locator(".account").count() > 1
    ada.walker.approve("accounts-connected")
    ada.walker.go("/")
    assert "Net worth" in ada.walker.text()
    ada.walker.approve("dashboard-connected")


def test_a_second_factor_is_asked_and_accepted(ada_at_desk: Visitor) -> None:
    ada_at_desk.begin()
    ada_at_desk.to_search()
    ada_at_desk.choose(BANK)
    ada_at_desk.log_in(password="mfa_device")
    ada_at_desk.tap("Send the code")
    ada_at_desk.title("Check your device")
    ada_at_desk.frame.get_by_label("Enter the code").fill("1234")
    ada_at_desk.tap("Continue")
    ada_at_desk.finish()
    ada_at_desk.arrive()
    assert BANK in ada_at_desk.walker.text()


def test_a_bank_with_its_own_sign_in_opens_beside_the_page(ada: Visitor) -> None:
    to_the_bank(ada)
    with ada.walker.context.expect_page() as opened:
        ada.tap(f"Go to {OAUTH_BANK}")
    allow(opened.value, accounts=2)
    ada.title("is connected")
    ada.tap("Finish")
    ada.arrive()
    assert ada.page.locator(".account").count() == 2


def test_a_bank_that_takes_the_whole_page_brings_it_back(ada: Visitor) -> None:
    leave_and_come_back(ada, accounts=3)
    ada.title("is connected")
    ada.walker.approve("callback")
    ada.tap("Finish")
    ada.arrive()
    assert ada.page.locator(".account").count() == 3


def test_the_way_back_may_end_in_another_browser(
    ada_at_desk: Visitor, open_window: Callable[..., AbstractContextManager[Walker]]
) -> None:
    leave_and_come_back(ada_at_desk, accounts=1)
    back = ada_at_desk.walker.path()
    ada_at_desk.page.goto("about:blank")
    with open_window(View(width=360, theme="light")) as phone:
        phone.enter(ADA)
        phone.go(back)
        window = phone.page.frame_locator("iframe[id^='plaid-link-iframe']")
        window.get_by_role("button", name="Finish").click()
        phone.page.wait_for_url("**/accounts#con_*")
        assert OAUTH_BANK in phone.text()


def test_coming_back_twice_says_that_the_step_is_over(ada: Visitor) -> None:
    leave_and_come_back(ada, accounts=1)
    back = ada.walker.path()
    ada.title("is connected")
    ada.tap("Finish")
    ada.arrive()
    ada.walker.go(back)
    assert "This step is over" in ada.walker.text()
    ada.walker.approve("callback-over")
