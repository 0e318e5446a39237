"""What people make of their transactions: categories of their own, and transfers between their accounts."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey
from sqlalchemy import Index
from sqlalchemy import String
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.auth.models import UserId
from mingus.db import Base
from mingus.plaid.ledger import TransactionId


class OwnCategory(Base):
    """A category that a person made; its id is its code."""

    __tablename__ = "own_categories"
    __table_args__ = (Index(None, "user_id", "name", unique=True),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    icon: Mapped[str] = mapped_column(String(40))
    hue: Mapped[str] = mapped_column(String(16))
    parent: Mapped[str | None] = mapped_column(String(80))  # a bank's group; None: a group of its own


class TransferPair(Base):
    """Money that left one account of a person and came in on another: neither spent nor earned."""

    __tablename__ = "transfer_pairs"
    __table_args__ = (Index(None, "user_id", "out_id"), Index(None, "in_id"))
    out_id: Mapped[TransactionId] = mapped_column(
        ForeignKey("plaid_transactions.id", ondelete="CASCADE"), primary_key=True
    )
    in_id: Mapped[TransactionId] = mapped_column(
        ForeignKey("plaid_transactions.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    found_at: Mapped[dt.datetime]
    undone_at: Mapped[dt.datetime | None]  # the person said it is none: never paired again
