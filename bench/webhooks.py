"""How many signed webhooks a second one web process takes, each durable before it is acknowledged."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy import func
from sqlalchemy import select

from bench import ground
from bench.goals import Goal
from bench.sender import post
from bench.sender import send
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
CONNECTIONS = 12
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


def processor_seconds(process: int) -> float:
    """What a process and those it started have used so far; nobody else's work changes it much."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    own = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    return own + sum(processor_seconds(int(child)) for child in children)


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
    server = subprocess.Popen(
        [*command, "-b", f"127.0.0.1:{port}", "wsgi:app"], cwd=ROOT, env={**os.environ, **variables}
    )
    try:
        wait_for(port)
        found = storm(server.pid, port, signer, rate)
    finally:
        server.terminate()
        server.wait(timeout=20)
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


def storm(process: int, port: int, signer: Signer, rate: float | None) -> dict[str, Any]:
    """Distinct webhooks of as many items over several connections, made before they are sent."""
    now = dt.datetime.now(dt.UTC)
    bodies = [hook("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", f"item-{number}") for number in range(WEBHOOKS)]
    made = [
        post(f"127.0.0.1:{port}", URL, body, {"Plaid-Verification": signer.sign(body, at=now)})
        for body in bodies
    ]
    web, own = processor_seconds(process), time.process_time()
    sent = send(("127.0.0.1", port), made, connections=CONNECTIONS, rate=rate)
    return {
        "per_second": round(len(made) / sent.seconds),
        "p50_ms": sent.wait_ms(0.5),
        "p99_ms": sent.wait_ms(0.99),
        "acknowledged": sent.acknowledged,
        "processor_ms_each": round((processor_seconds(process) - web) / len(made) * 1000, 2),
        "sender_ms_each": round((time.process_time() - own) / len(made) * 1000, 2),
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
            kept = ("per_second", "p50_ms", "p99_ms", "processor_ms_each")
            figures |= {f"{kind}_half_load_{key}": half[key] for key in kept}
    return figures
