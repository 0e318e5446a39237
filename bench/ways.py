"""A sync end to end, from HTTP to committed rows: MINGUS's own against the ways that people write.

Every way asks the same stub for the same pages and writes to the same tables with the same indexes. The limit is what
is left when all else is taken away: urllib3, typed decoding, the driver's bulk statement.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import bench.baselines as ways
from bench import ground
from bench.goals import Goal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.ground import Databases

SHARE = 0.75
TIMES = 60
ROWS = {False: 20_000, True: 100_000}
SLOW_ROWS = 1_000  # of the documented way: a second and a half of decoding a page
READINGS = {False: 3, True: 5}
GOALS = tuple(
    goal
    for kind in ("sqlite", "postgresql")
    for goal in (
        Goal(f"{kind}_share_of_limit", at_least=SHARE),
        Goal(f"{kind}_times_documented", at_least=TIMES),
    )
)


def measure(*, long: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    importlib.import_module("plaid.api.plaid_api")
    with tempfile.TemporaryDirectory() as name, ground.databases(Path(name)) as found, ground.stub() as host:
        figures["decoding_alone_per_second"] = ways.decoding(host, 5_000)
        for kind in found.kinds:
            figures |= {
                f"{kind}_{key}": value
                for key, value in _one(kind, found, host, Path(name), long=long).items()
            }
    return figures


def _one(kind: str, found: Databases, host: str, folder: Path, *, long: bool) -> dict[str, Any]:
    """The figures of one kind of database. Best of several readings, taken in turns: others only slow them down."""
    app = ground.open_app(host, found.fresh(kind), folder)
    rows, paces = ROWS[long], dict[str, list[float]]()
    with app.app_context():
        target = ways.Target.of(ground.make_person(), host)
        own = Own(host, rows)
        for reading in range(READINGS[long]):
            for way, run in ways.WAYS.items():
                size = SLOW_ROWS if way == "documented" else rows
                if way in {"documented", "raw_body_orm"} and reading:
                    continue
                ground.next_update(host, size, salt=f"{way}{reading}")
                paces.setdefault(f"{way}_per_second", []).append(_pace(size, partial(run, target)))
            for name, pace in own.read(reading).items():
                paces.setdefault(name, []).append(pace)
    figures: dict[str, Any] = {name: round(max(values)) for name, values in paces.items()}
    figures["share_of_limit"] = round(max(paces["mingus_per_second"]) / max(paces["limit_per_second"]), 3)
    figures["times_documented"] = round(
        max(paces["mingus_per_second"]) / max(paces["documented_per_second"]), 1
    )
    return figures


class Own:
    """MINGUS's own sync of one connection."""

    def __init__(self, host: str, rows: int) -> None:
        self._host, self._rows = host, rows
        self._person = ground.make_person("own@mingus.test")

    def read(self, reading: int) -> dict[str, float]:
        """Transactions a second when all are new, all known, and one in a hundred changed."""
        host, rows = self._host, self._rows
        connection = ground.connect(self._person)
        ground.next_update(host, 500, salt=f"warm{reading}")
        ground.sync(connection)
        self._rest()
        ground.next_update(host, rows, salt=f"own{reading}")
        found = {"mingus_per_second": _pace(rows, lambda: _synced(connection))}
        self._rest()
        ground.next_update(host, rows)
        found["mingus_all_known_per_second"] = _pace(rows, lambda: _synced(connection))
        self._rest()
        ground.next_update(host, rows, changed=rows // 100)
        found["mingus_hundredth_changed_per_second"] = _pace(rows, lambda: _synced(connection))
        self._rest()
        return found

    def _rest(self) -> None:
        ground.wait(3600.0)  # the outgoing limits have filled again


def _synced(connection: Any) -> None:
    status = ground.sync(connection)
    if status != "success":
        raise SystemExit(status)


def _pace(rows: int, run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return rows / (time.perf_counter() - started)
