"""What people have beside their password: passkeys, an authenticator app, recovery codes."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import NewType

from sqlalchemy import BigInteger
from sqlalchemy import ForeignKey
from sqlalchemy import LargeBinary
from sqlalchemy import String
from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.auth.models import UserId
from mingus.db import Base
from mingus.sealed import SecretId

PasskeyId = NewType("PasskeyId", str)

CREDENTIAL_LENGTH = 1400  # the standard allows 1023 bytes, kept as text
PASSKEY_NAME_LENGTH = 60


class ChallengePurpose(StrEnum):
    """What a passkey was asked for; an answer to one is none to another."""

    ADD = "add"
    SIGN_IN = "sign_in"
    CONFIRM = "confirm"


class Passkey(Base):
    """One passkey: only its public half is here."""

    __tablename__ = "passkeys"
    id: Mapped[PasskeyId] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    credential_id: Mapped[str] = mapped_column(String(CREDENTIAL_LENGTH), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(PASSKEY_NAME_LENGTH))
    created_at: Mapped[dt.datetime]
    last_used_at: Mapped[dt.datetime | None]


class PasskeyChallenge(Base):
    """A question to a passkey that waits for its one answer. Only the hash is here."""

    __tablename__ = "passkey_challenges"
    challenge_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[UserId | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)


class AppFactor(Base):
    """A person's authenticator app; it counts once a first code was right."""

    __tablename__ = "app_factors"
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret_id: Mapped[SecretId] = mapped_column(ForeignKey("vault_secrets.id"))
    created_at: Mapped[dt.datetime]
    confirmed_at: Mapped[dt.datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger)  # a code works once


class RecoveryCode(Base):
    """One of the codes for the day when all else is lost; 120 random bits, so their plain hash tells nothing."""

    __tablename__ = "recovery_codes"
    __table_args__ = (UniqueConstraint("user_id", "code_hash"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[dt.datetime]
    used_at: Mapped[dt.datetime | None]
