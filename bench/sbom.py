"""A software bill of materials (CycloneDX 1.6) from the locked requirements: `make sbom`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^ ;\\]+)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(text: str) -> list[dict[str, object]]:
    """One for each pinned package, with the hashes of the files that may be installed."""
    found: list[dict[str, object]] = []
    for entry in re.split(r"\n(?=\S)", text.strip()):
        pin = PIN.match(entry)
        if pin is None:
            continue
        name, version = pin.groups()
        found.append(
            {
                "type": "library",
                "bom-ref": f"{name}@{version}",
                "name": name,
                "version": version,
                "purl": f"pkg:pypi/{name.lower().replace('_', '-')}@{version}",
                "hashes": [{"alg": "SHA-256", "content": digest} for digest in HASH.findall(entry)],
            }
        )
    return found


def main() -> None:
    version = re.search(
        r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {"type": "application", "name": "mingus", "version": version[1] if version else "0"}
        },
        "components": components((ROOT / "requirements.txt").read_text(encoding="utf-8")),
    }
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "sbom.json"
    target.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
    print(f"{target.name}: {len(bill['components'])} packages")


if __name__ == "__main__":
    main()
