"""The wall time of everything that `make test` does."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

from bench.goals import Goal
from bench.parts import ROOT

GOALS = (Goal("minutes", at_most=6),)


def measure(*, long: bool) -> dict[str, Any]:  # noqa: ARG001 (there is one suite)
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "tests.run"], cwd=ROOT, check=False, stdout=sys.stderr)
    return {"minutes": round((time.perf_counter() - began) / 60, 1), "exit": done.returncode}
