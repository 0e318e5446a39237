"""Backups: sealed, whole, and good for either engine, also when taken in the middle of a sync."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from sqlalchemy import func
from sqlalchemy import select

from mingus import schema
from mingus.backups import rows
from mingus.backups.envelope import BackupKeyMissing
from mingus.backups.envelope import BackupUnreadable
from mingus.backups.envelope import SealedReader
from mingus.backups.models import Backup
from mingus.backups.models import BackupState
from mingus.backups.restoring import FromTheFuture
from mingus.backups.restoring import TokenKeysMissing
from mingus.backups.restoring import drill
from mingus.backups.restoring import restore
from mingus.backups.rows import NotEmpty
from mingus.db import db
from mingus.db import engine_options
from mingus.db import prepare
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import PlaidConnection
from mingus.sealed import VaultSecret
from mingus.vault import key_id
from mingus.worker import sweep_once
from tests import factories
from tests.conftest import DATABASES
from tests.conftest import empty
from tests.conftest import fresh_database
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient


@pytest.fixture
def bank(app: Flask, plaid: Running, jobs: InlineJobs, wired: Services) -> SyncedBank:
    return SyncedBank(wired, plaid, jobs, factories.make_person(app))


@pytest.fixture
def file(bank: SyncedBank, tmp_path: Path) -> Path:
    """A backup of somebody's whole history."""
    return bank.wired.backups.make(tmp_path / "one.mingus-backup").path


