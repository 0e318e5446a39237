"""The real application on a port of its own, and a real Chromium to look at it."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server
from werkzeug.wsgi import ClosingIterator

from mingus import create_app
from mingus import schema
from mingus.ambient import SystemAmbient
from mingus.auth.passwords import Passwords
from mingus.jobs import InlineJobs
from mingus.services import services
from tests.browser.bank_walk import visiting
from tests.browser.walker import LiveSite
from tests.browser.walker import View
from tests.browser.walker import Walker
from tests.browser.walker import shots_folder
from tests.conftest import chromium_or_skip
from tests.conftest import empty
from tests.conftest import settings_for
from tests.simulator.judged import judged

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from _typeshed.wsgi import StartResponse
    from _typeshed.wsgi import WSGIApplication
    from _typeshed.wsgi import WSGIEnvironment
    from flask import Flask
    from playwright.sync_api import Browser

    from tests.browser.bank_walk import Visitor
    from tests.simulator.judged import Running

VIEWS = [View(width=360, theme="dark"), View(width=1280, theme="light")]  # both widths, both themes
DEADLINE_MS = 15_000


@pytest.fixture(scope="session")
def live_plaid() -> Iterator[Running]:
    """One simulator for every page of the run, its clock going on as ours does."""
    with judged() as started:
        yield started


@pytest.fixture(scope="session")
def live_site(live_plaid: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """One served application; SQLite, since a browser can't tell the databases apart."""
    folder = tmp_path_factory.mktemp("site")
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://localhost:{door.getsockname()[1]}"
        changes = {
            "MINGUS_BASE_URL": url,
            "PLAID_HOST": live_plaid.base_url,
            "PLAID_REDIRECT_URI": f"{url}/oauth-callback",
        }
        app = create_app(
            settings_for(folder, f"sqlite:///{folder / 'site.sqlite3'}", **changes),
            ambient=SystemAmbient(),
            jobs=InlineJobs(),
            passwords=Passwords(memory_kib=64),
        )
        with app.app_context():
            schema.upgrade(services())
            services().jobs.bind(services().handlers())  # type: ignore[attr-defined]  # the queue of tests
        server = make_server("127.0.0.1", 0, read_whole(app), threaded=True, fd=door.fileno())
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield LiveSite(url=url, app=app)
        server.shutdown()
        thread.join()
        server.server_close()


def read_whole(app: Flask) -> WSGIApplication:
    """The application, its answers read to their ends: a window that closes meanwhile leaves no file open."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with closing(ClosingIterator(app(environ, start_response))) as found:
            return [b"".join(found)]

    return answer


@pytest.fixture
def site(live_site: LiveSite) -> Iterator[LiveSite]:
    """The served application with nobody in it and nothing in its outbox."""
    with live_site.app.app_context():
        for letter in services().settings.outbox_dir.glob("*.eml"):
            letter.unlink()
    yield live_site
    empty(live_site.app)


@pytest.fixture(scope="session")
def chromium() -> Browser:
    """The machine's Chromium; skipped loudly where there is none."""
    return chromium_or_skip()


@pytest.fixture
def open_window(site: LiveSite, chromium: Browser) -> Callable[..., AbstractContextManager[Walker]]:
    """A function that opens a window of its own, with or without JavaScript."""

    @contextmanager
    def opened(view: View, *, scripts: bool = True, reduced_motion: bool = False) -> Iterator[Walker]:
        context = chromium.new_context(
            viewport={"width": view.width, "height": 800},
            color_scheme="dark" if view.theme == "dark" else "light",
            reduced_motion="reduce" if reduced_motion else "no-preference",
            java_script_enabled=scripts,
            has_touch=view.is_phone,
            timezone_id="Europe/Madrid",
        )
        context.set_default_timeout(DEADLINE_MS)
        walker = Walker(site=site, view=view, context=context, page=context.new_page(), shots=shots_folder())
        yield walker
        context.close()

    return opened


@pytest.fixture(params=VIEWS, ids=str)
def walker(
    request: pytest.FixtureRequest, open_window: Callable[..., AbstractContextManager[Walker]]
) -> Iterator[Walker]:
    """A person on a phone and at a desk, by day and by night."""
    with open_window(request.param) as opened:
        yield opened


@pytest.fixture
def desk(open_window: Callable[..., AbstractContextManager[Walker]]) -> Iterator[Walker]:
    """A person at a desk, for behaviour that no width changes."""
    with open_window(View(width=1280, theme="light")) as opened:
        yield opened


@pytest.fixture(params=VIEWS, ids=str)
def ada(
    request: pytest.FixtureRequest,
    open_window: Callable[..., AbstractContextManager[Walker]],
    live_plaid: Running,
) -> Iterator[Visitor]:
    """Ada, signed in, on a phone by night and at a desk by day, with the simulated banks at hand."""
    with open_window(request.param) as walker, visiting(walker, live_plaid) as visitor:
        yield visitor


@pytest.fixture
def ada_at_desk(desk: Walker, live_plaid: Running) -> Iterator[Visitor]:
    """The same at a desk only."""
    with visiting(desk, live_plaid) as visitor:
        yield visitor
