"""A first import: how much memory it takes, its pace, and how long other writers wait for it.

The outgoing limits hold a real import back to Plaid's pace; here the clock is moved instead of waiting.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine
from sqlalchemy import event
from sqlalchemy import text

from bench import ground
from bench.goals import Goal
from bench.parts import ROOT

SIZES = {False: (100_000,), True: (100_000, 1_000_000)}
WARM_UP = 2_000
WRITE_EVERY_SECONDS = 0.02
GOALS = tuple(
    goal
    for kind in ("sqlite", "postgresql")
    for size, bound in ((100_000, 60), (1_000_000, 120))
    for goal in (
        Goal(f"{kind}_{size}_peak_above_idle_mb", at_most=bound),
        Goal(f"{kind}_{size}_longest_wait_of_others_seconds", at_most=5),
    )
)


def measure(*, long: bool) -> dict[str, Any]:
    """Each size in a process of its own, on a database of its own."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, ground.databases(Path(name)) as found, ground.stub() as host:
        for kind in found.kinds:
            for size in SIZES[long]:
                command = [sys.executable, "-m", "bench.imports", str(size), host, found.fresh(kind), name]
                done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
                for key, value in json.loads(done.stdout.splitlines()[-1]).items():
                    figures[f"{kind}_{size}_{key}"] = value
    return figures


def imported(size: int, host: str, database_url: str, folder: Path) -> dict[str, Any]:
    """The figures of one import of so many transactions."""
    from mingus.db import db

    app = ground.open_app(host, database_url, folder)
    with app.app_context():
        person = ground.make_person()
        warm = ground.connect(person)  # what is loaded once is no part of an import
        ground.next_update(host, WARM_UP, salt="warm")
        ground.sync(warm)
        ground.wait(3600.0)
        connection = ground.connect(person)
        ground.next_update(host, size, salt="first")
        other = OtherWriter(str(db.engine.url.render_as_string(hide_password=False)))
        other.start()
        ground.forget_peak()
        idle = ground.memory_mb("VmRSS")
        began, spent = time.monotonic(), ground.own_seconds()
        status = ground.sync(connection)
        seconds, spent = time.monotonic() - began, ground.own_seconds() - spent
        other.stop()
        if status != "success":
            raise SystemExit(status)
    return {
        "seconds": round(seconds, 1),
        "own_cpu_seconds": round(spent, 1),
        "rows_per_second": round(size / seconds),
        "idle_mb": round(idle),
        "peak_above_idle_mb": round(ground.memory_mb("VmHWM") - idle, 1),
        "writes_of_others": other.writes,
        "longest_wait_of_others_seconds": round(other.longest, 2),
    }


class OtherWriter:
    """Somebody else who writes all the time: in a process of its own, so that only the database is shared."""

    def __init__(self, database_url: str) -> None:
        self._command = [sys.executable, "-m", "bench.imports", "write", database_url]
        self.writes, self.longest = 0, 0.0

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        if self._process.stdout is not None:
            self._process.stdout.readline()  # it has begun

    def stop(self) -> None:
        said, _ = self._process.communicate()
        self.writes, self.longest = json.loads(said)


def keep_writing(database_url: str) -> None:
    """Write a row again and again until the standard input ends; how often, and the longest that one took."""
    engine = create_engine(database_url, connect_args={"timeout": 600} if "sqlite" in database_url else {})
    if "sqlite" in database_url:
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=FULL"))
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    write = text(
        "INSERT INTO chores (name, due_at) VALUES ('bench', '2020-01-01 00:00:00')"
        " ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at"
    )
    writes, longest = 0, 0.0
    print("writing", flush=True)
    while not ended.is_set():
        began = time.monotonic()
        with engine.begin() as connection:
            connection.execute(write)
        writes, longest = writes + 1, max(longest, time.monotonic() - began)
        time.sleep(WRITE_EVERY_SECONDS)
    print(json.dumps([writes, longest]))


def main() -> None:
    if sys.argv[1] == "write":
        keep_writing(sys.argv[2])
        return
    size, host, database_url, folder = sys.argv[1:]
    print(json.dumps(imported(int(size), host, database_url, Path(folder))))


if __name__ == "__main__":
    main()
