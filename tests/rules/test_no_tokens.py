"""A whole run, from sign-in to disconnect: no token-like text in log, pages, mails, database or backup."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from mingus.backups.envelope import SealedReader
from mingus.db import db
from mingus.logs import JsonLines
from mingus.plaid.models import PlaidConnection
from mingus.sealed import SecretKind
from mingus.services import services
from tests import factories
from tests.support.bank import public_token

if TYPE_CHECKING:
    import pytest
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running

ACCESS_TOKEN = re.compile(r"access-(?:sandbox|production|development)-[\w-]+")
ANY_TOKEN = re.compile(r"(?:access|public|link)-(?:sandbox|production|development)-[\w-]+")


def dump_of(app: Flask) -> bytes:
    """What somebody with the files of an installation has: SQLite's as they lie there, or PostgreSQL's dump."""
    with app.app_context():
        settings = services().settings
    files = [path for path in settings.data_dir.rglob("*") if path.is_file() and path.suffix != ".mo"]
    found = b"".join(path.read_bytes() for path in files)
    if settings.database_url.startswith("sqlite"):
        return found
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
    program = shutil.which("pg_dump") or str(programs[-1])
    url = settings.database_url.replace("+psycopg", "")
    return found + subprocess.run([program, url], check=True, capture_output=True).stdout


def test_a_whole_run_shows_no_token(
    app: Flask, plaid: Running, jobs: InlineJobs, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = factories.sign_in(app, factories.make_person(app))
    started = browser.send_json("/api/plaid/link-token", {}).get_json()
    body = {"public_token": public_token(plaid), "link_id": started["link_id"], "metadata": {}}
    linked = browser.send_json("/api/plaid/connect", body)
    jobs.run_all()
    shown = [linked.get_data(as_text=True)]
    for page in ("/", "/accounts", "/connect", "/settings", "/api/plaid/connections", "/api/plaid/sync-logs"):
        answer = browser.get(page)
        assert answer.status_code == 200, page
        shown.append(answer.get_data(as_text=True))
    with app.app_context():
        linked_row = db.session.query(PlaidConnection).one()
        assert linked_row.secret_id is not None
        access = services().vault.open(linked_row.secret_id, SecretKind.ACCESS_TOKEN, linked_row.id)
        db.session.rollback()
    assert ACCESS_TOKEN.fullmatch(access)
    used = [token.encode() for token in (access, body["public_token"], started["link_token"])]
    dumped = dump_of(app)
    assert b"plaid_connections" in dumped
    assert not [token for token in used if token in dumped], (
        "in the database's own files, its queue's among them"
    )
    browser.send_json(f"/api/plaid/connections/{linked.get_json()['connection_id']}", None, method="DELETE")
    written = [
        JsonLines().format(record) for record in caplog.records if not record.name.startswith("plaid.rest")
    ]
    assert len(written) > 10
    assert all(json.loads(line) for line in written)
    assert not ANY_TOKEN.findall("\n".join(written))
    assert not ACCESS_TOKEN.findall("\n".join(shown))
    with app.app_context(), db.engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            assert not ANY_TOKEN.findall(repr(connection.execute(table.select()).all())), table.name
    jobs.run_all()
    assert not ANY_TOKEN.findall("\n".join(str(letter) for letter in factories.letters(app)))
    with app.app_context():
        made = services().backups.make(tmp_path / "whole")
    assert not re.search(rb"(?:access|public|link)-sandbox", made.path.read_bytes())
    with app.app_context(), made.path.open("rb") as file:
        opened = b"\n".join(SealedReader(file).lines(services().settings.encryption_keys)).decode()
    assert '"plaid_connections"' in opened
    assert not ANY_TOKEN.findall(opened)
