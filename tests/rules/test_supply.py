"""What is installed is pinned and known, and no secret was ever written into the repository."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from bench import advisories

ROOT = Path(__file__).resolve().parents[2]
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^ ;\\]+)")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}"),
    "a token of AWS": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
    "an access token of Plaid, the one of its documents apart": re.compile(
        r"\baccess-(?:production|development)-(?!4034605a-)[0-9a-f]{8}-[0-9a-f]{4}-"
    ),
    "a personal token of ours": re.compile(r"\bmgs_[A-Za-z0-9_-]{43}\b"),
    "a value of a secret setting": re.compile(
        r"^\+?(?:PLAID_SECRET|SESSION_SECRET_KEY|PLAID_ACCESS_TOKEN_ENCRYPTION_KEY)=[^\s#$<]{12,}",
        re.MULTILINE,
    ),
}


def lines(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_with_its_hashes(name: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text(encoding="utf-8").strip())
    assert len(entries) > 30
    for entry in entries:
        assert PIN.match(entry), f"{entry.splitlines()[0]} is not pinned"
        assert HASH.search(entry), f"{entry.splitlines()[0]} has no hash"


def test_what_runs_is_part_of_what_is_tested() -> None:
    pins = {
        name: dict(
            PIN.findall(line)[0]
            for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
            if PIN.match(line)
        )
        for name in ("requirements.txt", "requirements-dev.txt")
    }
    assert pins["requirements.txt"].items() <= pins["requirements-dev.txt"].items()


def test_the_bill_of_materials_names_every_package(tmp_path: Path) -> None:
    made = tmp_path / "sbom.json"
    subprocess.run([sys.executable, "-m", "bench.sbom", str(made)], cwd=ROOT, check=True)
    bill = json.loads(made.read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    named = {(one["name"], one["version"]) for one in bill["components"]}
    assert named == {match.groups() for match in map(PIN.match, lines("requirements.txt")) if match}
    assert all(one["hashes"] and one["purl"].startswith("pkg:pypi/") for one in bill["components"])


def weak(version: str, spans: list[list[str | None]]) -> bool:
    at = Version(version)
    return any(
        start is not None and Version(start) <= at and (end is None or at < Version(end))
        for start, end in spans
    )


def test_no_pinned_version_has_a_weakness_that_is_known_here() -> None:
    """Without a network, by the list that `make advisories` brings up to date; the list says of when it is."""
    known = json.loads(advisories.KEPT.read_text(encoding="utf-8"))
    dt.date.fromisoformat(known["as_of"])
    assert len(known["packages"]) > 15
    found = [
        f"{name} {version}: {one}"
        for name, version in sorted(advisories.pins())
        for one, spans in known["packages"].get(name, {}).items()
        if weak(version, spans)
    ]
    assert found == []


def test_a_weak_version_would_be_found() -> None:
    known = json.loads(advisories.KEPT.read_text(encoding="utf-8"))["packages"]
    spans = known["flask"]["PYSEC-2023-62"]
    versions = ("0.5", "2.2.4", "2.2.5", "2.3.1", "2.3.2", "3.1.3")
    assert [weak(version, spans) for version in versions] == [True, True, False, True, False, False]


def test_no_secret_is_in_the_files_or_in_what_they_were() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no repository here")
    log = ["git", "log", "--no-color", "--unified=0", "-p", "--all", "--", ".", ":!requirements*.txt"]
    history = subprocess.run(log, cwd=ROOT, check=True, capture_output=True).stdout.decode(errors="replace")
    added = "\n".join(line for line in history.splitlines() if line.startswith("+"))
    assert len(added) > 10_000
    found = {name: pattern.search(added) for name, pattern in SECRETS.items()}
    assert not {name: match[0][:12] for name, match in found.items() if match}
