"""What people are told: each cause once, read or over at some time, and how they want to hear of it."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON
from sqlalchemy import ForeignKey
from sqlalchemy import Index
from sqlalchemy import String
from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.auth.models import UserId
from mingus.db import Base
from mingus.db import owner_key
from mingus.plaid.models import ConnectionId


class NoticeKind(StrEnum):
    """What there is to tell."""

    RECONNECT = "reconnect"
    EXPIRING = "expiring"
    ENDED = "ended"
    IMPORTED = "imported"
    NEW_DEVICE = "new_device"


class Notice(Base):
    """One thing that somebody is told. The words are made where they are shown, the same everywhere."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("user_id", "cause"),
        Index(None, "user_id", "created_at"),
        Index(None, "mail_due_at"),
        owner_key("notices", "plaid_connections", "connection_id"),
    )
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    cause: Mapped[str] = mapped_column(String(120))  # never told twice for the same
    connection_id: Mapped[ConnectionId | None] = mapped_column(String(32), index=True)
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime]
    read_at: Mapped[dt.datetime | None]
    over_at: Mapped[dt.datetime | None]  # it is no longer so
    mail_due_at: Mapped[dt.datetime | None]  # when the next digest takes it along; None: told, or not by mail


class NoticeChoice(Base):
    """How a person wants to hear of one kind; without a row: both ways."""

    __tablename__ = "notice_choices"
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    in_app: Mapped[bool]
    by_mail: Mapped[bool]


class KnownDevice(Base):
    """A kind of browser that a person has signed in with before."""

    __tablename__ = "known_devices"
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    device: Mapped[str] = mapped_column(String(64), primary_key=True)
    first_seen_at: Mapped[dt.datetime]
