"""A sync when nothing changed: calls to Plaid, statements, and the processor time that is ours.

Statements are what reads or writes rows; BEGIN and COMMIT are counted by the units they make.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import urllib3
from sqlalchemy import event

from bench import ground
from bench.goals import Goal
from mingus.db import db
from mingus.plaid.ledger import Trigger
from mingus.services import services

if TYPE_CHECKING:
    from bench.ground import Databases

TIMES = {False: 200, True: 1000}
STORED = 2_000
GOALS = tuple(
    goal
    for kind in ("sqlite", "postgresql")
    for goal in (
        Goal(f"{kind}_calls_to_plaid", at_most=1),
        Goal(f"{kind}_statements", at_most=6),
        Goal(f"{kind}_own_ms", at_most=5),
    )
)


def measure(*, long: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, ground.databases(Path(name)) as found, ground.stub() as host:
        for kind in found.kinds:
            for key, value in _one(kind, found, host, Path(name), TIMES[long]).items():
                figures[f"{kind}_{key}"] = value
    return figures


def _one(kind: str, found: Databases, host: str, folder: Path, times: int) -> dict[str, Any]:
    app = ground.open_app(host, found.fresh(kind), folder)
    sent: list[str] = []
    with app.app_context():
        connection = ground.connect(ground.make_person())
        ground.next_update(host, STORED, salt="quiet")
        ground.sync(connection)
        ground.next_update(host, 0)
        ground.sync(connection)
        own, wall = [], []
        event.listen(db.engine, "before_cursor_execute", lambda *given: sent.append(given[2]))
        calls = urllib3.request("POST", f"{host}/stub/calls", json={}).json()["calls"]
        for _ in range(times):
            ground.wait(2.0)
            services().sync.request(connection, Trigger.OPERATOR)
            sent.clear()
            own_before, began = time.process_time(), time.perf_counter()
            services().sync.run(connection)
            own.append((time.process_time() - own_before) * 1000)
            wall.append((time.perf_counter() - began) * 1000)
        calls = urllib3.request("POST", f"{host}/stub/calls", json={}).json()["calls"] - calls
    return {
        "calls_to_plaid": calls / times,
        "statements": sum(not statement.startswith("BEGIN") for statement in sent),
        "own_ms": round(ground.median(own), 2),
        "wall_ms_with_plaids_answer": round(ground.median(wall), 2),
    }
