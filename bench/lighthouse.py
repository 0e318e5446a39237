"""What Lighthouse says of the pages people see every day, served as in production, for a member with very many rows.

Lighthouse comes from npm in one pinned version, into the user's cache and never into the repository. Its marks follow
the machine: one that is busy otherwise makes pages look slow, so each page is looked at several times and the middle
mark counts; `slowness` is Lighthouse's own measure of the machine (1,500 and more is a usual laptop).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import urllib3

from bench import ground
from bench import site
from bench.goals import Goal
from bench.webhooks import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "12.8.2"
ROWS = 100_000
TRIES = 3  # a browser that starts slowly is not the page's fault
READINGS = {False: 1, True: 3}
PAGES = {
    "dashboard": "/",
    "accounts": "/accounts",
    "transactions": "/transactions",
    "net_worth": "/reports/net-worth",
    "cash_flow": "/reports/cash-flow",
    "spending": "/reports/spending",
    "merchants": "/reports/merchants",
    "recurring": "/reports/recurring",
}
FORMS: dict[str, list[str]] = {"phone": [], "desktop": ["--preset=desktop"]}
LEAST = {"accessibility": 100, "best-practices": 100, "performance": 98}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
GOALS = tuple(
    Goal(f"{form}_{page}_{category}", at_least=least)
    for form in FORMS
    for page in PAGES
    for category, least in LEAST.items()
)


def measure(*, long: bool) -> dict[str, Any]:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None or shutil.which("npm") is None:
        print("Lighthouse was NOT run: it wants Chromium, node and npm on the PATH.", file=sys.stderr)
        return {}
    program = _installed()
    with tempfile.TemporaryDirectory() as name, _served(Path(name)) as (url, cookie):
        _warm(url, cookie)
        return {
            key: value
            for form, options in FORMS.items()
            for page, path in PAGES.items()
            for key, value in _marks(
                [_look(program, browser, url + path, cookie, options) for _ in range(READINGS[long])],
                f"{form}_{page}",
            )
        }


def _installed() -> Path:
    """The pinned Lighthouse, fetched at the first call."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "mingus" / f"lighthouse-{VERSION}"
    program = folder / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        print(f"fetching Lighthouse {VERSION} into {folder} …", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(folder)]
        subprocess.run([*npm, f"lighthouse@{VERSION}"], check=True, stdout=subprocess.DEVNULL)
    return program


@contextmanager
def _served(folder: Path) -> Iterator[tuple[str, str]]:
    """One gunicorn process over a filled book: its address, and the cookie of who owns it."""
    port = free_port()
    url = f"http://localhost:{port}"
    member = site.member(f"sqlite:///{folder / 'mingus.sqlite3'}", folder, ROWS)
    with site.served(site.OWN, ground.environment(member.database, folder, MINGUS_BASE_URL=url), port):
        yield url, member.cookie


def _warm(url: str, cookie: str) -> None:
    """Every page once, so that templates are compiled as on a server that has run for a minute."""
    for path in PAGES.values():
        answer = urllib3.request("GET", url + path, headers={"Cookie": cookie}, redirect=False)
        if answer.status != 200:
            message = f"{path} answered {answer.status}"
            raise SystemExit(message)


def _look(program: Path, browser: str, url: str, cookie: str, options: list[str]) -> dict[str, Any]:
    """One report."""
    command = [
        *(
            str(program),
            url,
            "--quiet",
            "--output=json",
            "--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage",
        ),
        *(
            "--extra-headers",
            json.dumps({"Cookie": cookie}),
            f"--only-categories={','.join(LEAST)}",
            *options,
        ),
    ]
    environment = {**os.environ, "CHROME_PATH": browser}
    for _ in range(TRIES):
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode == 0:
            found: dict[str, Any] = json.loads(done.stdout)
            return found
        print(f"{url} was not read: {done.stderr[-800:]}", file=sys.stderr)
    message = f"Lighthouse failed {TRIES} times at {url}"
    raise SystemExit(message)


def _marks(reports: list[dict[str, Any]], name: str) -> Iterator[tuple[str, Any]]:
    """The middle of what the reports say."""
    for category in LEAST:
        marks = [round(100 * (one["categories"][category]["score"] or 0)) for one in reports]
        yield f"{name}_{category}", ground.median(marks)
    blocked = [one["audits"]["total-blocking-time"]["numericValue"] for one in reports]
    yield f"{name}_blocking_ms", round(ground.median(blocked))
    yield f"{name}_slowness", round(ground.median([one["environment"]["benchmarkIndex"] for one in reports]))
