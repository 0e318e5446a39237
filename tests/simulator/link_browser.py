"""A page that uses Link under a strict policy, and the hands that work it in a real browser."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol
from typing import TypeVar

from axe_playwright_python.sync_playwright import Axe

from mingus.simulator.link.endpoints import link_token_create
from tests.conftest import chromium_or_skip
from tests.simulator.judged import judged

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from playwright.sync_api import BrowserContext
    from playwright.sync_api import ConsoleMessage
    from playwright.sync_api import FrameLocator
    from playwright.sync_api import Locator
    from playwright.sync_api import Page
    from playwright.sync_api import ViewportSize

    from mingus.simulator.simulator import Simulator
    from tests.simulator.judged import Running

T = TypeVar("T")
PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
DEADLINE_SECONDS = 10
GOOD = ("user_good", "pass_good")

HTML = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Host page</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<script src="{sim}/link/v2/stable/link-initialize.js{query}"></script><script src="/host.js"></script></head>
<body><main><h1>Host page</h1><button id="connect">Connect a bank</button></main></body></html>"""

SCRIPT = """
window.calls = [];
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
window.link = (token, more) => {
  window.handler = Plaid.create({
    token,
    onSuccess: (...details) => calls.push({ callback: "onSuccess", details }),
    onExit: (...details) => calls.push({ callback: "onExit", details }),
    onEvent: (...details) => calls.push({ callback: "onEvent", details }),
    onLoad: (...details) => calls.push({ callback: "onLoad", details }),
    ...more,
  });
  return true;
};
"""


class Simulated(Protocol):
    """A served simulator, whoever started it."""

    @property
    def base_url(self) -> str:
        """Where it answers."""

    @property
    def sim(self) -> Simulator:
        """Its inside."""


class HostSite:
    """A site of its own origin, with the strictest policy that still lets Link in."""

    def __init__(self, sim_url: str) -> None:
        self.sim_url = sim_url
        self.script_query = ""
        self.extra_headers: dict[str, str] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def policy(self) -> str:
        """The policy of every page here."""
        sim = self.sim_url
        return (
            f"default-src 'none'; script-src 'self' {sim}; frame-src {sim}; connect-src 'self' {sim}; "
            "style-src 'self'; img-src data:"
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_script = self.path == "/host.js"
                text = SCRIPT if is_script else HTML.format(sim=site.sim_url, query=site.script_query)
                body = text.encode()
                self.send_response(200)
                self.send_header(
                    "Content-Type", "text/javascript" if is_script else "text/html; charset=utf-8"
                )
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Security-Policy", site.policy())
                for name, value in site.extra_headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler


@contextmanager
def stage() -> Iterator[tuple[Running, Browser, HostSite]]:
    """A simulator, a browser and a host page, for a module of tests."""
    with judged() as simulator:
        site = HostSite(simulator.base_url)
        yield simulator, chromium_or_skip(), site
        site.close()


def until(ask: Callable[[], T]) -> T:
    """The first true answer within the deadline."""
    end = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.03)


@dataclass(kw_only=True)
class Person:
    """Somebody at the host page."""

    site: HostSite
    context: BrowserContext
    page: Page
    troubles: list[str] = field(default_factory=list)

    @property
    def frame(self) -> FrameLocator:
        """Link's frame."""
        return self.page.frame_locator("iframe[id^='plaid-link-iframe']")

    def visit(self, path: str = "/") -> None:
        """Open the host page."""
        self.page.goto(self.site.url + path)

    def create(self, token: str, **more: Any) -> None:
        """Plaid.create on the page."""
        self.page.evaluate("([token, more]) => window.link(token, more)", [token, more])

    def open(self, token: str, **more: Any) -> None:
        """Open Link with the token."""
        self.create(token, **more)
        self.page.evaluate("() => handler.open()")

    def title(self, text: str) -> Locator:
        """Wait for the pane of that title."""
        heading = self.frame.get_by_role("heading", name=text, level=1)
        heading.wait_for()
        return heading

    def press(self, name: str) -> None:
        """Press the button of that name in Link."""
        self.frame.get_by_role("button", name=name).first.click()

    def fill(self, label: str, text: str) -> None:
        """Fill the field of that label in Link."""
        self.frame.get_by_label(label, exact=True).fill(text)

    def to_search(self) -> None:
        """Through consent and phone to the list of banks."""
        self.title("wants to read your bank data")
        self.press("Continue")
        self.title("Have you done this before?")
        self.press("Continue without a phone number")
        self.title("Find your bank")

    def choose(self, bank: str) -> None:
        """Search for the bank and take it."""
        self.frame.get_by_role("searchbox").fill(bank)
        self.frame.get_by_role("heading", name="Banks found").wait_for()
        self.press(bank)

    def sign_in(self, username: str = GOOD[0], password: str = GOOD[1]) -> None:
        """Fill the bank's form."""
        self.fill("Username", username)
        self.fill("Password", password)
        self.press("Sign in")

    def calls(self) -> list[dict[str, Any]]:
        """What the page was told so far, in order."""
        told: list[dict[str, Any]] = self.page.evaluate("() => calls")
        return told

    def called(self, callback: str) -> list[Any]:
        """The arguments of the first call of the callback, awaited."""
        found = until(lambda: [call for call in self.calls() if call["callback"] == callback])
        details: list[Any] = found[0]["details"]
        return details

    def events(self) -> list[str]:
        """The names of the events so far."""
        return [call["details"][0] for call in self.calls() if call["callback"] == "onEvent"]

    def assert_no_trouble(self) -> None:
        """No policy was violated, nothing was logged as an error."""
        assert self.page.evaluate("() => violations") == []
        assert self.troubles == []


@contextmanager
def person(
    browser: Browser, site: HostSite, *, width: str = "desktop", dark: bool = False
) -> Iterator[Person]:
    """Somebody with a phone or a desktop screen, at the host page."""
    context = browser.new_context(viewport=PHONE if width == "phone" else DESKTOP)
    context.set_default_timeout(DEADLINE_SECONDS * 1000)
    page = context.new_page()
    someone = Person(site=site, context=context, page=page)

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            someone.troubles.append(message.text)

    context.on("console", hear)
    context.on("weberror", lambda error: someone.troubles.append(str(error.error)))
    someone.visit()
    yield someone
    context.close()


def axe_findings(page: Page) -> list[str]:
    """What axe has against the page and its frames: everything in light, the colours again in dark."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = Axe().run(page).response["violations"]
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found += Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node.get('failureSummary', '')}"
        for rule in found
        for node in rule["nodes"]
    ]


def make_token(running: Simulated, **changes: Any) -> str:
    """A link token straight from the simulator; `None` leaves a field out."""
    body = {
        "client_name": "Host",
        "language": "en",
        "country_codes": ["US"],
        "user": {"client_user_id": "ada"},
        "products": ["transactions"],
        **changes,
    }
    answer = link_token_create(running.sim, {key: value for key, value in body.items() if value is not None})
    return str(answer["link_token"])
