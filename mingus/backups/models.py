"""One row for each backup: wished, being made, made or failed."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from sqlalchemy import BigInteger
from sqlalchemy import Index
from sqlalchemy import String
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.db import Base


class BackupState(StrEnum):
    """How far a backup is."""

    WANTED = "wanted"
    MADE = "made"  # written, read back and counted
    FAILED = "failed"
    FORGOTTEN = "forgotten"  # its file made room for newer ones


class Backup(Base):
    """A backup; the row is the wish and, later, what is known of the file."""

    __tablename__ = "backups"
    __table_args__ = (Index(None, "state", "requested_at"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    requested_at: Mapped[dt.datetime]
    lease_until: Mapped[dt.datetime | None]  # until then somebody is making it
    tries: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[dt.datetime | None]
    file_name: Mapped[str | None] = mapped_column(String(80))
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    row_count: Mapped[int | None] = mapped_column(BigInteger)
    failure: Mapped[str | None] = mapped_column(String(80))
