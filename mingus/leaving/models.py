"""What remains of somebody who left: a receipt without a name, and items at Plaid until they are ended there."""

from __future__ import annotations

import datetime as dt
from typing import NewType

from sqlalchemy import ForeignKey
from sqlalchemy import String
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.auth.models import UserId
from mingus.db import Base
from mingus.sealed import SecretId

DepartureId = NewType("DepartureId", str)
DepartedItemId = NewType("DepartedItemId", str)

RECEIPT_LENGTH = 64


class Departure(Base):
    """One deletion of an account. Whose it is stands here only until the rows are gone."""

    __tablename__ = "departures"
    id: Mapped[DepartureId] = mapped_column(String(32), primary_key=True)
    receipt_hash: Mapped[str] = mapped_column(String(RECEIPT_LENGTH), unique=True)
    user_id: Mapped[UserId | None] = mapped_column(String(32), unique=True)  # no key: it outlives the person
    items: Mapped[int]
    rows: Mapped[int]
    asked_at: Mapped[dt.datetime]
    next_try_at: Mapped[dt.datetime | None] = mapped_column(index=True)  # None: the rows are gone
    done_at: Mapped[dt.datetime | None] = mapped_column(index=True)


class DepartedItem(Base):
    """An item of somebody who left: its sealed token, until Plaid has confirmed its end."""

    __tablename__ = "departed_items"
    id: Mapped[DepartedItemId] = mapped_column(String(32), primary_key=True)
    departure_id: Mapped[DepartureId | None] = mapped_column(ForeignKey("departures.id"), index=True)
    environment: Mapped[str] = mapped_column(String(16))
    secret_id: Mapped[SecretId] = mapped_column(ForeignKey("vault_secrets.id"))
    next_try_at: Mapped[dt.datetime] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0)
    error_code: Mapped[str | None] = mapped_column(String(80))
