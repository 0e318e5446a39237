"""`make bench`: runs every measurement, writes bench/results/latest.json and prints a table of ratios."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
MEASUREMENTS = {
    "simulator": [sys.executable, str(Path(__file__).resolve().parent / "simulator.py")],
    "webhooks": [sys.executable, "-m", "bench.webhooks"],
    "imports": [sys.executable, "-m", "bench.imports"],
}


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
        "architecture": platform.machine(),
    }


def measure(name: str) -> dict[str, Any]:
    """One measurement, in a process of its own so that none disturbs another."""
    done = subprocess.run(MEASUREMENTS[name], cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    figures = {name: measure(name) for name in MEASUREMENTS}
    RESULTS.mkdir(exist_ok=True)
    target = RESULTS / "latest.json"
    target.write_text(
        json.dumps({"machine": machine(), "figures": figures}, indent=2) + "\n", encoding="utf-8"
    )
    for name, found in figures.items():
        for key, value in found.items():
            print(f"{name:<12} {key:<36} {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
