"""Pages over HTTP: the transactions of a signed-in member through gunicorn, with everything that a request meets,
against a page of as many rows from memory in the same server."""

from __future__ import annotations

import http.client
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from bench import ground
from bench import site
from bench.goals import Goal
from bench.webhooks import free_port

ROWS = {False: 20_000, True: 100_000}
PAGES = {False: 400, True: 1_500}
VISITORS = 4
FLOOR = "bench.floor:app"
GOALS = tuple(
    goal
    for kind in ("sqlite", "postgresql")
    for goal in (
        Goal(f"{kind}_page_share_of_floor", at_least=0.5),
        Goal(f"{kind}_page_half_load_p99_ms", at_most=40),
    )
)


def measure(*, long: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, ground.databases(Path(name)) as found:
        for kind in found.kinds:
            folder = Path(name)
            member = site.member(found.fresh(kind), folder, ROWS[long])
            floor = _pace(FLOOR, {}, member.cookie, PAGES[long])
            variables = ground.environment(member.database, folder)
            own = _pace(site.OWN, variables, member.cookie, PAGES[long])
            figures |= {f"{kind}_floor_{key}": value for key, value in floor.items()}
            figures |= {f"{kind}_page_{key}": value for key, value in own.items()}
            # by processor time too: what else runs on the machine does not change that
            figures[f"{kind}_page_share_of_floor"] = round(own["per_second"] / floor["per_second"], 2)
            shares = floor["processor_ms_each"] / own["processor_ms_each"]
            figures[f"{kind}_page_share_by_processor"] = round(shares, 2)
    return figures


def _pace(target: str, variables: dict[str, str], cookie: str, pages: int) -> dict[str, Any]:
    """As many as one process gives, then half as many, evenly."""
    port = free_port()
    with site.served(target, variables, port) as process:
        _visit(port, cookie, pages // 4, None)
        before = site.used_by(process)
        full = _visit(port, cookie, pages, None)
        each = round((site.used_by(process) - before) / pages * 1000, 2)
        half = _visit(port, cookie, pages, full["per_second"] / 2)
    return {**full, "processor_ms_each": each, "half_load_p99_ms": half["p99_ms"]}


def _visit(port: int, cookie: str, pages: int, rate: float | None) -> dict[str, Any]:
    """The page for several visitors at once, each asking as a browser does."""
    times: list[float] = []
    refused: list[int] = []

    def ask(start: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for number in range(start, pages, VISITORS):
            if rate is not None:
                time.sleep(max(0.0, began + number / rate - time.perf_counter()))
            asked = time.perf_counter()
            headers = {"Cookie": cookie, "Accept-Encoding": "gzip", "Accept": "text/html"}
            connection.request("GET", "/transactions", headers=headers)
            answer = connection.getresponse()
            answer.read()
            times.append(time.perf_counter() - asked)
            if answer.status != 200:
                refused.append(answer.status)

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(VISITORS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if refused:
        message = f"{len(refused)} pages were refused, first with {refused[0]}"
        raise SystemExit(message)
    times.sort()
    return {
        "per_second": round(len(times) / seconds, 1),
        "p50_ms": round(times[len(times) // 2] * 1000, 1),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 1),
    }
