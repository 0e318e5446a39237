"""Clocks that jump, writers that meet in a deadlock, a worker that is told to stop, a migration that is killed."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

import psycopg.errors
import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from mingus import create_app
from mingus import schema
from mingus.auth.passwords import Passwords
from mingus.db import db
from mingus.jobs import InlineJobs
from mingus.plaid.ledger import Trigger
from mingus.services import services
from mingus.worker import sweep_once
from tests.conftest import DATABASES
from tests.conftest import ENCRYPTION_KEY
from tests.conftest import ROOT
from tests.conftest import SESSION_KEY
from tests.conftest import fresh_database
from tests.conftest import settings_for
from tests.support.made import share

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from tests.faults.conftest import Opener
    from tests.faults.conftest import Site
    from tests.support.ambient import FrozenAmbient
    from tests.support.synced import SyncedBank

JUMPS = {"an hour back": -1.0, "a day ahead": 24.0, "over the change to summer time": 24.0 * 327}
MOST_SECONDS = 60
KILLED_AFTER = (3, 40, 90, 160)  # statements


def bank_of(site: Site) -> SyncedBank:
    assert site.bank is not None
    return site.bank


def clock_of(site: Site) -> FrozenAmbient:
    return cast("FrozenAmbient", site.wired.ambient)


def round_of_work(site: Site) -> None:
    with site.app.app_context():
        sweep_once(site.wired)
        bank_of(site).jobs.run_all()
        db.session.remove()


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_that_jumps_holds_up_no_sync_and_signs_nobody_out_early(
    opened: Opener, tmp_path: Path, jump: str
) -> None:
    site = opened(fresh_database("sqlite", tmp_path, "mingus_clock"))
    bank, ambient = bank_of(site), clock_of(site)
    ambient.advance(hours=JUMPS[jump])
    with site.app.app_context():
        bank.do("spend", amount=12)
        assert bank.sync().status == "success"
        bank.assert_true()
        db.session.remove()
    signed_in = site.browser.get("/accounts").status_code == 200
    assert signed_in == (JUMPS[jump] < 0), "the limits of a session hold by the clock, and not before"


def test_the_lease_of_a_dead_worker_ends_after_the_clock_was_set_back(opened: Opener, tmp_path: Path) -> None:
    site = opened(fresh_database("sqlite", tmp_path, "mingus_clock"))
    bank, ambient = bank_of(site), clock_of(site)
    with site.app.app_context():
        bank.do("spend", amount=12)
        bank.wired.sync.request(bank.connection_id, Trigger.PERSON)
        assert site.wired.leases.take(bank.connection_id) is not None  # and dies
        db.session.remove()
    ambient.advance(hours=-1)
    for _ in range(7):
        ambient.advance(minutes=10)
        round_of_work(site)
    with site.app.app_context():
        bank.assert_true()


def test_a_day_stays_the_day_that_the_bank_said(opened: Opener, tmp_path: Path) -> None:
    site = opened(fresh_database("sqlite", tmp_path, "mingus_days"))
    leap = dt.date(2028, 2, 29)
    with site.app.app_context():
        clock_of(site).at = dt.datetime(2028, 3, 1, 0, 30, tzinfo=dt.UTC)
        assert site.wired.ambient.today("America/New_York") == leap
        assert site.wired.ambient.today("UTC") == leap + dt.timedelta(days=1)


@pytest.mark.parametrize("kind", DATABASES)
def test_a_sync_that_meets_a_deadlock_is_made_again(
    opened: Opener, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = opened(fresh_database(kind, tmp_path, "mingus_deadlock"))
    bank = bank_of(site)
    settle = bank.wired.sync._settle

    def deadlock(*args: Any, **options: Any) -> None:
        monkeypatch.setattr(bank.wired.sync, "_settle", settle)
        statement = "UPDATE"
        raise OperationalError(statement, {}, psycopg.errors.DeadlockDetected("deadlock detected"))

    with site.app.app_context():
        bank.do("spend", amount=12)
        bank.wired.sync.request(bank.connection_id, Trigger.PERSON)
        monkeypatch.setattr(bank.wired.sync, "_settle", deadlock)
        with pytest.raises(OperationalError):
            bank.jobs.run_all()
        db.session.remove()
    clock_of(site).advance(minutes=5)
    round_of_work(site)
    with site.app.app_context():
        bank.assert_true()


def test_a_worker_that_is_told_to_stop_ends_by_itself(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "SESSION_SECRET_KEY": SESSION_KEY,
        "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "MINGUS_DATA_DIR": str(share(tmp_path)),
        "DATABASE_URL": fresh_database("sqlite", tmp_path, "mingus_stop"),
        "QUEUE_URL": f"sqlite:///{tmp_path / 'queue.sqlite3'}",
    }
    flask = [sys.executable, "-m", "flask", "--app", "wsgi", "migrate"]
    subprocess.run(flask, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=MOST_SECONDS)
    command = [sys.executable, "-m", "mingus.worker"]
    worker = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        for line in worker.stderr or ():
            if "worker started" in line:
                break
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=MOST_SECONDS)
    finally:
        worker.kill()
    assert worker.returncode == 0


@pytest.mark.parametrize("kind", DATABASES)
def test_a_migration_that_is_killed_leaves_what_was_and_is_made_again(tmp_path: Path, kind: str) -> None:
    url = fresh_database(kind, tmp_path, "mingus_killed")
    app = create_app(settings_for(tmp_path, url), jobs=InlineJobs(), passwords=Passwords(memory_kib=64))
    for statements in KILLED_AFTER:
        assert migrate_and_die(app, statements) == signal.SIGKILL
        with app.app_context():
            assert schema.current_revision() is None
            db.engine.dispose()
    with app.app_context():
        schema.upgrade(services())
        assert schema.is_current()
        db.engine.dispose()


def migrate_and_die(app: Flask, statements: int) -> int:
    """Migrate in a process of its own that is killed on its way; the signal that ended it."""
    process = os.fork()
    if process:
        _, status = os.waitpid(process, 0)
        return os.WTERMSIG(status)
    try:
        with app.app_context():
            left = iter(range(statements))
            event.listen(db.engine, "before_cursor_execute", lambda *_: die_when_used_up(left))
            schema.upgrade(services())
    finally:
        os._exit(1)


def die_when_used_up(left: Any) -> None:
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
