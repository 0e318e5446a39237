"""States that a page reaches only after something was typed, pressed or opened on it."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATIENCE_MS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is done on a page before its picture: fields by name, a button that sends, what to click, a key.

    Requests to an address like `breaks` come to nothing; what `until` names is waited for.
    """

    path: str
    breaks: str = ""
    fill: dict[str, str] = field(default_factory=dict)
    send: str = ""
    click: tuple[str, ...] = ()
    key: str = ""
    until: str = ""

    def done_on(self, page: Page) -> None:
        if self.breaks:
            page.route(self.breaks, lambda route: route.fulfill(status=500))
        for name, value in self.fill.items():
            page.locator(f"main [name={name}]").first.fill(value)
        if self.send:
            with page.expect_navigation():
                page.locator("main").get_by_role("button", name=self.send, exact=True).first.click()
        for selector in self.click:
            page.locator(selector).locator("visible=true").first.click()
        if self.key:
            page.keyboard.press(self.key)
        if self.until:
            page.locator(self.until).wait_for(timeout=PATIENCE_MS)


NOBODYS = {
    "sign-in-refused": Act(
        path="/login", fill={"email": "ada@mingus.test", "password": "no"}, send="Sign in"
    ),
    "sign-up-refused": Act(path="/register", fill={"email": "ada@"}, send="Create account"),
    "forgot-refused": Act(path="/forgot", fill={"email": "ada@"}, send="Mail me a link"),
}
ADAS = {
    "overview-menu": Act(path="/", click=("summary.menu__person, .shell__bar summary",)),
    "overview-out-of-touch": Act(path="/", breaks="**/api/plaid/pulse*", until=".out-of-touch"),
    "transactions-filters": Act(path="/transactions", click=("a[href='#filters']",)),
    "transactions-ticked": Act(path="/transactions", click=(".tx-row__pick",)),
    "transactions-drawer": Act(path="/transactions", click=(".tx-row__name",)),
    "transactions-unsearched": Act(
        path="/transactions", breaks="**/transactions?q=*", fill={"q": "coffee 69"}
    ),
    "transactions-keys": Act(path="/transactions", key="?"),
    "transactions-categories": Act(
        path="/transactions", click=(".tx-row__pick", "a[href='#category-picker']")
    ),
    "account-refused": Act(path="/accounts/new", fill={"amount": "a lot"}, send="Add it"),
    "rule-preview": Act(
        path="/settings/rules/new", fill={"text": "coffee", "tags": "bean, daily"}, send="Preview"
    ),
    "profile-refused": Act(path="/settings", fill={"display_name": ""}, send="Save"),
    "password-refused": Act(
        path="/settings/password", fill={"current": "no", "password": "short"}, send="Change password"
    ),
    "leave-refused": Act(
        path="/settings/leave", fill={"email": "eve@mingus.test"}, send="Delete everything for good"
    ),
}
