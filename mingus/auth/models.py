"""People, their sessions, the tokens of their programs, and one-time tickets."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any
from typing import NewType

from sqlalchemy import JSON
from sqlalchemy import ForeignKey
from sqlalchemy import Index
from sqlalchemy import String
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.db import Base

UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
ApiTokenId = NewType("ApiTokenId", str)

EMAIL_LENGTH = 254
TOKEN_NAME_LENGTH = 60


class Role(StrEnum):
    """What a person may do."""

    MEMBER = "member"
    ADMIN = "admin"


class TicketKind(StrEnum):
    """What a one-time link is good for."""

    REGISTRATION = "registration"
    RESET = "reset"
    EMAIL_CHANGE = "email_change"
    INVITATION = "invitation"


class TokenScope(StrEnum):
    """What a program may do with a person's token."""

    READ = "read"
    WRITE = "write"  # reads too


class User(Base):
    """A person whose address is verified: there is no row before that."""

    __tablename__ = "users"
    id: Mapped[UserId] = mapped_column(String(32), primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH), unique=True)  # lower case
    display_name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(200))
    password_changed_at: Mapped[dt.datetime]
    role: Mapped[str] = mapped_column(String(16), default=Role.MEMBER.value)
    time_zone: Mapped[str] = mapped_column(String(64), default="UTC")
    locale: Mapped[str] = mapped_column(String(16), default="en")
    currency: Mapped[str] = mapped_column(String(3), default="USD")
    theme: Mapped[str] = mapped_column(String(8), default="system")
    hides_amounts: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime]
    disabled_at: Mapped[dt.datetime | None]
    factor_since: Mapped[dt.datetime | None]  # since when a second factor is asked for


class AuthSession(Base):
    """One signed-in browser. Only the hash of its token is here; ended ones are deleted."""

    __tablename__ = "auth_sessions"
    __table_args__ = (Index(None, "user_id", "last_seen_at"),)
    id: Mapped[SessionId] = mapped_column(String(32), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    remembered: Mapped[bool]
    awaits_factor: Mapped[bool] = mapped_column(default=False)  # admits to nothing else yet
    device_hash: Mapped[str | None] = mapped_column(
        String(64)
    )  # of the cookie that has to come along; None: opened before
    agent: Mapped[str] = mapped_column(String(300))
    address: Mapped[str] = mapped_column(String(45))  # shortened to its network
    time_zone: Mapped[str | None] = mapped_column(String(64))  # of the browser's clock; None: it said nothing
    created_at: Mapped[dt.datetime]
    authenticated_at: Mapped[dt.datetime]
    last_seen_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)


class ApiToken(Base):
    """What a program of a person's signs in with. Only the hash is here; the token was shown once."""

    __tablename__ = "api_tokens"
    __table_args__ = (Index(None, "user_id", "created_at"),)
    id: Mapped[ApiTokenId] = mapped_column(String(32), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(TOKEN_NAME_LENGTH))
    scope: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    last_used_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]


class AuthTicket(Base):
    """A link that works once, asked for here and mailed by the worker. Only the hash of its token is here."""

    __tablename__ = "auth_tickets"
    __table_args__ = (Index(None, "kind", "email"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)  # None until it is mailed
    user_id: Mapped[UserId | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    answered_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    used_at: Mapped[dt.datetime | None]
