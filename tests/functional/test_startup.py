"""Starting: wrong settings and wrong keys end the process with one clear line each."""

from __future__ import annotations

import base64
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from tests.conftest import ENCRYPTION_KEY
from tests.conftest import ROOT
from tests.conftest import SESSION_KEY
from tests.support.made import share

if TYPE_CHECKING:
    from pathlib import Path

OTHER_KEY = base64.urlsafe_b64encode(bytes(range(32, 64))).decode()
SEALED = """
from mingus.db import unit_of_work
from mingus.sealed import SecretKind
from mingus.services import services
from wsgi import app
with app.app_context(), unit_of_work() as unit:
    services().vault.seal(unit, SecretKind.ACCESS_TOKEN, "con_1", "access-sandbox-1")
"""


def run(folder: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "SESSION_SECRET_KEY": SESSION_KEY,
        "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "MINGUS_DATA_DIR": str(share(folder)),
        **changes,
    }
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=60
    )


def test_every_wrong_setting_is_told_and_nothing_starts(tmp_path: Path) -> None:
    for entry in (("-m", "flask", "--app", "wsgi", "routes"), ("-m", "mingus.worker")):
        result = run(tmp_path, *entry, PLAID_ENV="prod", SESSION_SECRET_KEY="short")
        assert result.returncode == 2
        assert "PLAID_ENV: unknown value" in result.stderr
        assert "SESSION_SECRET_KEY: is too short" in result.stderr
        assert "Traceback" not in result.stderr


def test_a_wrong_encryption_key_is_noticed_before_anything_is_touched(tmp_path: Path) -> None:
    assert run(tmp_path, "-m", "flask", "--app", "wsgi", "migrate").returncode == 0
    assert run(tmp_path, "-c", SEALED).returncode == 0
    wrong = run(tmp_path, "-m", "mingus.worker", PLAID_ACCESS_TOKEN_ENCRYPTION_KEY=OTHER_KEY)
    assert wrong.returncode == 2
    assert "1 secrets need key" in wrong.stderr
    both = f"{OTHER_KEY},{ENCRYPTION_KEY}"
    rotated = run(
        tmp_path, "-m", "flask", "--app", "wsgi", "vault", "rotate", PLAID_ACCESS_TOKEN_ENCRYPTION_KEY=both
    )
    assert "1 sealed anew" in rotated.stdout
    verified = run(
        tmp_path,
        "-m",
        "flask",
        "--app",
        "wsgi",
        "vault",
        "verify",
        PLAID_ACCESS_TOKEN_ENCRYPTION_KEY=OTHER_KEY,
    )
    assert (verified.returncode, "1 of 1 secrets open" in verified.stdout) == (0, True)


def test_a_database_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    assert run(tmp_path, "-m", "flask", "--app", "wsgi", "migrate").returncode == 0
    with closing(sqlite3.connect(tmp_path / "mingus.sqlite3")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    refused = run(tmp_path, "-m", "mingus.worker")
    assert refused.returncode == 2
    assert "the database is at migration 9999" in refused.stderr
    assert "Traceback" not in refused.stderr