@pytest.fixture(params=DATABASES)
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An empty database of each kind, so that both are restored into both."""
    url = fresh_database(str(request.param), tmp_path, "mingus_restored")
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, **engine_options(url))
    prepare(engine)
    yield engine
    engine.dispose()


def row_of(backup_id: str) -> Backup:
    db.session.rollback()
    return db.session.get_one(Backup, backup_id, populate_existing=True)


def everything(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    """All rows that a backup keeps, as the engine-neutral text has them."""
    found: dict[str, list[tuple[object, ...]]] = {}
    lines: list[bytes] = []
    with engine.connect() as connection:
        rows.dump(connection, lines.append)
    text = b"".join(lines).splitlines()
    rows.read(text, lambda head, some: found.setdefault(head["table"], []).extend(map(repr, some)))  # type: ignore[arg-type]  # rows as words, to sort them
    return {table: sorted(some, key=str) for table, some in found.items()}


def test_what_is_restored_elsewhere_is_the_same_to_the_last_row(
    bank: SyncedBank, file: Path, elsewhere: sa.Engine
) -> None:
    tally = restore(file, elsewhere, bank.wired.settings.encryption_keys)
    before, after = everything(db.engine), everything(elsewhere)
    assert len(before["plaid_transactions"]) > 10
    assert after == before
    assert tally.rows == sum(map(len, before.values()))


def test_the_tokens_open_where_they_were_restored(bank: SyncedBank, file: Path, elsewhere: sa.Engine) -> None:
    restore(file, elsewhere, bank.wired.settings.encryption_keys)
    columns = sa.select(VaultSecret.__table__)
    with elsewhere.connect() as there, db.engine.connect() as here:
        assert sorted(there.execute(columns).all()) == sorted(here.execute(columns).all())


def test_nobody_stays_signed_in_after_restoring(
    app: Flask, bank: SyncedBank, tmp_path: Path, elsewhere: sa.Engine
) -> None:
    factories.sign_in(app, bank.connection().user_id)
    made = bank.wired.backups.make(tmp_path / "two")
    restore(made.path, elsewhere, bank.wired.settings.encryption_keys)
    with elsewhere.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from auth_sessions")) == 0


def test_a_backup_from_the_middle_of_a_sync_is_one_moment_and_the_next_sync_reaches_the_truth(
    app: Flask, bank: SyncedBank, tmp_path: Path
) -> None:
    bank.do("spend", amount=5)
    sync = bank.wired.sync
    made: list[Path] = []
    write = sync._apply

    def interrupted(*args: object, **options: object) -> None:
        """Take the backup while fetched pages wait to be written."""
        made.append(bank.wired.backups.make(tmp_path / "midway").path)
        write(*args, **options)  # type: ignore[arg-type]  # handed through

    sync._apply = interrupted  # type: ignore[method-assign]  # for this one sync
    try:
        bank.sync()
    finally:
        del sync._apply
    count = bank.wired.backups.look(made[0]).rows
    empty(app)
    with db.engine.begin() as connection, made[0].open("rb") as file:
        lines = SealedReader(file).lines(bank.wired.settings.encryption_keys)
        assert rows.load(connection, lines).rows == count
    bank.wired.ambient.advance(minutes=10)  # type: ignore[attr-defined]  # the lease of the sync that was cut
    bank.sync()
    bank.assert_true()


def test_a_backup_holds_no_token_and_no_name_in_clear(bank: SyncedBank, file: Path) -> None:
    raw = file.read_bytes()
    assert b"access-sandbox" not in raw
    assert factories.ADA.encode() not in raw
    with file.open("rb") as source:
        opened = b"\n".join(SealedReader(source).lines(bank.wired.settings.encryption_keys))
    assert factories.ADA.encode() in opened
    assert b"access-sandbox" not in opened
    assert file.stat().st_mode & 0o077 == 0


def test_another_key_does_not_open_it(file: Path, elsewhere: sa.Engine) -> None:
    with pytest.raises(BackupKeyMissing):
        restore(file, elsewhere, [bytes(range(1, 33))])
    assert sa.inspect(elsewhere).get_table_names() == []


def test_keys_of_tokens_that_are_missing_are_told_before_anything_is_written(
    bank: SyncedBank, tmp_path: Path, elsewhere: sa.Engine
) -> None:
    older = bytes(range(1, 33))
    with unit_of_work() as unit:
        token = unit.session.scalars(select(VaultSecret)).first()
        assert token is not None
        token.key_id = key_id(older)
    made = bank.wired.backups.make(tmp_path / "two")
    with pytest.raises(TokenKeysMissing, match="Missing: "):
        restore(made.path, elsewhere, bank.wired.settings.encryption_keys)
    assert sa.inspect(elsewhere).get_table_names() == []


def test_a_damaged_file_is_refused_whole(bank: SyncedBank, file: Path) -> None:
    raw, keys = file.read_bytes(), bank.wired.settings.encryption_keys
    for damaged in (
        raw[:-1],
        raw[:-100] + bytes([raw[-100] ^ 1]) + raw[-99:],
        raw + b"x",
        raw.replace(b'"engine": "', b'"engine": "x', 1),
        raw.replace(b'"prefix": "', b'"prefix": "AAAA', 1),
        b"",
        b"PK\x03\x04" + raw,
        raw[: raw.index(b"}") + 200],
    ):
        file.write_bytes(damaged)
        with pytest.raises(BackupUnreadable):
            bank.wired.backups.look(file)
        with pytest.raises(BackupUnreadable):
            drill(file, keys)


def test_nothing_is_ever_restored_over_rows(bank: SyncedBank, file: Path) -> None:
    count = db.session.scalar(select(func.count()).select_from(PlaidTransaction))
    with pytest.raises(NotEmpty):
        restore(file, db.engine, bank.wired.settings.encryption_keys)
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(PlaidTransaction)) == count


def test_a_backup_of_a_newer_version_is_refused(
    bank: SyncedBank, file: Path, elsewhere: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "knows", lambda _: False)
    with pytest.raises(FromTheFuture):
        restore(file, elsewhere, bank.wired.settings.encryption_keys)


def test_the_drill_restores_into_a_database_of_its_own(bank: SyncedBank, file: Path) -> None:
    assert drill(file, bank.wired.settings.encryption_keys) == bank.wired.backups.look(file)


def test_a_worker_makes_the_backup_that_is_due_and_keeps_as_many_as_it_should(
    wired: Services, jobs: InlineJobs, ambient: FrozenAmbient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        wired.backups, "_settings", replace(wired.settings, keep_backups=2, backup_dir=tmp_path)
    )
    for _ in range(3):
        wired.do_chores()
        jobs.run_all()
        ambient.advance(hours=wired.settings.backup_hours)
    kept = wired.backups.latest()
    assert [row.state for row in kept] == [BackupState.MADE, BackupState.MADE, BackupState.FORGOTTEN]
    assert {path.name for path in tmp_path.iterdir()} == {row.file_name for row in kept[:2]}


def test_a_wish_whose_nudge_was_lost_is_found_and_wished_once(wired: Services, jobs: InlineJobs) -> None:
    wished = wired.backups.wish()
    assert wired.backups.wish() == wished
    jobs.nudges.clear()
    sweep_once(wired)
    jobs.run_all()
    assert row_of(wished).state == BackupState.MADE


def test_a_folder_that_takes_nothing_is_told_and_tried_three_times(
    wired: Services, jobs: InlineJobs, ambient: FrozenAmbient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mingus.backups.service.os.fsync", full)
    wished = wired.backups.wish()
    for tries in (1, 2, 3):
        sweep_once(wired)
        jobs.run_all()
        row = row_of(wished)
        assert (row.tries, row.failure) == (tries, "BackupFailed")
        ambient.advance(minutes=11)
    assert row.state == BackupState.FAILED
    assert not list(wired.settings.backup_dir.glob("*.part"))


def test_two_workers_make_one_backup(wired: Services, jobs: InlineJobs) -> None:
    wished = wired.backups.wish()
    assert wired.backups._claim(wished)
    wired.backups.run(wished)
    assert row_of(wished).state == BackupState.WANTED


def test_connections_are_all_there_after_restoring_and_go_on(
    bank: SyncedBank, file: Path, elsewhere: sa.Engine
) -> None:
    restore(file, elsewhere, bank.wired.settings.encryption_keys)
    with elsewhere.connect() as connection:
        cursor = connection.scalar(select(PlaidConnection.sync_cursor))
    assert cursor == bank.connection().sync_cursor
