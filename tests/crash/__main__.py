"""`make crash RUNS=… SEED=…`: kills workers, holds the ledger against the bank's truth, ends in a line of counts."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.crash.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
SIMULATOR = ["-m", "mingus.simulator", "--port", "0", "--initial-seconds", "0", "--historical-seconds", "0"]
FRESH_EVERY = 12  # after so many kills a new connection: first imports are killed too
TELL_EVERY = 25
# between the calls and the one transaction: what a lease must keep from writing when it wakes
FREEZES = ("after PlaidGateway.sync_page", "before SyncEngine._apply")


def main() -> int:
    asked = arguments()
    dice = Random(asked.seed)
    with simulator(asked.seed) as host, tempfile.TemporaryDirectory() as folder:
        lab = Lab(host, Path(folder), asked.database, dice)
        for run in range(1, asked.runs + 1):
            if run % FRESH_EVERY == 0:
                lab.connect()
            found = lab.run()
            if found:
                tell(f"run {run} of seed {asked.seed}: {found}")
            if run % TELL_EVERY == 0:
                tell(f"{run} of {asked.runs} ...")
        if asked.walk:
            tell(f"killed at every step of an update in turn: {lab.walk() or 'nothing lost'}")
        for step in FREEZES if asked.freeze else ():
            spoiled = lab.freeze(step)
            tell(f"frozen {step}, woken after another had done its work: {spoiled or 'nothing written'}")
            lab.tally.lose(spoiled)
        if asked.steps:
            for name, count in sorted(lab.tally.named.items()):
                tell(f"{count:5} {name}")
        tell(lab.tally.line())
    return 1 if lab.tally.losses else 0


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--database", default="", help="a database URL; a fresh SQLite file unless said")
    parser.add_argument("--steps", action="store_true", help="list the named steps and their kills")
    parser.add_argument("--walk", action="store_true", help="also kill at every step of an update in turn")
    parser.add_argument("--freeze", action="store_true", help="also stop workers and wake them too late")
    return parser.parse_args()


@contextlib.contextmanager
def simulator(seed: int) -> Iterator[str]:
    """A simulator in a process of its own; its address."""
    command = [sys.executable, *SIMULATOR, "--seed", str(seed)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        yield f"http://127.0.0.1:{int(line.rsplit(':', 1)[1])}"
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
