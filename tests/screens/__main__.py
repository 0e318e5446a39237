"""`make screens`: a picture of every page and state, on phone and desktop, in light and dark, from a seeded world."""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe

from tests import factories
from tests.browser.walker import DRAWN
from tests.browser.walker import SETTLED
from tests.browser.walker import View
from tests.screens import acts
from tests.screens import world as worlds
from tests.screens.acts import Act
from tests.support.chromium import close_chromium
from tests.support.chromium import shared_chromium

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext
    from playwright.sync_api import Page

    from tests.screens.world import World

ROOT = Path(__file__).resolve().parent.parent.parent
HEIGHT = 800
VIEWS = [View(width=width, theme=theme) for width in (360, 1280) for theme in ("light", "dark")]
# what the repository keeps: the first screen of some of them, under a name of its own
KEPT = {
    "overview-1280-light": "overview",
    "transactions-1280-light": "transactions",
    "reports-spending-1280-light": "spending",
    "accounts-1280-light": "accounts",
    "reports-net-worth-1280-dark": "net-worth",
    "import-look-1280-light": "import",
    "overview-360-dark": "phone",
}
NOBODYS = {
    "start": "/",
    "sign-in": "/login",
    "sign-up": "/register",
    "forgot": "/forgot",
    "privacy": "/privacy",
    "left": "/left/{receipt}",
    "confirm-used": "/confirm/none",
}
ADAS = {
    "overview": "/",
    "accounts": "/accounts",
    "account-bank": "first of: /accounts/acc_",
    "account-manual": "last of: /accounts/acc_",
    "account-values": "last of: /accounts/acc_ + /values",
    "account-edit": "first of: /accounts/acc_ + /edit",
    "account-new": "/accounts/new",
    "import-begin": "last of: /accounts/acc_ + /import",
    "import-look": "last of: /accounts/acc_ + /import > /imports/imp_",
    "connect": "/connect",
    "transactions": "/transactions",
    "transactions-narrowed": "/transactions?q=coffee&direction=out&range=this-year",
    "transactions-nothing": "/transactions?q=coffee&direction=in&least=900",
    "transactions-by-amount": "/transactions?sort=largest",
    "transactions-unreadable": "/transactions?least=much&since=soon",
    "transactions-removed": "/transactions?removed=1",
    "transaction": "first of: /transactions/txn_ @ /transactions",
    "reports-net-worth": "/reports/net-worth",
    "reports-cash-flow": "/reports/cash-flow",
    "reports-spending": "/reports/spending",
    "reports-merchants": "/reports/merchants",
    "reports-recurring": "/reports/recurring",
    "reports-unreadable": "/reports/spending?range=always&category=NOWHERE",
    "disconnect": "first of: /connections/con_ @ /accounts",
    "activity": "/activity",
    "notices": "/notices",
    "settings-profile": "/settings",
    "settings-rules": "/settings/rules",
    "settings-rule": "/settings/rules/new",
    "settings-categories": "/settings/categories",
    "settings-category": "/settings/categories/new",
    "settings-password": "/settings/password",
    "settings-devices": "/settings/devices",
    "settings-tokens": "/settings/tokens",
    "settings-data": "/settings/data",
    "settings-security": "/settings/security",
    "settings-app": "/settings/security/app",
    "settings-history": "/settings/history",
    "settings-leave": "/settings/leave",
    "settings-notifications": "/settings/notifications",
    "admin": "/admin",
    "admin-syncs": "/admin/syncs",
    "admin-syncs-narrowed": "/admin/syncs?status=failed&longer=1",
    "admin-sync": "first of: /admin/syncs/sync_ @ /admin/syncs?status=failed",
    "admin-sync-rows": "first of: /admin/syncs/sync_ @ /admin/syncs?status=partial + /rows",
    "admin-webhooks": "/admin/webhooks",
    "admin-webhook": "first of: /admin/webhooks/wh_ @ /admin/webhooks",
    "admin-connections": "/admin/connections",
    "admin-connection": "first of: /admin/connections/con_ @ /admin/connections",
    "admin-banks": "/admin/banks",
    "admin-set-aside": "/admin/set-aside",
    "admin-set-aside-row": "first of: /admin/set-aside/ @ /admin/set-aside?kind=quarantined",
    "admin-people": "/admin/people",
    "admin-audit": "/admin/audit",
    "admin-system": "/admin/system",
    "admin-browser-reports": "/admin/browser-reports",
    "not-found": "/nowhere",
    "error-too-many": "/screens/429",
    "error-broken": "/screens/500",
    "error-resting": "/screens/503",
}
BENS = {
    "empty-overview": "/",
    "empty-accounts": "/accounts",
    "empty-transactions": "/transactions",
    "empty-reports": "/reports/net-worth",
    "empty-activity": "/activity",
    "empty-notices": "/notices",
}
# a bank in every state that is not "all well"
CLEOS = {
    "states-overview": "/",
    "states-accounts": "/accounts",
    "states-transactions": "/transactions",
    "states-activity": "/activity",
    "states-notices": "/notices",
}
PEOPLE: tuple[tuple[str | None, dict[str, str | Act]], ...] = (
    (None, NOBODYS | acts.NOBODYS),
    (factories.ADA, ADAS | acts.ADAS),
    (factories.BEN, dict(BENS)),
    (factories.CLEO, dict(CLEOS)),
)
LEAST_WIDTH = 320


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "screens")
    parser.add_argument("--only", default="", help="a regular expression for the pictures' names")
    wishes = parser.parse_args()
    wishes.to.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder, worlds.built(Path(folder)) as world:
        for view in VIEWS:
            for email, pages in PEOPLE:
                wanted = {
                    name: way for name, way in pages.items() if re.search(wishes.only, f"{name}-{view}")
                }
                if wanted:
                    faults += take(world, view, email, wanted, wishes.to)
        close_chromium()
    if faults:
        raise SystemExit("\n".join(faults))


