"""Others over the same transactions: fava with a ledger of them, Actual's own engine with a budget of them.

Both come from their public registries, into a folder that goes when the part is over; what does not install is skipped
and said so. They answer other questions in other ways, so these are orders of magnitude and no race.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import urllib3

from bench import book
from bench import ground
from bench import site
from bench.webhooks import WAIT_SECONDS
from bench.webhooks import free_port
from tests import factories

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence

    from bench.goals import Goal

FAVA = "fava==1.30.16"
ACTUAL = "@actual-app/api@26.9.0"
ROWS = {False: 5_000, True: 20_000}
READINGS = 15
INSTALL_SECONDS = 900
GOALS: Sequence[Goal] = ()


def measure(*, long: bool) -> dict[str, Any]:
    """Milliseconds for a page, a search and a year's report; seconds until the first is there."""
    rows = ROWS[long]
    figures: dict[str, Any] = {"rows": rows}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        member = site.member(f"sqlite:///{folder / 'mingus.sqlite3'}", folder, rows)
        browser = factories.sign_in(member.app, member.user_id)
        ledger, table = folder / "bench.beancount", folder / "bench.json"
        ledger.write_bytes(browser.get("/transactions/export.beancount").data)
        table.write_bytes(browser.get("/transactions/export.json").data)
        figures |= _named("mingus", _own(member, folder))
        for peer, ask in (
            ("fava", lambda: _fava(folder, ledger)),
            ("actual", lambda: _actual(folder, table)),
        ):
            try:
                figures |= _named(peer, ask())
            except (subprocess.SubprocessError, OSError, urllib3.exceptions.HTTPError) as err:
                print(f"{peer} was NOT measured: {err}", file=sys.stderr)
    return figures


def _named(whose: str, figures: dict[str, Any]) -> dict[str, Any]:
    return {f"{whose}_{key}": value for key, value in figures.items()}


def _own(member: site.Member, folder: Path) -> dict[str, Any]:
    port, began = free_port(), time.perf_counter()
    with site.served(site.OWN, ground.environment(member.database, folder), port):
        ready = time.perf_counter() - began
        base = f"http://127.0.0.1:{port}"
        asked = {"Cookie": member.cookie}
        return {
            "ready_seconds": round(ready, 2),
            "list_ms": _fastest(lambda: _get(f"{base}/transactions", asked)),
            "search_ms": _fastest(lambda: _get(f"{base}/transactions?q={book.RARE}", asked)),
            "report_ms": _fastest(lambda: _get(f"{base}/reports/cash-flow", asked)),
        }


def _fava(folder: Path, ledger: Path) -> dict[str, Any]:
    home = folder / "fava"
    venv.create(home, with_pip=True)
    pip = [str(home / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, FAVA], check=True, timeout=INSTALL_SECONDS, stdout=subprocess.DEVNULL)
    port, began = free_port(), time.perf_counter()
    server = subprocess.Popen(
        [str(home / "bin" / "fava"), "--port", str(port), str(ledger)], stdout=subprocess.DEVNULL
    )
    try:
        base = f"http://127.0.0.1:{port}/{_ledgers_place(port)}/api"
        page = f"{base}/journal_page?page=1&order=desc"
        _get(page)
        ready = time.perf_counter() - began
        return {
            "ready_seconds": round(ready, 2),
            "list_ms": _fastest(lambda: _get(page)),
            "search_ms": _fastest(lambda: _get(f"{page}&filter=%22{book.RARE}%22")),
            "report_ms": _fastest(lambda: _get(f"{base}/income_statement")),
        }
    finally:
        server.terminate()
        server.wait(timeout=20)


def _actual(folder: Path, table: Path) -> dict[str, Any]:
    home = folder / "actual"
    (home / "data").mkdir(parents=True)
    npm = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(home), ACTUAL]
    subprocess.run(
        npm, check=True, timeout=INSTALL_SECONDS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    script = home / "peer.mjs"
    script.write_text(Path(__file__).with_name("actual.mjs").read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        ["node", str(script), str(table), str(home / "data"), book.RARE.upper()],
        cwd=home,
        check=True,
        timeout=INSTALL_SECONDS,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _fastest(ask: Callable[[], object]) -> float:
    taken = []
    for _ in range(READINGS):
        began = time.perf_counter()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
    return round(min(taken), 1)


def _get(url: str, headers: dict[str, str] | None = None) -> None:
    answer = urllib3.request("GET", url, headers=headers, redirect=False, retries=False, timeout=120)
    if answer.status != 200:
        message = f"{url} answered {answer.status}"
        raise OSError(message)


def _ledgers_place(port: int) -> str:
    """Where fava has put the ledger, as soon as it answers: its front door leads there."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            answer = urllib3.request("GET", f"http://127.0.0.1:{port}/", redirect=False, retries=False)
            return answer.headers["Location"].removeprefix(f"http://127.0.0.1:{port}").split("/")[1]
        except urllib3.exceptions.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
