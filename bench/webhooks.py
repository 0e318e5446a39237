"""How many signed webhooks a second one web process takes, each durable before it is acknowledged."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy import func
from sqlalchemy import select

from bench import ground
from bench.goals import Goal
from mingus.ambient import SystemAmbient
from mingus.app import create_app
from mingus.config import from_env
from mingus.schema import upgrade
from mingus.services import services
from mingus.webhooks.models import WebhookEvent
from tests.support.signing import URL
from tests.support.signing import Signer
from tests.support.signing import hook

ROOT = Path(__file__).resolve().parent.parent
WEBHOOKS = 4000
SENDERS = 12
WAIT_SECONDS = 120.0
READINGS = {False: 1, True: 3}
GOALS = tuple(
    goal
    for kind in ("sqlite", "postgresql")
    for goal in (
        Goal(f"{kind}_per_second", at_least=500),
        Goal(f"{kind}_half_load_p99_ms", at_most=50),
    )
)


def processor_seconds() -> float:
    """What ended children have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _one(database_url: str, folder: Path, rate: float | None = None) -> dict[str, Any]:
    """One gunicorn process with its usual threads, against one database."""
    port = free_port()
    variables = ground.environment(
        database_url, folder, MINGUS_BASE_URL=f"http://127.0.0.1:{port}", PLAID_LOG_LEVEL="warning"
    )
    app = create_app(from_env(variables))
    signer = Signer()
    with app.app_context():
        upgrade(services())
        signer.make_known(at=SystemAmbient().now())
    command = [sys.executable, "-m", "gunicorn", "-c", "python:mingus.gunicorn_conf"]
    before = processor_seconds()
    server = subprocess.Popen(
        [*command, "-b", f"127.0.0.1:{port}", "wsgi:app"], cwd=ROOT, env={**os.environ, **variables}
    )
    try:
        wait_for(port)
        found = storm(port, signer, rate)
    finally:
        server.terminate()
        server.wait(timeout=20)
    # what other work on the machine does not change: how much of one processor each webhook takes
    found["processor_ms_each"] = round((processor_seconds() - before) / WEBHOOKS * 1000, 2)
    engine = create_engine(variables["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        found["durable"] = connection.scalar(select(func.count()).select_from(WebhookEvent))
    return found


def wait_for(port: int, *, pause: float = 0.1) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(pause)
        else:
            return


def storm(port: int, signer: Signer, rate: float | None) -> dict[str, Any]:
    """Distinct webhooks of as many items, from several senders at once."""
    now = dt.datetime.now(dt.UTC)
    ready = []
    for number in range(WEBHOOKS):
        body = hook("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", f"item-{number}")
        ready.append((body, signer.sign(body, at=now)))
    times: list[float] = []
    refused: list[int] = []

    def send(start: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for number in range(start, len(ready), SENDERS):
            body, token = ready[number]
            if rate is not None:  # each at its own moment, none with another
                time.sleep(max(0.0, began + number / rate - time.perf_counter()))
            started = time.perf_counter()
            connection.request("POST", URL, body, {"Plaid-Verification": token})
            answer = connection.getresponse()
            answer.read()
            times.append(time.perf_counter() - started)
            if answer.status != 200:
                refused.append(answer.status)

    began = time.perf_counter()
    threads = [threading.Thread(target=send, args=(start,)) for start in range(SENDERS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    times.sort()
    return {
        "per_second": round(len(times) / seconds),
        "p50_ms": round(times[len(times) // 2] * 1000, 1),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1000, 1),
        "acknowledged": len(times) - len(refused),
    }


def measure(*, long: bool) -> dict[str, Any]:
    """As many as they can, then half as many, evenly: how long each waits then."""
    figures: dict[str, Any] = {}
    readings = READINGS[long]
    with tempfile.TemporaryDirectory() as name, ground.databases(Path(name)) as found:
        for kind in found.kinds:
            full = max(
                (_one(found.fresh(kind), Path(name)) for _ in range(readings)),
                key=lambda row: row["per_second"],
            )
            half = min(
                (_one(found.fresh(kind), Path(name), full["per_second"] / 2) for _ in range(readings)),
                key=lambda row: row["p99_ms"],
            )
            figures |= {f"{kind}_{key}": value for key, value in full.items()}
            figures |= {f"{kind}_half_load_{key}": half[key] for key in ("per_second", "p50_ms", "p99_ms")}
    return figures
