"""A connection's later life: repaired, widened, renamed, hidden, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mingus.plaid.models import PlaidConnection
from mingus.plaid.models import PlaidInstitution
from tests.browser.bank_walk import BANK
from tests.browser.walker import View
from tests.factories import ADA
from tests.support.bank import items_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.browser.bank_walk import Visitor
    from tests.browser.walker import Walker

pytestmark = pytest.mark.browser


def sync_now(ada: Visitor) -> None:
    """Ask for it, and see what came of it."""
    ada.walker.go("/accounts")
    ada.walker.settle()
    ada.open_menu()
    ada.walker.press("Sync now")
    ada.work()
    ada.walker.go("/accounts")
    ada.walker.settle()


def test_a_login_that_broke_is_repaired_with_one_press(ada: Visitor) -> None:
    ada.have_bank()
    accounts = ada.page.locator(".account").count()
    ada.at_bank("break_login")
    sync_now(ada)
    assert "Needs you to sign in" in ada.walker.text()
    assert "Plaid's reference" in ada.walker.text()
    ada.walker.approve("accounts-needs-sign-in")
    ada.page.get_by_role("link", name="Reconnect").click()
    ada.page.wait_for_url("**/connect?connection=*")
    ada.walker.approve("connect-reconnect")
    ada.page.get_by_role("button", name="Continue").click()
    ada.log_in()
    ada.title("is connected again")
    ada.tap("Finish")
    ada.arrive()
    assert "Needs you to sign in" not in ada.walker.text()
    assert ada.page.locator(".account").count() == accounts
    assert len(items_at(ada.plaid)) == 1


def test_a_new_account_is_added_by_choosing_anew(ada_at_desk: Visitor) -> None:
    ada = ada_at_desk
    ada.have_bank()
    accounts = ada.page.locator(".account").count()
    ada.at_bank("open_account", name="Holiday savings")
    ada.open_menu()
    ada.page.get_by_role("link", name="Add or remove accounts").click()
    ada.page.get_by_role("button", name="Continue").click()
    ada.title("Which accounts?")
    ada.frame.get_by_label("Holiday savings").check()
    ada.tap("Continue")
    ada.title("is connected again")
    ada.tap("Finish")
    ada.arrive()
    ada.wait_for("Holiday savings")
    assert ada.page.locator(".account").count() == accounts + 1


def test_accounts_that_are_not_shown_yet_are_pointed_out(ada: Visitor) -> None:
    ada.have_bank()
    ada.note(PlaidConnection, state="attention_soon", new_accounts=True)
    ada.note(PlaidInstitution, logo=None)
    ada.walker.go("/accounts")
    assert "New accounts at the bank" in ada.walker.text()
    ada.walker.approve("accounts-new-accounts")
    ada.page.get_by_role("link", name="Choose accounts").click()
    ada.page.wait_for_url("**/connect?connection=*&accounts=1")
    ada.walker.approve("connect-accounts")


def test_connections_of_another_environment_rest(ada_at_desk: Visitor) -> None:
    ada = ada_at_desk
    ada.have_bank()
    ada.note(PlaidConnection, environment="sandbox")
    ada.walker.go("/accounts")
    assert "1 connection rests" in ada.walker.text()
    assert BANK not in ada.walker.text()
    ada.walker.approve("accounts-asleep")


def test_any_page_of_ours_may_use_the_class(ada_at_desk: Visitor) -> None:
    ada = ada_at_desk
    ada.have_bank()
    ada.walker.go("/connect")
    ada.walker.settle()
    accounts = ada.page.evaluate("new PlaidIntegration().loadAccounts()")
    assert {account["institution_name"] for account in accounts} == {BANK}
    assert ada.page.evaluate("new PlaidIntegration().isInitialized") is False
    assert "no event named" in ada.page.evaluate(
        "(() => { try { new PlaidIntegration().setEventHandler('x', () => 0); } catch (e) { return e.message; } })()"
    )


def test_a_bank_that_does_not_answer_is_waited_for(ada_at_desk: Visitor) -> None:
    ada = ada_at_desk
    ada.have_bank()
    ada.at_bank("error", code="INSTITUTION_NOT_RESPONDING")
    sync_now(ada)
    assert "The bank does not answer" in ada.walker.text()
    assert "We try again by ourselves" in ada.walker.text()
    ada.walker.approve("accounts-bank-trouble")
    ada.at_bank("heal")
    sync_now(ada)
    assert "The bank does not answer" not in ada.walker.text()


def test_a_permission_that_was_revoked_leads_to_connecting_again(ada_at_desk: Visitor) -> None:
    ada = ada_at_desk
    ada.have_bank()
    ada.at_bank("revoke")
    sync_now(ada)
    assert "No longer connected" in ada.walker.text()
    ada.walker.approve("accounts-revoked")
    ada.page.get_by_role("link", name="Connect again").click()
    ada.page.wait_for_url("**/connect")


def test_an_account_gets_a_name_and_is_hidden(ada: Visitor) -> None:
    ada.have_bank()
    shown = ada.page.locator(".account:visible").count()
    ada.page.get_by_role("link", name="Rename or hide Plaid Checking").click()
    ada.walker.approve("account-edit")
    ada.walker.fill(name="Household")
    ada.page.get_by_label("Hide it and leave it out of totals").check()
    ada.walker.press("Save")
    assert ada.page.locator(".account:visible").count() == shown - 1
    ada.page.get_by_text("1 hidden or closed account").click()
    ada.wait_for("Household")
    ada.walker.approve("accounts-hidden-shown")


@pytest.mark.parametrize(
    ("history", "left"),
    [("Keep accounts", "Disconnected, its history is kept"), ("Delete everything", "No bank yet")],
)
def test_disconnecting_ends_it_here_and_at_plaid(ada: Visitor, history: str, left: str) -> None:
    ada.have_bank()
    ada.open_menu()
    ada.page.get_by_role("link", name="Disconnect").click()
    ada.walker.settle()
    ada.walker.approve("disconnect")
    ada.page.get_by_label(history).check()
    ada.walker.press("Disconnect")
    assert f"{BANK} is disconnected" in ada.walker.text()
    assert ada.states() == ["removing"]
    ada.walker.approve("accounts-removing")
    ada.work()
    assert ada.states() == ["removed"]
    assert items_at(ada.plaid) == []
    ada.wait_for(left)
    ada.walker.approve(f"accounts-after-{history.split()[0].lower()}")


def test_nothing_scrolls_sideways_on_the_smallest_phone(
    ada_at_desk: Visitor, open_window: Callable[..., AbstractContextManager[Walker]]
) -> None:
    ada_at_desk.have_bank()
    ada_at_desk.note(PlaidConnection, state="needs_sign_in", error_code="ITEM_LOGIN_REQUIRED")
    with open_window(View(width=320, theme="light")) as walker:
        walker.enter(ADA)
        for path in ("/", "/accounts", "/connect", "/plaid/callback"):
            walker.go(path)
            assert walker.sideways() == 0, path
        walker.go("/accounts")
        links = walker.page.locator(".connection a[href]").all()
        for path in {link.get_attribute("href") or "" for link in links}:
            walker.go(path)
            assert walker.sideways() == 0, path


def test_everything_but_link_works_without_javascript(
    ada_at_desk: Visitor, open_window: Callable[..., AbstractContextManager[Walker]]
) -> None:
    ada_at_desk.have_bank()
    with open_window(View(width=360, theme="light"), scripts=False) as walker:
        walker.enter(ADA)
        walker.go("/connect")
        assert "This page needs JavaScript" in walker.text()
        assert walker.page.get_by_role("button", name="Continue").count() == 0
        walker.go("/accounts")
        walker.page.locator("summary", has_text="More for").click()
        walker.press("Sync now")
        assert "We are reading your bank" in walker.text()
        walker.page.locator("summary", has_text="More for").click()
        walker.page.get_by_role("link", name="Disconnect").click()
        walker.press("Disconnect")
        assert "Being removed" in walker.text()
