"""A person at a real browser, who notices everything that is wrong with a page."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from axe_playwright_python.sync_playwright import Axe

from mingus.services import services
from tests import factories

if TYPE_CHECKING:
    from flask import Flask
    from playwright.sync_api import BrowserContext
    from playwright.sync_api import ConsoleMessage
    from playwright.sync_api import Page

    from mingus.jobs import InlineJobs

SHOTS_VARIABLE = "MINGUS_SHOTS"
PHONE_WIDTH = 700
TARGET_PX = 44

# what moves is taken to its end at once: nobody watches
SETTLED = """Promise.all(document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().iterations !== Infinity)
  .map((one) => { one.finish(); return one.finished.catch(() => null); }))"""

# a picture of the whole page holds what nobody has scrolled to yet, too
DRAWN = """document.querySelectorAll('.tx-row, .stack--later')
  .forEach((one) => { one.style.contentVisibility = 'visible'; })"""

# measured where the press counts: a link that covers its card or row is as large as that
SMALL_TARGETS = """(least) => [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
  .filter((element) => {
    const box = element.getBoundingClientRect();
    const cover = getComputedStyle(element, '::after');
    const inline = getComputedStyle(element).display === 'inline';
    const named = element.matches('.choice__input') && document.querySelector(`label[for="${element.id}"]`);
    if (!box.width || inline || named || cover.position === 'absolute') return false;
    if (element.closest('.visually-hidden, .skip-link, dialog:not([open])')) return false;
    return box.height < least - 0.5 || box.width < least - 0.5;
  })
  .map((element) => `${element.tagName}.${element.className}: ${element.textContent.trim()}`)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How the person looks: the window's width and the theme of the system."""

    width: int
    theme: str

    def __str__(self) -> str:
        return f"{self.width}-{self.theme}"

    @property
    def is_phone(self) -> bool:
        return self.width < PHONE_WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSite:
    """The application, served on a port of this machine, and its post."""

    url: str
    app: Flask

    def newest_link(self, recipient: str) -> str:
        """Have the mail written and give the path of the newest link to that person."""
        with self.app.app_context():
            jobs: InlineJobs = services().jobs  # type: ignore[assignment]  # the queue of tests
            jobs.run_all()
        letters = [letter for letter in factories.letters(self.app) if recipient in str(letter["To"])]
        return factories.link_in(letters[-1])


@dataclass(kw_only=True)  # no slots: Playwright keeps a note on whoever listens
class Walker:
    """One browser window with its own cookies."""

    site: LiveSite
    view: View
    context: BrowserContext
    page: Page
    shots: Path | None
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script failed: {error}"))

    def _note(self, message: ConsoleMessage) -> None:
        # a refusal's own status is what the page is about; a policy report or a script's error is a fault
        if message.type in {"error", "warning"} and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def go(self, path: str) -> None:
        self.page.goto(self.site.url + path)

    def fill(self, **values: str) -> None:
        """Type into fields by their names."""
        for name, value in values.items():
            self.page.fill(f"[name={name}]", value)

    def press(self, label: str) -> None:
        """Press a button and be on the page it leads to."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=label, exact=True).locator("visible=true").first.click()

    def enter(self, email: str) -> None:
        """Be signed in, where signing in is not what the test is about."""
        person = factories.person_of(self.site.app, email)
        browser = factories.sign_in(self.site.app, person)
        names = (self.site.app.config["SESSION_COOKIE_NAME"], "device")
        found = filter(None, map(browser.get_cookie, names))
        self.context.add_cookies(
            [{"name": one.key, "value": one.value, "url": self.site.url} for one in found]
        )

    def sign_in(self, email: str, password: str = factories.PASSWORD) -> None:
        """Sign in as a person does, at the form."""
        self.go("/login")
        self.fill(email=email, password=password)
        self.press("Sign in")

    def path(self) -> str:
        return self.page.url.removeprefix(self.site.url)

    def text(self) -> str:
        return re.sub(r"\s+", " ", self.page.locator("body").inner_text())

    def approve(self, name: str) -> None:
        """Take a picture if those are wanted, then complain about anything wrong with the page as it stands."""
        self.settle()
        if self.shots is not None:
            self.page.evaluate(DRAWN)
            self.page.screenshot(path=self.shots / f"{name}-{self.view}.png", full_page=True)
        assert self.complaints == [], f"{name}: {self.complaints}"
        findings = Axe().run(self.page).response["violations"]
        told = [(one["id"], [node["target"] for node in one["nodes"]]) for one in findings]
        assert told == [], f"{name}: {told}"
        assert self.sideways() == 0, f"{name} scrolls sideways"
        if self.view.is_phone:
            assert self.page.evaluate(SMALL_TARGETS, TARGET_PX) == [], f"{name}: too small for a thumb"

    def settle(self) -> None:
        """Wait until every module is mounted and nothing moves any more, spinners apart."""
        self.page.wait_for_selector("html[data-ready]", state="attached")
        self.page.evaluate(SETTLED)

    def sideways(self) -> int:
        """By how many pixels the page is wider than its window."""
        root = "document.documentElement"
        return int(self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))


def shots_folder() -> Path | None:
    """Where pictures go: a folder that was asked for, else none are taken."""
    wanted = os.environ.get(SHOTS_VARIABLE)
    if not wanted:
        return None
    folder = Path(wanted)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
