"""What people make of their transactions: own categories, edits that can be undone, transfers between accounts."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON
from sqlalchemy import BigInteger
from sqlalchemy import ForeignKey
from sqlalchemy import Index
from sqlalchemy import String
from sqlalchemy import Text
from sqlalchemy import text
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.auth.models import UserId
from mingus.db import Base
from mingus.db import owner_key
from mingus.plaid.ledger import TransactionId
from mingus.plaid.models import AccountId

STALE: dict[str, Any] = {"sqlite_where": text("meaning = ''"), "postgresql_where": text("meaning = ''")}


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
    __table_args__ = (
        Index(None, "user_id", "out_id"),
        Index(None, "in_id"),
        owner_key("transfer_pairs", "plaid_transactions", "out_id"),
        owner_key("transfer_pairs", "plaid_transactions", "in_id"),
    )
    out_id: Mapped[TransactionId] = mapped_column(String(32), primary_key=True)
    in_id: Mapped[TransactionId] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(String(32))
    found_at: Mapped[dt.datetime]
    undone_at: Mapped[dt.datetime | None]  # the person said it is none: never paired again


class TransactionEdit(Base):
    """One edit of a person or of a rule, over any number of transactions; it can be undone."""

    __tablename__ = "transaction_edits"
    __table_args__ = (Index(None, "user_id", "at"), Index(None, "user_id", "id", unique=True))
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    at: Mapped[dt.datetime]
    origin: Mapped[str] = mapped_column(String(32))  # "hand", or the rule's id
    count: Mapped[int] = mapped_column(default=0)
    undone_at: Mapped[dt.datetime | None]


class TransactionEditRow(Base):
    """What one edit changed in one transaction: for each field its value and origin, before and after."""

    __tablename__ = "transaction_edit_rows"
    __table_args__ = (
        Index(None, "transaction_id"),
        owner_key("transaction_edit_rows", "transaction_edits", "edit_id"),
        owner_key("transaction_edit_rows", "plaid_transactions", "transaction_id"),
    )
    edit_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    transaction_id: Mapped[TransactionId] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(String(32))
    fields: Mapped[dict[str, Any]] = mapped_column(
        JSON
    )  # name: [[value, origin] before, [value, origin] after]


class TransactionRule(Base):
    """What is always so: transactions that meet every condition given get what is given. Amounts are sizes."""

    __tablename__ = "transaction_rules"
    __table_args__ = (owner_key("transaction_rules", "plaid_accounts", "account_id"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[dt.datetime]
    merchant: Mapped[str | None] = mapped_column(String(200))
    text: Mapped[str | None] = mapped_column(String(200))
    least: Mapped[str | None] = mapped_column(String(40))  # in major units, exact
    most: Mapped[str | None] = mapped_column(String(40))
    money_in: Mapped[bool | None]
    account_id: Mapped[AccountId | None] = mapped_column(String(32))
    category: Mapped[str | None] = mapped_column(String(120))
    name: Mapped[str | None] = mapped_column(String(200))
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    hides: Mapped[bool] = mapped_column(default=False)


ALL_YEARS = dt.date(1, 1, 1)  # no row is as old


class Sum:
    """What a person's living rows of one account come to, apart by all that says what they count as.

    Kept true by `transactions.sums` in the transaction that changes the rows.
    """

    account_id: Mapped[AccountId] = mapped_column(String(32), primary_key=True, sort_order=1)
    currency: Mapped[str] = mapped_column(String(12), primary_key=True, sort_order=2)
    code: Mapped[str] = mapped_column(
        String(120), primary_key=True, sort_order=3
    )  # the effective category; empty: none
    banks_group: Mapped[str] = mapped_column(
        String(80), primary_key=True, sort_order=4
    )  # empty: the person decided, or none
    sign: Mapped[int] = mapped_column(primary_key=True, sort_order=5)  # of the amounts: -1, 0 or 1
    paired: Mapped[bool] = mapped_column(primary_key=True, sort_order=6)
    hidden: Mapped[bool] = mapped_column(primary_key=True, sort_order=7)
    minor: Mapped[int] = mapped_column(BigInteger, sort_order=8)
    count: Mapped[int] = mapped_column(sort_order=9)


class MonthSum(Sum, Base):
    """The sums of a month."""

    __tablename__ = "month_sums"
    __table_args__ = (
        Index(None, "account_id", "month"),
        owner_key("month_sums", "plaid_accounts", "account_id"),
        {"sqlite_with_rowid": False},
    )
    user_id: Mapped[UserId] = mapped_column(String(32), primary_key=True)
    month: Mapped[dt.date] = mapped_column(primary_key=True)  # its first day


class YearSum(Sum, Base):
    """The sums of a year: what its months come to; and of all years together, under a date before any bank's."""

    __tablename__ = "year_sums"
    __table_args__ = (
        owner_key("year_sums", "plaid_accounts", "account_id"),
        {"sqlite_with_rowid": False},
    )
    user_id: Mapped[UserId] = mapped_column(String(32), primary_key=True)
    year: Mapped[dt.date] = mapped_column(primary_key=True)  # its first day, or ALL_YEARS


class DaySum(Base):
    """What was posted to an account on a day: of living rows, hidden ones too. Kept true like the months."""

    __tablename__ = "day_sums"
    __table_args__ = (
        owner_key("day_sums", "plaid_accounts", "account_id"),
        {"sqlite_with_rowid": False},
    )
    account_id: Mapped[AccountId] = mapped_column(String(32), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(12), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(String(32))
    minor: Mapped[int] = mapped_column(BigInteger)


class MerchantSum(Base):
    """What was spent at one merchant in a month, refunds taken off; true while its month is kept."""

    __tablename__ = "merchant_sums"
    __table_args__ = ({"sqlite_with_rowid": False},)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    month: Mapped[dt.date] = mapped_column(primary_key=True)  # its first day
    currency: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(500), primary_key=True)
    minor: Mapped[int] = mapped_column(BigInteger)
    count: Mapped[int]
    last_on: Mapped[dt.date]


class KeptMonth(Base):
    """A month of a person whose merchants are added up, and what counted then. See `transactions.merchantsums`."""

    __tablename__ = "kept_months"
    __table_args__ = (
        Index("ix_kept_months_stale", "user_id", **STALE),
        {"sqlite_with_rowid": False},
    )
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    month: Mapped[dt.date] = mapped_column(primary_key=True)  # its first day
    meaning: Mapped[str] = mapped_column(String(32))  # empty: something was written since


class Wording(Base):
    """What some of a person's transactions say, in small letters, any number as 0. See `transactions.wording`."""

    __tablename__ = "wordings"
    __table_args__ = ({"sqlite_with_rowid": False},)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    text: Mapped[str] = mapped_column(Text)
