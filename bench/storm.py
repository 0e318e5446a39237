"""A storm on one machine: PostgreSQL, two web processes, four workers, many connections, workers killed meanwhile.

`python -m bench.storm --connections 200 --seconds 60` prints figures, and ends non-zero when a ledger differs from
its bank's truth, a webhook was lost, or a row is there twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import func
from sqlalchemy import select

from bench.ground import environment
from bench.webhooks import free_port
from bench.webhooks import wait_for
from mingus.app import create_app
from mingus.auth.models import Role
from mingus.config import from_env
from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import PlaidConnection
from mingus.schema import upgrade
from mingus.services import services
from mingus.simulator.config import Config
from mingus.simulator.testing import running
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent
from tests.support import postgres
from tests.support.bank import public_token
from tests.support.bank import tell_plaid
from tests.support.ledger import stored
from tests.support.ledger import truth

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 4
WEBS = 2
CATCH_UP_SECONDS = 300.0


class Site:
    """The processes of one installation."""

    def __init__(self, variables: dict[str, str], ports: list[int]) -> None:
        self._environment = {**os.environ, **variables}
        gunicorn = [sys.executable, "-m", "gunicorn", "-c", "python:mingus.gunicorn_conf"]
        self.webs = [self._start([*gunicorn, "-b", f"127.0.0.1:{port}", "wsgi:app"]) for port in ports]
        self.workers = [self._start_worker() for _ in range(WORKERS)]
        self.kills = 0

    def kill_a_worker(self, chance: random.Random) -> None:
        """End one without warning, and start another in its place."""
        place = chance.randrange(WORKERS)
        self.workers[place].send_signal(signal.SIGKILL)
        self.workers[place].wait()
        self.workers[place] = self._start_worker()
        self.kills += 1

    def stop(self) -> float:
        """Ask all to stop; how long that took."""
        started = time.monotonic()
        for process in (*self.webs, *self.workers):
            process.terminate()
        for process in (*self.webs, *self.workers):
            process.wait(timeout=30)
        return time.monotonic() - started

    def _start_worker(self) -> subprocess.Popen[bytes]:
        return self._start([sys.executable, "-m", "mingus.worker"])

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, cwd=ROOT, env=self._environment, stderr=subprocess.DEVNULL)


def connect(plaid: Any, count: int, webhook: str) -> list[str]:
    """Connections of as many people, imported by the workers; their items."""
    items = []
    for number in range(count):
        person = services().auth.create(
            email=f"p{number}@storm.test",
            display_name="P",
            password=f"storm-{number}-otter",
            role=Role.MEMBER,
        )
        token = public_token(plaid, override_username="user_transactions_dynamic", webhook=webhook)
        link = services().plaid.create_link_token(person).link_id
        linked = services().plaid.exchange_public_token(person, link, token, metadata={})
        items.append(db.session.get_one(PlaidConnection, linked.connection_id).plaid_item_id)
        db.session.rollback()
    return items


def rage(plaid: Any, site: Site, items: list[str], seconds: float, chance: random.Random) -> int:
    """Money is spent everywhere while workers die; how often."""
    until, kill_at, spent = time.monotonic() + seconds, time.monotonic() + 2, 0
    while time.monotonic() < until:
        tell_plaid(plaid, f"/control/items/{chance.choice(items)}/do/spend", {"amount": 1 + spent % 90})
        spent += 1
        if time.monotonic() >= kill_at:
            site.kill_a_worker(chance)
            kill_at = time.monotonic() + chance.uniform(2, 5)
    return spent


def differing(plaid: Any, connections: dict[str, str]) -> list[str]:
    """Connections whose ledger is not their bank's truth."""
    return [item for connection, item in connections.items() if stored(connection) != truth(plaid, item)]


def caught_up(plaid: Any, connections: dict[str, str]) -> tuple[float, list[str]]:
    """How long it took until every ledger was true and nothing waited; what still differs."""
    started = time.monotonic()
    while True:
        left = differing(plaid, connections)
        db.session.rollback()
        waiting = db.session.scalar(
            select(func.count()).where(WebhookEvent.state == EventState.WAITING.value)
        )
        seconds = time.monotonic() - started
        if (not left and not waiting) or seconds > CATCH_UP_SECONDS:
            return seconds, left
        time.sleep(2)


def figures(spent: int, site: Site) -> dict[str, Any]:
    """What the database says of it."""
    db.session.rollback()
    twice = (
        select(PlaidTransaction.connection_id)
        .group_by(PlaidTransaction.connection_id, PlaidTransaction.plaid_transaction_id)
        .having(func.count() > 1)
    )
    states = db.session.execute(select(WebhookEvent.state, func.count()).group_by(WebhookEvent.state))
    syncs = db.session.execute(select(PlaidSyncLog.status, func.count()).group_by(PlaidSyncLog.status))
    return {
        "spent": spent,
        "workers_killed": site.kills,
        "transactions": db.session.scalar(select(func.count()).select_from(PlaidTransaction)),
        "rows_twice": len(db.session.execute(twice).all()),
        "webhooks": {row[0]: row[1] for row in states},
        "syncs": {row[0]: row[1] for row in syncs},
    }


def storm(database_url: str, folder: Path, *, connections: int, seconds: float, seed: int) -> dict[str, Any]:
    """One storm from its beginning to the calm after it."""
    ports = [free_port() for _ in range(WEBS)]
    hook = f"http://127.0.0.1:{ports[0]}/api/plaid/webhook"
    chance = random.Random(seed)
    with running(Config(initial_seconds=0, historical_seconds=1)) as plaid:
        variables = {
            **environment(database_url, folder, MINGUS_BASE_URL=f"http://127.0.0.1:{ports[0]}"),
            "PLAID_HOST": plaid.base_url,
            "PLAID_WEBHOOK_URL": hook,
        }
        app = create_app(from_env(variables))
        with app.app_context():
            upgrade(services())
            site = Site(variables, ports)
            try:
                for port in ports:
                    wait_for(port)
                started = time.monotonic()
                items = connect(plaid, connections, hook)
                connecting = time.monotonic() - started
                rows = db.session.execute(select(PlaidConnection.id, PlaidConnection.plaid_item_id)).all()
                known = {row.id: row.plaid_item_id for row in rows}
                imported, _ = caught_up(plaid, known)
                spent = rage(plaid, site, items, seconds, chance)
                calm, left = caught_up(plaid, known)
                found = figures(spent, site)
            finally:
                stopping = site.stop()
                db.session.remove()
                db.engine.dispose()
    return {
        "connections": connections,
        "connecting_seconds": round(connecting, 1),
        "import_seconds_after": round(imported, 1),
        **found,
        "calm_after_seconds": round(calm, 1),
        "ledgers_that_differ": len(left),
        "stopped_in_seconds": round(stopping, 1),
    }


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--connections", type=int, default=200)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    server = postgres.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = storm(
                server.url,
                Path(folder),
                connections=chosen.connections,
                seconds=chosen.seconds,
                seed=chosen.seed,
            )
    finally:
        server.stop()
    print(json.dumps(found, indent=2))
    return 1 if found["ledgers_that_differ"] or found["rows_twice"] else 0


if __name__ == "__main__":
    sys.exit(main())
