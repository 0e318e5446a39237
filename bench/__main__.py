"""`make bench`: runs the named parts (all short ones unless said), writes their results, prints them against goals."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench import report
from bench.parts import PARTS
from bench.parts import ROOT
from bench.parts import run

RESULTS = Path(__file__).resolve().parent / "results"
LATEST = RESULTS / "latest.json"


def machine() -> dict[str, Any]:
    """What the figures were taken on, without its name."""
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "load_before": round(os.getloadavg()[0], 1),
    }


def committed() -> dict[str, Any]:
    """The last results that were committed; nothing where there is no git."""
    path = LATEST.relative_to(ROOT).as_posix()
    try:
        done = subprocess.run(["git", "show", f"HEAD:{path}"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return {}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    about = ", ".join(f"{name} ({part.about})" for name, part in PARTS.items())
    options.add_argument("parts", nargs="*", choices=[[], *PARTS], help=about)
    options.add_argument("--long", action="store_true", help="larger amounts, for committed results")
    chosen = options.parse_args()
    names = chosen.parts or [name for name, part in PARTS.items() if not part.by_name_only]
    before = committed()
    kept = json.loads(LATEST.read_text(encoding="utf-8")) if LATEST.exists() else {"parts": {}}
    taken: dict[str, Any] = {"parts": {}}
    for name in names:
        print(f"{name}: {PARTS[name].about} …", file=sys.stderr)
        on = machine()
        taken["parts"][name] = {
            "at": dt.datetime.now(dt.UTC).date().isoformat(),
            "machine": on,
            "long": chosen.long,
            "figures": run(name, long=chosen.long),
        }
    kept["parts"] |= taken["parts"]
    RESULTS.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    LATEST.with_suffix(".svg").write_text(report.plot(kept), encoding="utf-8")
    print(report.table(taken, before))
    return 0


if __name__ == "__main__":
    sys.exit(main())
