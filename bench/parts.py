"""The parts of the bench by name, and running one in a process of its own."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.goals import Goal

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One module of this package that measures something."""

    module: str
    about: str
    by_name_only: bool = False  # too long for everybody's run

    @property
    def goals(self) -> Sequence[Goal]:
        found: Sequence[Goal] = importlib.import_module(self.module).GOALS
        return found


PARTS = {
    "sync": Part(module="bench.ways", about="a sync end to end against every other way of doing it"),
    "quiet": Part(module="bench.quiet", about="a sync when nothing changed"),
    "imports": Part(module="bench.imports", about="a first import: memory, pace, how long others wait"),
    "reads": Part(module="bench.reads", about="pages of a member with very many transactions"),
    "crowd": Part(module="bench.crowd", about="pages of one member among very many, on PostgreSQL"),
    "pages": Part(module="bench.pages", about="the transactions page over HTTP against a page from memory"),
    "webhooks": Part(module="bench.webhooks", about="webhooks acknowledged by one web process"),
    "logs": Part(module="bench.logs", about="the admin's list of syncs over very many of them"),
    "queue": Part(module="bench.queue", about="nudges through the queue"),
    "simulator": Part(module="bench.simulator", about="how fast the simulated Plaid serves"),
    "lighthouse": Part(
        module="bench.lighthouse", about="Lighthouse's marks of the pages of every day", by_name_only=True
    ),
    "peers": Part(
        module="bench.peers", about="fava and Actual over the same transactions", by_name_only=True
    ),
    "suite": Part(module="bench.suite", about="the wall time of `make test`", by_name_only=True),
    "starts": Part(module="bench.starts", about="cold starts of web and worker"),
}


def run(name: str, *, long: bool) -> dict[str, Any]:
    """The figures of one part, measured in a process of its own so that none disturbs another."""
    command = [sys.executable, "-m", "bench.parts", name, "long" if long else "short"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    name, form = sys.argv[1:]
    print(json.dumps(importlib.import_module(PARTS[name].module).measure(long=form == "long")))


if __name__ == "__main__":
    main()
