"""How much memory and time a first import takes, from the first page to the commit: prints JSON.

The outgoing limits hold a real import back to Plaid's pace; here the clock is moved instead of waiting.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import urllib3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId
    from mingus.plaid.models import ConnectionId

ROOT = Path(__file__).resolve().parent.parent
SIZES = (100_000, 1_000_000)
BOUNDS_MB = {100_000: 60, 1_000_000: 120}
WARM_UP = 2_000
CREDENTIALS = {"client_id": "simulator", "secret": "simulator"}
SIMULATOR = ["-m", "mingus.simulator", "--port", "0", "--initial-seconds", "0", "--historical-seconds", "0"]


def main() -> int:
    """Each size in a process of its own, on a database of its own."""
    if len(sys.argv) == 4:
        print(json.dumps(imported(int(sys.argv[1]), sys.argv[2], sys.argv[3])))
        return 0
    figures: dict[str, Any] = {}
    with simulator() as host, tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            command = [sys.executable, "-m", "bench.imports", str(size), host, folder]
            done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
            for name, value in json.loads(done.stdout).items():
                figures[f"{size}_{name}"] = value
    print(json.dumps(figures))
    return 0


@contextlib.contextmanager
def simulator() -> Iterator[str]:
    """A simulator of its own; its address."""
    process = subprocess.Popen([sys.executable, *SIMULATOR], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        yield f"http://127.0.0.1:{int(line.rsplit(':', 1)[1])}"
    finally:
        process.terminate()
        process.wait()


def imported(size: int, host: str, folder: str) -> dict[str, Any]:
    """The figures of one import of so many transactions."""
    app = open_app(host, Path(folder) / f"{size}.sqlite3")
    with app.app_context():
        person = make_person()
        import_bank(person, host, WARM_UP)  # what is loaded once is no part of an import
        forget_peak()
        idle = memory_mb("VmRSS")
        began, spent = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
        rows = import_bank(person, host, size)
        seconds = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_SELF)
    peak = memory_mb("VmHWM") - idle
    return {
        "rows": rows,
        "seconds": round(seconds, 1),
        "own_cpu_seconds": round(after.ru_utime + after.ru_stime - spent.ru_utime - spent.ru_stime, 1),
        "rows_per_second": round(rows / seconds),
        "idle_mb": round(idle),
        "peak_above_idle_mb": round(peak, 1),
        "share_of_bound": round(peak / BOUNDS_MB[size], 2),
    }


def open_app(host: str, database: Path) -> Flask:
    """A migrated application whose clock moves when it would wait."""
    from mingus import config
    from mingus import create_app
    from mingus import schema
    from mingus.ambient import SystemAmbient
    from mingus.auth.passwords import Passwords
    from mingus.jobs import InlineJobs
    from mingus.services import services

    class MovedClock(SystemAmbient):
        ahead = dt.timedelta()

        def now(self) -> dt.datetime:
            return super().now() + self.ahead

        def wait(self, seconds: float) -> None:
            self.ahead += dt.timedelta(seconds=seconds)

    clock = MovedClock()
    settings = config.from_env(
        {
            "SESSION_SECRET_KEY": "a-key-of-measurements-only-0123456789",
            "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
            "DATABASE_URL": os.environ.get("BENCH_DATABASE_URL", f"sqlite:///{database}"),
            "QUEUE_URL": f"sqlite:///{database}.queue",
            "MINGUS_DATA_DIR": str(database.parent),
            "PLAID_HOST": host,
            "PLAID_LOG_LEVEL": "ERROR",
        }
    )
    app = create_app(settings, ambient=clock, jobs=InlineJobs(), passwords=Passwords(memory_kib=64))
    with app.app_context():
        schema.upgrade(services())
        vars(services().sync)["_pause"] = clock.wait
    return app


def make_person() -> UserId:
    from mingus.auth.models import Role
    from mingus.services import services

    auth = services().auth
    name = "bench@mingus.test"
    return auth.create(email=name, display_name="Bench", password="quiet-otter-umbrella", role=Role.MEMBER)


def import_bank(person: UserId, host: str, size: int) -> int:
    """Connect a bank with so many transactions and import it; how many rows there are."""
    from sqlalchemy import func
    from sqlalchemy import select

    from mingus.db import db
    from mingus.plaid.ledger import PlaidSyncLog
    from mingus.plaid.ledger import PlaidTransaction
    from mingus.services import services

    body = {
        **CREDENTIALS,
        "institution_id": "ins_109508",
        "initial_products": ["transactions"],
        "options": {"override_username": f"user_large_{size}", "transactions": {"days_requested": 730}},
    }
    made = urllib3.request("POST", f"{host}/sandbox/public_token/create", json=body).json()
    plaid = services().plaid
    link = plaid.create_link_token(person).link_id
    linked = plaid.exchange_public_token(person, link, made["public_token"], metadata={}, keep_both=True)
    wait = vars(services().sync)["_pause"]
    while not db.session.scalar(select(PlaidSyncLog.id).where(*complete(linked.connection_id))):
        db.session.rollback()
        wait(30)
        services().sync.run(linked.connection_id)
    statement = select(func.count()).where(PlaidTransaction.connection_id == linked.connection_id)
    return db.session.scalar(statement) or 0


def complete(connection_id: ConnectionId) -> tuple[ColumnElement[bool], ...]:
    """True of a sync of the connection that brought all history."""
    from mingus.plaid.ledger import PlaidSyncLog

    return (
        PlaidSyncLog.connection_id == connection_id,
        PlaidSyncLog.update_status == "HISTORICAL_UPDATE_COMPLETE",
        PlaidSyncLog.finished_at.is_not(None),
    )


def forget_peak() -> None:
    """Let the kernel measure the peak anew from here."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def memory_mb(name: str) -> float:
    """The process's own memory by the kernel's account."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(name)


if __name__ == "__main__":
    sys.exit(main())
