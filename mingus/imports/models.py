"""Files that people bring: read, looked over, taken in or taken back."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON
from sqlalchemy import Index
from sqlalchemy import String
from sqlalchemy import Text
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.auth.models import UserId
from mingus.db import Base
from mingus.db import owner_key
from mingus.plaid.ledger import SyncId
from mingus.plaid.models import AccountId


class ImportState(StrEnum):
    """How far an import is."""

    DRAFT = "draft"  # nothing of it counts yet
    DONE = "done"
    UNDONE = "undone"


class FileKind(StrEnum):
    """What a file is written in."""

    CSV = "csv"
    OFX = "ofx"


class TransactionImport(Base):
    """One file for one account. Its text is kept only until it is taken in or left."""

    __tablename__ = "transaction_imports"
    __table_args__ = (
        Index(None, "account_id", "created_at"),
        Index(None, "user_id", "fingerprint"),
        owner_key("transaction_imports", "plaid_accounts", "account_id"),
    )
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(String(32))
    account_id: Mapped[AccountId] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(8))
    kind: Mapped[str] = mapped_column(String(8))
    file_name: Mapped[str] = mapped_column(String(200))
    content: Mapped[str | None] = mapped_column(Text)
    fingerprint: Mapped[str] = mapped_column(
        String(64)
    )  # of the table's head: such a file is read the same way
    layout: Mapped[dict[str, Any]] = mapped_column(JSON)
    sync_id: Mapped[SyncId | None] = mapped_column(String(32))  # what its rows say that brought them
    added: Mapped[int] = mapped_column(default=0)
    known: Mapped[int] = mapped_column(default=0)  # left out: they were here
    unreadable: Mapped[int] = mapped_column(default=0)
    values_before: Mapped[dict[str, int | None]] = mapped_column(
        JSON, default=dict
    )  # the day of each value that it wrote: what stood there before
    created_at: Mapped[dt.datetime] = mapped_column(index=True)
    done_at: Mapped[dt.datetime | None]
