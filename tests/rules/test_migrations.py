"""Migrations: from empty to the models on both databases, down and up again, rows survive, one at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from flask_migrate import downgrade
from flask_migrate import upgrade
from sqlalchemy import inspect
from sqlalchemy import select
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from mingus import create_app
from mingus import schema
from mingus import tables
from mingus.auth.models import Role
from mingus.auth.passwords import Passwords
from mingus.db import db
from mingus.jobs import InlineJobs
from mingus.services import services
from tests.conftest import ENCRYPTION_KEY
from tests.conftest import ROOT
from tests.conftest import SESSION_KEY
from tests.conftest import fresh_database
from tests.conftest import settings_for
from tests.factories import ADA
from tests.factories import BEN
from tests.factories import PASSWORD
from tests.support.everything import fill
from tests.support.everything import owned_tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from mingus.auth.models import UserId

BEFORE_OWNER_KEYS = "0024"


@pytest.fixture
def unmigrated(database: str, tmp_path: Path) -> Iterator[Flask]:
    url = fresh_database(database, tmp_path, "mingus_migrations")
    app = create_app(settings_for(tmp_path, url), jobs=InlineJobs(), passwords=Passwords(memory_kib=64))
    yield app
    with app.app_context():
        db.engine.dispose()


def differences() -> list[object]:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found: list[object] = compare_metadata(context, tables.metadata())
    return [difference for difference in found if "alembic_version" not in repr(difference)]


def two_people() -> list[UserId]:
    """Ada and Ben with a row in every table."""
    people = []
    for email in (ADA, BEN):
        person = services().auth.create(email=email, display_name="x", password=PASSWORD, role=Role.MEMBER)
        services().factors.begin_app(person)  # a sealed text to point at
        fill(person)
        people.append(person)
    return people


# made anew from other rows, by the upgrade or after it
ADDED_UP = {"year_sums", "month_sums", "day_sums", "merchant_sums", "kept_months", "wordings"}


def every_row() -> dict[str, list[str]]:
    """What each table of people holds."""
    with db.engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in (*owned_tables(), tables.metadata().tables["users"])
            if table.name not in ADDED_UP
        }


def test_an_upgrade_from_nothing_equals_the_models(unmigrated: Flask) -> None:
    with unmigrated.app_context():
        assert not schema.is_current()
        upgrade(directory=str(schema.MIGRATIONS))
        assert schema.is_current()
        assert differences() == []


def test_down_to_nothing_and_up_again_works(unmigrated: Flask) -> None:
    with unmigrated.app_context():
        upgrade(directory=str(schema.MIGRATIONS))
        downgrade(directory=str(schema.MIGRATIONS), revision="base")
        left = set(inspect(db.engine).get_table_names()) - {"alembic_version"}
        assert left == set()
        upgrade(directory=str(schema.MIGRATIONS))
        assert differences() == []


def test_each_step_down_and_up_keeps_the_rows_of_people(unmigrated: Flask) -> None:
    with unmigrated.app_context():
        upgrade(directory=str(schema.MIGRATIONS))
        with db.engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO users (id, email, display_name, password_hash, password_changed_at, role, time_zone,"
                    " locale, currency, theme, created_at) VALUES ('usr_1', 'ada@mingus.test', 'Ada', 'x',"
                    " '2026-01-01', 'member', 'UTC', 'en', 'USD', 'system', '2026-01-01')"
                )
            )
            connection.execute(
                text(
                    "INSERT INTO auth_sessions (id, token_hash, user_id, remembered, agent, address, created_at,"
                    " authenticated_at, last_seen_at, expires_at) VALUES ('ses_1', 'h', 'usr_1', :no, '', '',"
                    " '2026-01-01', '2026-01-01', '2026-01-01', '2026-01-01')"
                ),
                {"no": False},
            )
        downgrade(directory=str(schema.MIGRATIONS), revision="0001")
        upgrade(directory=str(schema.MIGRATIONS))
        with db.engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM auth_sessions")) == 1


def test_the_keys_that_hold_rows_to_their_owner_come_and_go_with_every_row_kept(unmigrated: Flask) -> None:
    with unmigrated.app_context():
        upgrade(directory=str(schema.MIGRATIONS))
        two_people()
        before = every_row()
        downgrade(directory=str(schema.MIGRATIONS), revision=BEFORE_OWNER_KEYS)
        upgrade(directory=str(schema.MIGRATIONS))
        assert every_row() == before
        assert len(before["plaid_transactions"]) == len(before["transaction_edit_rows"]) == 2
        assert differences() == []


def test_a_row_that_hangs_on_somebody_elses_stops_the_upgrade(unmigrated: Flask) -> None:
    with unmigrated.app_context():
        upgrade(directory=str(schema.MIGRATIONS))
        people = two_people()
        downgrade(directory=str(schema.MIGRATIONS), revision=BEFORE_OWNER_KEYS)
        stray = "UPDATE plaid_sync_logs SET user_id = :other WHERE user_id = :owner"
        with db.engine.begin() as connection:
            connection.execute(text(stray), {"owner": people[0], "other": people[1]})
        with pytest.raises((IntegrityError, RuntimeError)):
            schema.bring(db.engine)
        assert schema.current_revision() == BEFORE_OWNER_KEYS


def test_two_that_migrate_at_once_end_at_the_same_schema(unmigrated: Flask) -> None:
    with unmigrated.app_context():
        settings = services().settings
    environment = {
        **os.environ,
        "SESSION_SECRET_KEY": SESSION_KEY,
        "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": ENCRYPTION_KEY,
        "MINGUS_DATA_DIR": str(settings.data_dir),
        "DATABASE_URL": settings.database_url,
        "QUEUE_URL": settings.queue_url,
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "migrate"]
    both = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    for process in both:
        words, _ = process.communicate(timeout=60)
        assert process.returncode == 0, words.decode()
    with unmigrated.app_context():
        assert differences() == []
