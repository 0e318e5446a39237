"""The queue carries plain nudges, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from mingus import create_app
from mingus import schema
from mingus.auth.passwords import Passwords
from mingus.db import db
from mingus.jobs import HueyJobs
from mingus.jobs import JobKind
from mingus.services import services
from mingus.worker import in_app
from mingus.worker import start
from tests import factories
from tests.conftest import fresh_database
from tests.conftest import settings_for
from tests.factories import ADA

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

DEADLINE_SECONDS = 20.0


@pytest.fixture
def queue(database: str, tmp_path: Path) -> HueyJobs:
    url = fresh_database(database, tmp_path, "mingus_queue")
    jobs = HueyJobs(url.replace("postgresql://", "postgresql+psycopg://"))
    jobs.prepare()
    jobs.prepare()
    return jobs


def test_a_nudge_waits_as_plain_json(queue: HueyJobs) -> None:
    queue.enqueue(JobKind.MAIL, mail_id="mail_1")
    assert queue.waiting() == 1
    [message] = queue.huey.storage.enqueued_items()
    assert b'"mail_1"' in bytes(message)
    assert not bytes(message).startswith(b"\x80"), "that would be a pickle"


def test_a_nudge_that_can_not_be_sent_is_no_failure(tmp_path: Path) -> None:
    jobs = HueyJobs(f"sqlite:///{tmp_path / 'unprepared.sqlite3'}")
    jobs.enqueue(JobKind.MAIL, mail_id="mail_1")


def test_a_worker_runs_what_rows_ask_for(queue: HueyJobs, database: str, tmp_path: Path) -> None:
    url = fresh_database(database, tmp_path, "mingus_worked")
    app = create_app(settings_for(tmp_path, url), jobs=queue, passwords=Passwords(memory_kib=64))
    with app.app_context():
        schema.upgrade(services())
        factories.make_person(app)
        services().auth.request_reset(email=ADA, network="192.0.2.0")
    consumer = start(app)
    consumer.start()
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not factories.letters(app) and time.monotonic() < deadline:
            threading.Event().wait(0.05)
    finally:
        consumer.stop(graceful=True)
        with app.app_context():
            db.engine.dispose()
    assert [letter["To"] for letter in factories.letters(app)] == [ADA]


def test_a_job_that_fails_is_logged_and_the_worker_goes_on(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**ids: str) -> None:
        raise ZeroDivisionError(ids)

    in_app(app, fail, "mail")(mail_id="mail_1")
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == ["job failed"]
