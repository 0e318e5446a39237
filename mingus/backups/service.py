"""Makes backups, reads them back, and lets old ones go. The row is the wish; a lost nudge or worker loses nothing."""

from __future__ import annotations

import datetime as dt
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from mingus.backups import rows
from mingus.backups.envelope import SealedReader
from mingus.backups.envelope import SealedWriter
from mingus.backups.models import Backup
from mingus.backups.models import BackupState
from mingus.db import db
from mingus.db import one_view
from mingus.db import unit_of_work
from mingus.errors import MingusError
from mingus.jobs import JobKind
from mingus.sealed import VaultSecret

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from mingus.ambient import Ambient
    from mingus.backups.rows import Tally
    from mingus.config import Settings
    from mingus.jobs import Jobs

log = logging.getLogger(__name__)

LEASE = dt.timedelta(hours=2)
MOST_TRIES = 3
SUFFIX = ".mingus-backup"
UNFINISHED = ".part"


class BackupFailed(MingusError):
    """The backup could not be written. Is there space, and is the folder writable?"""

    code = "backup_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that was written and read back."""

    path: Path
    size_bytes: int
    tally: Tally


class Backups:
    """The backups of this installation."""

    def __init__(self, *, settings: Settings, ambient: Ambient, jobs: Jobs) -> None:
        self._settings = settings
        self._ambient = ambient
        self._jobs = jobs

    def wish(self) -> str:
        """Have one made by a worker; asking while one waits gives that one."""
        with unit_of_work() as unit:
            waiting = unit.session.scalar(select(Backup.id).where(Backup.state == BackupState.WANTED))
            if waiting is not None:
                return waiting
            backup_id = self._ambient.new_id("bak")
            unit.session.add(
                Backup(id=backup_id, state=BackupState.WANTED.value, requested_at=self._ambient.now())
            )
            unit.after_commit(lambda: self._jobs.enqueue(JobKind.BACKUP, backup_id=backup_id))
            return backup_id

    def due(self) -> list[str]:
        """Wishes that nobody is at."""
        return list(
            db.session.scalars(
                select(Backup.id).where(
                    Backup.state == BackupState.WANTED,
                    or_(Backup.lease_until.is_(None), Backup.lease_until < self._ambient.now()),
                )
            )
        )

    def run(self, backup_id: str) -> None:
        """Make a wished backup, if nobody is at it; a failure is told by its row."""
        if not self._claim(backup_id):
            return
        try:
            made = self.make()
        except (MingusError, OSError, DBAPIError) as err:
            log.exception("backup failed", extra={"backup_id": backup_id})
            self._note_failure(backup_id, type(err).__name__)
            return
        self._note_made(backup_id, made)
        self.forget_old()

    def make(self, path: Path | None = None) -> Made:
        """Write a backup and read it back whole; a file that is there under the name is the finished one."""
        path = path or self._new_path()
        unfinished = path.with_name(path.name + UNFINISHED)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(_for_us_alone(unfinished), "wb") as file:
                written = self._write(file)
                file.flush()
                os.fsync(file.fileno())
            if self.look(unfinished) != written:
                raise BackupFailed
            unfinished.replace(path)
        except OSError as err:
            raise BackupFailed from err
        finally:
            unfinished.unlink(missing_ok=True)
        return Made(path=path, size_bytes=path.stat().st_size, tally=written)

    def look(self, path: Path) -> Tally:
        """Read a backup to its end: every chunk authentic, every row legible, every count right."""
        with path.open("rb") as file:
            return rows.read(SealedReader(file).lines(self._settings.encryption_keys), lambda *_: None)

    def forget_old(self) -> None:
        """Keep the newest that were made, as many as the settings say; the rows of the others stay a while."""
        made = db.session.execute(
            select(Backup.id, Backup.file_name)
            .where(Backup.state == BackupState.MADE)
            .order_by(Backup.requested_at.desc(), Backup.id.desc())
        ).all()
        for backup_id, file_name in made[self._settings.keep_backups :]:
            (self._settings.backup_dir / str(file_name)).unlink(missing_ok=True)
            with unit_of_work() as unit:
                unit.lock_one(Backup, backup_id).state = BackupState.FORGOTTEN.value

    def newest(self) -> Backup | None:
        """The newest that was made, for the doctor and the admin."""
        return db.session.scalar(
            select(Backup)
            .where(Backup.state == BackupState.MADE)
            .order_by(Backup.finished_at.desc())
            .limit(1)
        )

    def latest(self, limit: int = 20) -> list[Backup]:
        """The newest rows first, whatever became of them."""
        return list(
            db.session.scalars(
                select(Backup).order_by(Backup.requested_at.desc(), Backup.id.desc()).limit(limit)
            )
        )

    def _write(self, file: BinaryIO) -> Tally:
        with one_view(db.engine) as connection:
            facts = {
                "format": 1,
                "made_at": self._ambient.now().isoformat(),
                "revision": connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar(),
                "engine": connection.dialect.name,
                "environment": self._settings.environment.value,
                "token_keys": sorted(connection.scalars(select(VaultSecret.key_id).distinct())),
            }
            writer = SealedWriter(file, facts, self._settings.encryption_keys[0])
            tally = rows.dump(connection, writer.write)
        writer.finish()
        return tally

    def _new_path(self) -> Path:
        now = self._ambient.now()
        name = f"mingus-{now:%Y%m%dT%H%M%SZ}-{self._ambient.new_id('bak')[-6:]}{SUFFIX}"
        return self._settings.backup_dir / name

    def _claim(self, backup_id: str) -> bool:
        now = self._ambient.now()
        with unit_of_work() as unit:
            claimed = unit.session.execute(
                update(Backup)
                .where(
                    Backup.id == backup_id,
                    Backup.state == BackupState.WANTED,
                    or_(Backup.lease_until.is_(None), Backup.lease_until < now),
                )
                .values(lease_until=now + LEASE, tries=Backup.tries + 1)
            )
            return bool(claimed.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult

    def _note_made(self, backup_id: str, made: Made) -> None:
        with unit_of_work() as unit:
            row = unit.lock_one(Backup, backup_id)
            row.state, row.finished_at = BackupState.MADE.value, self._ambient.now()
            row.file_name, row.size_bytes = made.path.name, made.size_bytes
            row.row_count, row.failure = made.tally.rows, None
        log.info("backup made", extra={"backup_id": backup_id, "rows": made.tally.rows})

    def _note_failure(self, backup_id: str, failure: str) -> None:
        """Tried again by the sweep after a while, a few times."""
        with unit_of_work() as unit:
            row = unit.lock_one(Backup, backup_id)
            row.failure, row.lease_until = failure[:80], self._ambient.now() + dt.timedelta(minutes=10)
            if row.tries >= MOST_TRIES:
                row.state, row.finished_at = BackupState.FAILED.value, self._ambient.now()


def _for_us_alone(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
