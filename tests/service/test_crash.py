"""Real workers, really killed: a short run of `make crash` on each database."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT
from tests.conftest import fresh_database

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 3  # anywhere; those at every step come on top, and `make crash` makes as many as wanted
STEPS = 40
LONGEST_SECONDS = 500  # each kill costs two processes


@pytest.mark.timeout(LONGEST_SECONDS + 20)
def test_workers_killed_with_signal_nine_or_frozen_past_their_lease_lose_nothing(
    database: str, tmp_path: Path
) -> None:
    url = fresh_database(database, tmp_path, "mingus_crash")
    command = [
        sys.executable,
        "-m",
        "tests.crash",
        "--runs",
        str(KILLS),
        "--seed",
        "11",
        "--database",
        url,
        "--walk",
        "--freeze",
    ]
    done = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=LONGEST_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *_, walked, frozen, frozen_too, closing = done.stdout.splitlines()
    assert walked.endswith("nothing lost")
    assert frozen.endswith("nothing written")
    assert frozen_too.endswith("nothing written")
    assert int(closing.split()[0]) >= KILLS + STEPS
    assert set(re.findall(r"(\d+) (?:lost|doubled|stale|revived|edits lost|never finished)", closing)) == {
        "0"
    }
