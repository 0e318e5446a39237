"""What measurements stand on: databases, an application, a Plaid that only answers, the process's own memory."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import resource
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import psycopg
import urllib3

from bench.parts import ROOT
from tests.support import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.plaid.models import ConnectionId

SIMULATOR = ["-m", "mingus.simulator", "--port", "0", "--initial-seconds", "0", "--historical-seconds", "0"]


class Databases:
    """Fresh databases of both kinds; PostgreSQL's commits wait for the disk as SQLite's do."""

    def __init__(self, folder: Path, server: postgres.Server | None) -> None:
        self._folder = folder
        self._server = server
        self._made = 0

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("sqlite", "postgresql") if self._server is not None else ("sqlite",)

    def fresh(self, kind: str) -> str:
        """The URL of an empty one."""
        self._made += 1
        if kind == "sqlite" or self._server is None:
            return f"sqlite:///{self._folder / f'bench{self._made}.sqlite3'}"
        name = f"bench{self._made}"
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self._server.url.rpartition("/")[0] + f"/{name}"


@contextlib.contextmanager
def databases(folder: Path) -> Iterator[Databases]:
    """Databases as long as the block lasts; without a PostgreSQL that is said, and only SQLite is measured."""
    try:
        server: postgres.Server | None = postgres.start(postgres.DURABLE)
    except postgres.NoPostgres as err:
        print(f"without PostgreSQL: {err}", file=sys.stderr)
        server = None
    try:
        yield Databases(folder, server)
    finally:
        if server is not None:
            server.stop()


@contextlib.contextmanager
def program(*command: str) -> Iterator[str]:
    """A program that listens on a port of its own and says so; its address."""
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        yield f"http://127.0.0.1:{int(line.rsplit(':', 1)[1])}"
    finally:
        process.terminate()
        process.wait()


def stub() -> contextlib.AbstractContextManager[str]:
    """A Plaid that does nothing but answer."""
    return program("-m", "bench.stub")


def simulator() -> contextlib.AbstractContextManager[str]:
    return program(*SIMULATOR)


def next_update(host: str, rows: int, *, changed: int = 0, **more: str) -> None:
    """What the stub's next update holds."""
    urllib3.request("POST", f"{host}/stub/next", json={"rows": rows, "changed": changed, **more})


def environment(database_url: str, folder: Path, **changes: str) -> dict[str, str]:
    """What an operator would set."""
    return {
        "SESSION_SECRET_KEY": "a-key-of-measurements-only-0123456789",
        "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
        "DATABASE_URL": database_url,
        "QUEUE_URL": f"sqlite:///{folder / 'queue.sqlite3'}",
        "MINGUS_DATA_DIR": str(folder),
        "PLAID_LOG_LEVEL": "ERROR",
        **changes,
    }


def open_app(host: str, database_url: str, folder: Path) -> Flask:
    """A migrated application whose clock moves when it would wait: our own limits hold back to Plaid's pace."""
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
    settings = config.from_env(environment(database_url, folder, PLAID_HOST=host))
    app = create_app(settings, ambient=clock, jobs=InlineJobs(), passwords=Passwords(memory_kib=64))
    with app.app_context():
        schema.upgrade(services())
        vars(services().sync)["_pause"] = clock.wait
    return app


def wait(seconds: float) -> None:
    """Let the application's clock go on."""
    from mingus.services import services

    vars(services().sync)["_pause"](seconds)


def make_person(name: str = "bench@mingus.test") -> UserId:
    from mingus.auth.models import Role
    from mingus.services import services

    auth = services().auth
    return auth.create(email=name, display_name="Bench", password="quiet-otter-umbrella", role=Role.MEMBER)


def connect(person: UserId, public_token: str = "") -> ConnectionId:
    """A connection of the person, its first sync wished for and not begun; the stub takes any token."""
    from mingus.services import services

    plaid = services().plaid
    link = plaid.create_link_token(person).link_id
    token = public_token or f"public-sandbox-{uuid.uuid4()}"
    return plaid.exchange_public_token(person, link, token, metadata={}, keep_both=True).connection_id


def sync(connection_id: ConnectionId) -> str:
    """Wish for a sync and run it; how it ended."""
    from mingus.db import db
    from mingus.plaid.ledger import PlaidSyncLog
    from mingus.plaid.ledger import Trigger
    from mingus.services import services

    sync_id = services().sync.request(connection_id, Trigger.OPERATOR)
    services().sync.run(connection_id)
    db.session.rollback()
    return db.session.get_one(PlaidSyncLog, sync_id, populate_existing=True).status


def own_seconds() -> float:
    """Processor time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def forget_peak() -> None:
    """Let the kernel measure the peak anew from here."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def memory_mb(name: str) -> float:
    """The process's own memory by the kernel's account."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(name)


def median(values: list[Any]) -> Any:
    return sorted(values)[len(values) // 2]
