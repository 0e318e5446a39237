"""What `make run` shows: money spent at the bank is on the open page within seconds, and nobody reloads it.

Web, worker and simulator are processes of their own, each started by its line of the Procfile.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import urllib3
from playwright.sync_api import expect
from sqlalchemy import select

from mingus import create_app
from mingus import demo
from mingus import schema
from mingus.auth.models import User
from mingus.config import from_env
from mingus.db import db
from mingus.local_setup import DEMO_EMAIL
from mingus.local_setup import DEMO_PASSWORD
from mingus.services import services
from tests.browser.bank_walk import until
from tests.browser.walker import LiveSite
from tests.browser.walker import View
from tests.browser.walker import Walker
from tests.browser.walker import shots_folder
from tests.conftest import ENCRYPTION_KEY
from tests.conftest import ROOT
from tests.conftest import SESSION_KEY
from tests.support.bank import public_token
from tests.support.made import share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser
    from playwright.sync_api import Page

PARTS = ("simulator", "web", "worker")
PATIENCE_MS = 30_000  # for what takes a second or two on a calm machine
START_SECONDS = 60.0
STOP_SECONDS = 15
FIVE = re.compile(r"(?<![\d.,])5\.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plaid:
    """A simulator in a process of its own."""

    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation(LiveSite):
    """Everything that `make run` starts."""

    plaid: Plaid


def free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        doors = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [door.getsockname()[1] for door in doors]


@contextmanager
def running(variables: dict[str, str]) -> Iterator[None]:
    """The parts of an installation, as a supervisor that knows the Procfile alone would start them."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    started: list[subprocess.Popen[bytes]] = []
    try:
        for part in PARTS:
            command = ["sh", "-c", f"exec {lines[part]}"]
            started.append(subprocess.Popen(command, cwd=ROOT, env={**variables, "PATH": path}))
        yield
    finally:
        for process in reversed(started):
            process.terminate()
        ends = [process.wait(timeout=STOP_SECONDS) for process in started]
    assert ends[1:] == [0, 0]


def answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=2.0).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """All parts on ports of their own, with the demo person and no bank."""
    web, simulator = free_ports(2)
    url, plaid = f"http://localhost:{web}", f"http://127.0.0.1:{simulator}"
    variables = {
        "PORT": str(web),
        "SIMULATOR_PORT": str(simulator),
        "SIMULATOR_STATE": str(tmp_path / "simulator.sqlite3"),
        "SESSION_SECRET_KEY": SESSION_KEY,
        "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "MINGUS_DATA_DIR": str(share(tmp_path)),
        "MINGUS_BASE_URL": url,
        "MINGUS_DEMO": "true",
        "PLAID_HOST": plaid,
        "PLAID_WEBHOOK_URL": f"{url}/api/plaid/webhook",
        "PLAID_LOG_LEVEL": "error",
    }
    app = create_app(from_env(variables))
    with app.app_context():
        schema.upgrade(services())
        demo.seed(services())
    with running(variables):
        until(lambda: answers(f"{url}/healthz") and answers(plaid), START_SECONDS)
        yield Installation(url=url, app=app, plaid=Plaid(base_url=plaid))
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def walker(installation: Installation, chromium: Browser) -> Iterator[Walker]:
    """The demo person at a desk."""
    view = View(width=1280, theme="light")
    context = chromium.new_context(viewport={"width": view.width, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    walker = Walker(
        site=installation, view=view, context=context, page=context.new_page(), shots=shots_folder()
    )
    yield walker
    assert walker.complaints == []
    context.close()


def connect_a_bank(installation: Installation) -> None:
    """A bank of the demo person's, which the worker then imports."""
    webhook = f"{installation.url}/api/plaid/webhook"
    token = public_token(installation.plaid, override_username="user_transactions_dynamic", webhook=webhook)
    with installation.app.app_context():
        person = db.session.scalars(select(User.id)).one()
        link = services().plaid.create_link_token(person).link_id
        services().plaid.exchange_public_token(person, link, token, metadata={})
        db.session.remove()


def spend_five_dollars(bank: Page, address: str) -> str:
    """Press the button on the simulator's own page; whom the money went to."""
    bank.goto(address)
    button = bank.get_by_role("button", name="Spend 5 dollars")
    with bank.expect_response(lambda answer: answer.url.endswith("/do/spend")) as found:
        button.click()
    return str(found.value.json()["transaction"]["merchant_name"])


def test_money_spent_at_the_bank_appears_on_the_open_page_by_itself(
    walker: Walker, installation: Installation
) -> None:
    page, plaid = walker.page, installation.plaid
    walker.sign_in(DEMO_EMAIL, DEMO_PASSWORD)
    connect_a_bank(installation)
    walker.go("/transactions")
    rows = page.locator(".tx-row")
    expect(rows.first).to_be_visible(timeout=PATIENCE_MS)
    page.evaluate("window.neverReloaded = true")
    bank = walker.context.new_page()
    merchant = spend_five_dollars(bank, plaid.base_url)
    spent = rows.filter(has_text=merchant).filter(has_text=FIVE)
    expect(spent).to_have_count(1, timeout=PATIENCE_MS)
    assert page.evaluate("window.neverReloaded")
