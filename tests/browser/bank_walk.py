"""A person who connects banks: the hands in Link's window, and what happens at the banks meanwhile."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.models import PlaidConnection
from mingus.plaid.models import PlaidInstitution
from mingus.services import services
from tests import factories
from tests.support.bank import items_at
from tests.support.bank import public_token
from tests.support.bank import tell_plaid

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

    from playwright.sync_api import FrameLocator
    from playwright.sync_api import Page

    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running
    from tests.browser.walker import Walker

T = TypeVar("T")
BANK = "First Platypus Bank"
GOOD = ("user_good", "pass_good")
OAUTH_BANK = "Platypus OAuth Bank"
DEADLINE_SECONDS = 15


@dataclass(kw_only=True)
class Visitor:
    """Ada at a window of her own, signed in."""

    walker: Walker
    plaid: Running

    @property
    def page(self) -> Page:
        return self.walker.page

    @property
    def frame(self) -> FrameLocator:
        """Link's window."""
        return self.page.frame_locator("iframe[id^='plaid-link-iframe']")

    # in Link

    def title(self, text: str) -> None:
        """Wait for the pane of that title."""
        self.frame.get_by_role("heading", name=text, level=1).wait_for()

    def tap(self, name: str) -> None:
        """Press a button in Link."""
        self.frame.get_by_role("button", name=name).first.click()

    def to_search(self) -> None:
        """Through consent and phone to the list of banks."""
        self.title("wants to read your bank data")
        self.tap("Continue")
        self.tap("Continue without a phone number")
        self.title("Find your bank")

    def choose(self, bank: str) -> None:
        self.frame.get_by_role("searchbox").fill(bank)
        self.frame.get_by_role("heading", name="Banks found").wait_for()
        self.tap(bank)

    def log_in(self, username: str = GOOD[0], password: str = GOOD[1]) -> None:
        """Fill the bank's form in Link."""
        self.frame.get_by_label("Username", exact=True).fill(username)
        self.frame.get_by_label("Password", exact=True).fill(password)
        self.tap("Sign in")

    def finish(self) -> None:
        """Take the accounts as they are ticked, and close Link's last pane."""
        self.title("Which accounts?")
        self.tap("Continue")
        self.title("is connected")
        self.tap("Finish")

    # on our pages

    def begin(self, path: str = "/connect") -> None:
        """Open Link from our page."""
        self.walker.go(path)
        self.walker.settle()
        self.page.get_by_role("button", name="Continue").click()

    def connect(self, bank: str = BANK, username: str = "user_good") -> None:
        """The whole way to a bank in the list."""
        self.begin()
        self.to_search()
        self.choose(bank)
        self.log_in(username)
        self.finish()
        self.arrive()

    def have_bank(self, username: str = "user_good") -> None:
        """A bank that is connected, where the way through Link is not what the test is about."""
        app = self.walker.site.app
        person = factories.person_of(app, factories.ADA)
        token = public_token(self.plaid, override_username=username)
        with app.app_context():
            link = services().plaid.create_link_token(person).link_id
            services().plaid.exchange_public_token(person, link, token, metadata={})
        self.walker.go("/accounts")
        self.walker.settle()

    def arrive(self) -> None:
        """Be on the accounts page, at the connection that was just made or repaired."""
        self.page.wait_for_url("**/accounts#con_*")
        self.walker.settle()

    def open_menu(self, bank: str = BANK) -> None:
        self.page.locator("summary:visible", has_text=f"More for {bank}").click()

    def wait_for(self, text: str) -> None:
        self.page.get_by_text(text).locator("visible=true").first.wait_for()

    # elsewhere

    def at_bank(self, action: str, **more: Any) -> None:
        """Make something happen to the newest item at the bank."""
        tell_plaid(self.plaid, f"/control/items/{items_at(self.plaid)[-1]}/do/{action}", more)

    def bank_pages(self, way: str) -> None:
        """Have banks with their own sign-in open in a pop-up, or by leaving the page."""
        tell_plaid(self.plaid, "/control/link/settings", {"oauth": way})

    def work(self) -> None:
        """Have the worker do what waits."""
        with self.walker.site.app.app_context():
            jobs: InlineJobs = services().jobs  # type: ignore[assignment]  # the queue of tests
            jobs.run_all()

    def note(self, table: type[PlaidConnection | PlaidInstitution], **columns: Any) -> None:
        """Have it in the database, as the parts that are not walked here would write it."""
        with self.walker.site.app.app_context(), unit_of_work() as unit:
            unit.session.execute(update(table).values(**columns))

    def states(self) -> list[str]:
        """Where each connection stands, the oldest first."""
        with self.walker.site.app.app_context():
            return list(db.session.scalars(select(PlaidConnection.state).order_by(PlaidConnection.id)))


@contextmanager
def visiting(walker: Walker, plaid: Running) -> Iterator[Visitor]:
    """Ada, signed in; afterwards nothing was complained about, and the banks are as they were."""
    factories.make_person(walker.site.app)
    walker.enter(factories.ADA)
    visitor = Visitor(walker=walker, plaid=plaid)
    yield visitor
    tell_plaid(plaid, "/control/reset", {})
    visitor.bank_pages("popup")
    assert walker.complaints == []


def allow(bank: Page, *, accounts: int) -> None:
    """Sign in on the bank's own page and share the first accounts."""
    bank.get_by_label("Username").fill("user_good")
    bank.get_by_role("button", name="Sign in").click()
    bank.get_by_role("heading", name="Share with").wait_for()
    for box in bank.get_by_role("checkbox").all()[accounts:]:
        box.uncheck()
    bank.get_by_role("button", name="Allow").click()


def until(ask: Callable[[], T], seconds: float = DEADLINE_SECONDS) -> T:
    """The first true answer within the deadline."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
    return answer
