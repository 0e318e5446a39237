"""Pages over HTTP: the transactions of a signed-in member through gunicorn, with everything that a request meets,
against a page of as many rows from memory in the same server."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from bench import book
from bench import ground
from bench.goals import Goal
from bench.parts import ROOT
from bench.webhooks import free_port
from bench.webhooks import processor_seconds
from bench.webhooks import wait_for
from mingus.db import db
from tests import factories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

ROWS = {False: 20_000, True: 100_000}
PAGES = {False: 400, True: 1_500}
VISITORS = 4
FLOOR, OWN = "bench.floor:app", "wsgi:app"
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
            folder, url = Path(name), found.fresh(kind)
            app = ground.open_app("http://127.0.0.1:9", url, folder)
            with app.app_context():
                filled = book.fill(ground.make_person(), ROWS[long])
            cookie = _cookie(app, filled.user_id)
            floor = _pace(FLOOR, {}, cookie, PAGES[long])
            own = _pace(OWN, ground.environment(url, folder), cookie, PAGES[long])
            figures |= {f"{kind}_floor_{key}": value for key, value in floor.items()}
            figures |= {f"{kind}_page_{key}": value for key, value in own.items()}
            # by processor time too: what else runs on the machine does not change that
            figures[f"{kind}_page_share_of_floor"] = round(own["per_second"] / floor["per_second"], 2)
            shares = floor["processor_ms_each"] / own["processor_ms_each"]
            figures[f"{kind}_page_share_by_processor"] = round(shares, 2)
    return figures


def _cookie(app: Flask, user_id: Any) -> str:
    browser = factories.sign_in(app, user_id)
    kept = "; ".join(f"{cookie.key}={cookie.value}" for cookie in (browser._cookies or {}).values())  # noqa: SLF001 (what a browser would send)
    with app.app_context():
        db.engine.dispose()
    return kept


def _pace(target: str, variables: dict[str, str], cookie: str, pages: int) -> dict[str, Any]:
    """As many as one process gives, then half as many, evenly."""
    with _server(target, variables) as port:
        _visit(port, cookie, pages // 4, None)
        before = processor_seconds()
        full = _visit(port, cookie, pages, None)
    used = processor_seconds() - before
    with _server(target, variables) as port:
        _visit(port, cookie, pages // 4, None)
        half = _visit(port, cookie, pages, full["per_second"] / 2)
    # the server's start and its first pages are in it, so it is an upper bound
    each = round(used / (pages + pages // 4) * 1000, 2)
    return {**full, "processor_ms_each": each, "half_load_p99_ms": half["p99_ms"]}


@contextmanager
def _server(target: str, variables: dict[str, str]) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "python:mingus.gunicorn_conf"]
    server = subprocess.Popen(
        [*command, "-b", f"127.0.0.1:{port}", target], cwd=ROOT, env={**os.environ, **variables}
    )
    try:
        wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=20)


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
