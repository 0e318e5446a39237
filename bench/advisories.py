"""The known weaknesses of the packages we pin, out of PyPA's advisory database: `make advisories`.

Only ids and versions are kept, so that the suite can hold our pins against them without a network.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "bench" / "advisories.json"
SOURCE = "https://github.com/pypa/advisory-database"
LOCKS = ("requirements.txt", "requirements-server.txt", "requirements-dev.txt")
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^ ;\\]+)", re.MULTILINE)


def pins() -> set[tuple[str, str]]:
    """Every package that may be installed, by its normal name, with its version."""
    texts = ((ROOT / name).read_text(encoding="utf-8") for name in LOCKS)
    found = (match for text in texts for match in PIN.findall(text))
    return {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in found}


def spans(events: list[dict[str, str]]) -> list[list[str | None]]:
    """From which version on, up to which: a pair for each time that the weakness came and went."""
    found: list[list[str | None]] = []
    for event in events:
        if "introduced" in event:
            found.append([event["introduced"], None])
        elif "fixed" in event and found:
            found[-1][1] = event["fixed"]
    return found


def known(folder: Path) -> dict[str, Any]:
    """What the checkout says about our packages; what was withdrawn is left out."""
    found: dict[str, Any] = {}
    for name in sorted({name for name, _ in pins()}):
        for path in sorted((folder / "vulns" / name).glob("*.yaml")):
            said = yaml.safe_load(path.read_text(encoding="utf-8"))
            if said.get("withdrawn"):
                continue
            ranges = [
                span
                for affected in said.get("affected", ())
                for one in affected.get("ranges", ())
                if one["type"] == "ECOSYSTEM"
                for span in spans(one["events"])
            ]
            if ranges:
                found.setdefault(name, {})[said["id"]] = ranges
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as clone:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(clone)
        if len(sys.argv) == 1:
            subprocess.run(["git", "clone", "--quiet", "--depth", "1", SOURCE, clone], check=True)
        asked = ["git", "-C", str(folder), "log", "-1", "--format=%cs"]
        as_of = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
        packages = known(folder)
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(found)}" for name, found in packages.items())
    head = f'{{"as_of": "{as_of}", "source": "{SOURCE}", "packages": {{'
    KEPT.write_text(f"{head}\n{lines}\n}}}}\n", encoding="utf-8")
    count = sum(len(one) for one in packages.values())
    print(f"{KEPT.name}: {count} weaknesses of {len(packages)} packages, as of {as_of}")


if __name__ == "__main__":
    main()