def take(world: World, view: View, email: str | None, pages: dict[str, str | Act], folder: Path) -> list[str]:
    """Pictures of some pages as one person sees them in one view, and what is wrong with them."""
    faults: list[str] = []
    context = shared_chromium().new_context(
        viewport={"width": view.width, "height": HEIGHT},
        color_scheme="dark" if view.theme == "dark" else "light",
        has_touch=view.is_phone,
    )
    page = context.new_page()
    if email is not None:
        sign_in(page, world.url, email)
    for name, way in pages.items():
        act = way if isinstance(way, Act) else Act(path=way)
        page.goto(world.url + find(context, world.url, act.path.format(receipt=world.receipt)))
        page.wait_for_selector("html[data-ready]", state="attached")
        act.done_on(page)
        page.wait_for_selector("html[data-ready]", state="attached")
        page.wait_for_load_state("networkidle")
        page.evaluate(SETTLED)
        page.evaluate(DRAWN)
        if kept := KEPT.get(f"{name}-{view}"):
            page.screenshot(path=folder / f"{kept}.png", animations="disabled")
        page.screenshot(path=folder / f"{name}-{view}.png", full_page=True, animations="disabled")
        faults += [f"{name}-{view}: {fault}" for fault in wrong_with(page, view)]
    context.close()
    return faults


def wrong_with(page: Page, view: View) -> list[str]:
    """What an accessibility engine finds, and whether the page is wider than its window or the narrowest phone."""
    findings = Axe().run(page).response["violations"]
    told = [f"{one['id']} {[node['target'] for node in one['nodes']][:3]}" for one in findings]
    sizes = (view.width, LEAST_WIDTH) if view.is_phone else (view.width,)
    for width in sizes:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        told += [f"{wider} px wider than {width}"] if wider else []
    page.set_viewport_size({"width": view.width, "height": HEIGHT})
    return told


def sign_in(page: Page, url: str, email: str) -> None:
    page.goto(f"{url}/login")
    page.fill("[name=email]", email)
    page.fill("[name=password]", factories.PASSWORD)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in", exact=True).click()


def find(context: BrowserContext, url: str, path: str) -> str:
    """An address as it is, or that of the first or last link of its kind on a page (accounts), or one behind it."""
    if " of: " not in path:
        return path
    which, _, rest = path.partition(" of: ")
    start, _, more = rest.partition(" + ")
    more, _, further = more.partition(" > ")
    start, _, listed = start.partition(" @ ")
    page = context.new_page()
    page.goto(url + (listed or "/accounts"))
    links = page.locator(f"main a[href^='{start}']:not([href*='#'], [href$='/edit'])")
    link = links.first if which == "first" else links.last
    found = str(link.get_attribute("href")) + more
    if further:
        page.goto(url + found)
        found = str(page.locator(f"a[href^='{further}']").first.get_attribute("href"))
    page.close()
    return found


if __name__ == "__main__":
    main()
