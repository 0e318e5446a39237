"""The vault's tables: sealed texts, and a canary for each key."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import NewType

from sqlalchemy import LargeBinary
from sqlalchemy import String
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.db import Base

SecretId = NewType("SecretId", str)

NONCE_BYTES = 12
KEY_ID_LENGTH = 16


class SecretKind(StrEnum):
    """What a sealed text is."""

    ACCESS_TOKEN = "access_token"
    LINK_TOKEN = "link_token"
    PUBLIC_TOKEN = "public_token"
    AUTHENTICATOR = "authenticator"


class VaultSecret(Base):
    """One sealed text."""

    __tablename__ = "vault_secrets"
    id: Mapped[SecretId] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[str] = mapped_column(String(32), index=True)
    key_id: Mapped[str] = mapped_column(String(KEY_ID_LENGTH), index=True)
    nonce: Mapped[bytes] = mapped_column(LargeBinary(NONCE_BYTES))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[dt.datetime]


class VaultCanary(Base):
    """A known word sealed with each key that was ever used here."""

    __tablename__ = "vault_canaries"
    key_id: Mapped[str] = mapped_column(String(KEY_ID_LENGTH), primary_key=True)
    nonce: Mapped[bytes] = mapped_column(LargeBinary(NONCE_BYTES))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
