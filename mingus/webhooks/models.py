"""The inbox: every verified webhook as it came, the keys that verify them, and a count of what was turned away."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON
from sqlalchemy import ForeignKey
from sqlalchemy import Index
from sqlalchemy import LargeBinary
from sqlalchemy import String
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.db import Base
from mingus.plaid.models import ConnectionId


class EventState(StrEnum):
    """How far a webhook got."""

    WAITING = "waiting"
    HANDLED = "handled"
    UNKNOWN_ITEM = "unknown_item"  # its item may appear yet: kept for a day
    ORPHAN = "orphan"  # its item never appeared: somebody should look
    UNKNOWN_CODE = "unknown_code"  # nothing we know of; kept and shown
    UNREADABLE = "unreadable"  # well signed, but not the JSON that Plaid describes
    PARKED = "parked"  # every try failed
    REFUSED = "refused"  # well signed, for another environment


FAILED = frozenset({EventState.PARKED, EventState.ORPHAN, EventState.UNKNOWN_CODE})


class WebhookEvent(Base):
    """One webhook. What it says is a hint to look, never a fact; tokens in its body are blanked."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        Index(None, "state", "next_try_at"),
        Index(None, "connection_id", "first_seen_at"),
        Index(None, "first_seen_at"),
    )
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    meaning: Mapped[str] = mapped_column(String(64), unique=True)  # of subject, signing time and body
    body: Mapped[bytes] = mapped_column(LargeBinary)
    headers: Mapped[dict[str, Any]] = mapped_column(JSON)
    key_id: Mapped[str] = mapped_column(String(64))
    signed_at: Mapped[dt.datetime]
    webhook_type: Mapped[str] = mapped_column(String(64))
    webhook_code: Mapped[str] = mapped_column(String(80))
    plaid_item_id: Mapped[str | None] = mapped_column(String(128), index=True)
    link_token_hash: Mapped[str | None] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    first_seen_at: Mapped[dt.datetime]
    last_seen_at: Mapped[dt.datetime]
    times_seen: Mapped[int] = mapped_column(default=1)
    next_try_at: Mapped[dt.datetime | None]  # None: nothing is left to do
    attempts: Mapped[int] = mapped_column(default=0)
    failure: Mapped[str | None] = mapped_column(String(200))
    handled_at: Mapped[dt.datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(80))  # what it led to
    fence_seen: Mapped[int | None]  # the connection's fence when it came; None: look in any case
    connection_id: Mapped[ConnectionId | None] = mapped_column(
        ForeignKey("plaid_connections.id", ondelete="SET NULL")
    )
    sync_id: Mapped[str | None] = mapped_column(String(32))


class WebhookKey(Base):
    """A key of Plaid's that verifies webhooks, as last read."""

    __tablename__ = "webhook_keys"
    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    jwk: Mapped[dict[str, Any]] = mapped_column(JSON)
    expired_at: Mapped[dt.datetime | None]
    fetched_at: Mapped[dt.datetime]


class WebhookRefusal(Base):
    """How many webhooks were turned away on a day, by reason: all that is kept of them."""

    __tablename__ = "webhook_refusals"
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(24), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
