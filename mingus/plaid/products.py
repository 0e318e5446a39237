"""Tables of what goes beyond transactions: terms of debts, holdings, their movements, recurring payments.

Each product of a connection has a row of its own that says when it was last good, what went wrong and when it is
read again, so that one that is missing or late holds up nothing else.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Any
from typing import NewType

from sqlalchemy import JSON
from sqlalchemy import BigInteger
from sqlalchemy import ForeignKey
from sqlalchemy import Index
from sqlalchemy import String
from sqlalchemy import Text
from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.auth.models import UserId
from mingus.db import Base
from mingus.db import owner_key
from mingus.plaid.models import AccountId
from mingus.plaid.models import ConnectionId

RefreshId = NewType("RefreshId", str)
EXACT_LENGTH = 130  # a decimal of sixty digits, written out at either end of what is taken for a number


class Product(StrEnum):
    """What can be read beside transactions."""

    LIABILITIES = "liabilities"
    HOLDINGS = "holdings"
    INVESTMENT_TRANSACTIONS = "investment_transactions"
    RECURRING = "recurring"


class ProductRefresh(Base):
    """One product of one connection: wished for, read, good or not; the truth for the worker."""

    __tablename__ = "plaid_product_refreshes"
    __table_args__ = (
        UniqueConstraint("connection_id", "product"),
        Index("ix_plaid_product_refreshes_wanted", "wanted_seq", "done_seq", "lease_until"),
        Index(None, "next_refresh_at"),
    )
    id: Mapped[RefreshId] = mapped_column(String(32), primary_key=True)
    connection_id: Mapped[ConnectionId] = mapped_column(
        ForeignKey("plaid_connections.id", ondelete="CASCADE")
    )
    product: Mapped[str] = mapped_column(String(32))
    wanted_seq: Mapped[int] = mapped_column(default=0)  # rises with every wish
    done_seq: Mapped[int] = mapped_column(default=0)  # the wish that the last finished reading fulfilled
    next_refresh_at: Mapped[dt.datetime | None]  # when it is read without being asked for
    lease_until: Mapped[dt.datetime | None]  # somebody reads it until then, or nobody may before
    fence: Mapped[int] = mapped_column(default=0)
    last_tried_at: Mapped[dt.datetime | None]
    last_good_at: Mapped[dt.datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(80))
    error_request_id: Mapped[str | None] = mapped_column(String(64))
    failures: Mapped[int] = mapped_column(default=0)  # tries in a row that failed
    set_aside: Mapped[int] = mapped_column(default=0)  # rows of the last reading that could not be understood


class OfAccount(Base):
    """Whose a row is; each table adds the key that holds the three ids together."""

    __abstract__ = True
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(String(32), index=True)
    connection_id: Mapped[ConnectionId] = mapped_column(String(32), index=True)
    account_id: Mapped[AccountId] = mapped_column(String(32), index=True)
    reading: Mapped[int]  # the fence of the reading that last saw it: what an older one saw is gone


class Liability(OfAccount):
    """The terms of one debt. Amounts are as on a statement: what is to be paid is positive."""

    __tablename__ = "plaid_liabilities"
    __table_args__ = (
        UniqueConstraint("account_id", "kind"),
        owner_key("plaid_liabilities", "plaid_accounts", "connection_id", "account_id"),
    )
    kind: Mapped[str] = mapped_column(String(40))  # credit, mortgage, student, or what Plaid names next
    currency: Mapped[str] = mapped_column(String(12))
    aprs: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # percentages as exact texts
    rate_percent: Mapped[str | None] = mapped_column(String(EXACT_LENGTH))  # the one that counts most
    rate_type: Mapped[str | None] = mapped_column(String(40))
    is_overdue: Mapped[bool | None]
    minimum_payment_minor: Mapped[int | None] = mapped_column(BigInteger)
    next_payment_minor: Mapped[int | None] = mapped_column(BigInteger)
    next_due_on: Mapped[dt.date | None]
    last_payment_minor: Mapped[int | None] = mapped_column(BigInteger)
    last_payment_on: Mapped[dt.date | None]
    statement_minor: Mapped[int | None] = mapped_column(BigInteger)
    statement_on: Mapped[dt.date | None]
    past_due_minor: Mapped[int | None] = mapped_column(BigInteger)
    principal_minor: Mapped[int | None] = mapped_column(BigInteger)  # when it began
    originated_on: Mapped[dt.date | None]
    matures_on: Mapped[dt.date | None]
    name: Mapped[str | None] = mapped_column(String(200))
    raw: Mapped[str] = mapped_column(Text)
    read_at: Mapped[dt.datetime]


class Security(Base):
    """Something that can be held, as one connection's bank describes it."""

    __tablename__ = "plaid_securities"
    __table_args__ = (UniqueConstraint("connection_id", "plaid_security_id"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    connection_id: Mapped[ConnectionId] = mapped_column(
        ForeignKey("plaid_connections.id", ondelete="CASCADE")
    )
    plaid_security_id: Mapped[str] = mapped_column(String(128))
    name: Mapped[str | None] = mapped_column(String(200))
    ticker: Mapped[str | None] = mapped_column(String(40))
    type: Mapped[str] = mapped_column(String(40))
    subtype: Mapped[str | None] = mapped_column(String(80))
    is_cash: Mapped[bool]
    currency: Mapped[str] = mapped_column(String(12))
    close_price: Mapped[str | None] = mapped_column(String(EXACT_LENGTH))
    close_on: Mapped[dt.date | None]
    raw: Mapped[str] = mapped_column(Text)
    read_at: Mapped[dt.datetime]


class Holding(OfAccount):
    """How much of a security an account holds; quantities and prices are exact texts."""

    __tablename__ = "plaid_holdings"
    __table_args__ = (
        UniqueConstraint("account_id", "plaid_security_id", "place"),
        owner_key("plaid_holdings", "plaid_accounts", "connection_id", "account_id"),
    )
    plaid_security_id: Mapped[str] = mapped_column(String(128))
    place: Mapped[int]  # 0, then 1 when the bank lists the same security once more
    quantity: Mapped[str] = mapped_column(String(EXACT_LENGTH))
    price: Mapped[str | None] = mapped_column(String(EXACT_LENGTH))
    price_on: Mapped[dt.date | None]
    value_minor: Mapped[int | None] = mapped_column(BigInteger)
    cost_minor: Mapped[int | None] = mapped_column(BigInteger)  # of all of it, not of one
    currency: Mapped[str] = mapped_column(String(12))
    vested_quantity: Mapped[str | None] = mapped_column(String(EXACT_LENGTH))
    vested_minor: Mapped[int | None] = mapped_column(BigInteger)
    raw: Mapped[str] = mapped_column(Text)
    read_at: Mapped[dt.datetime]


class InvestmentTransaction(OfAccount):
    """A movement of an investment account, from the person's side: what a purchase takes is negative."""

    __tablename__ = "plaid_movements"
    __table_args__ = (
        UniqueConstraint("connection_id", "plaid_investment_id"),
        Index("ix_plaid_movements_of_person", "user_id", "date", "id"),
        owner_key("plaid_movements", "plaid_accounts", "connection_id", "account_id"),
    )
    plaid_investment_id: Mapped[str] = mapped_column(String(128))
    plaid_security_id: Mapped[str | None] = mapped_column(String(128))
    date: Mapped[dt.date]
    name: Mapped[str] = mapped_column(String(200))
    type: Mapped[str] = mapped_column(String(40))
    subtype: Mapped[str | None] = mapped_column(String(80))
    quantity: Mapped[str | None] = mapped_column(String(EXACT_LENGTH))
    price: Mapped[str | None] = mapped_column(String(EXACT_LENGTH))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    fees_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(12))
    raw: Mapped[str] = mapped_column(Text)
    read_at: Mapped[dt.datetime]


class RecurringStream(OfAccount):
    """A payment or an income that comes again and again, as Plaid finds it; the person's sign."""

    __tablename__ = "plaid_recurring_streams"
    __table_args__ = (
        UniqueConstraint("connection_id", "plaid_stream_id"),
        owner_key("plaid_recurring_streams", "plaid_accounts", "connection_id", "account_id"),
    )
    plaid_stream_id: Mapped[str] = mapped_column(String(128))
    is_income: Mapped[bool]
    description: Mapped[str] = mapped_column(String(200))
    merchant_name: Mapped[str | None] = mapped_column(String(200))
    category: Mapped[str | None] = mapped_column(String(80))
    category_detailed: Mapped[str | None] = mapped_column(String(120))
    frequency: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(40))
    is_active: Mapped[bool]
    average_minor: Mapped[int | None] = mapped_column(BigInteger)
    last_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(12))
    first_on: Mapped[dt.date | None]
    last_on: Mapped[dt.date | None]
    next_on: Mapped[dt.date | None]
    plaid_transaction_ids: Mapped[list[str]] = mapped_column(JSON)
    raw: Mapped[str] = mapped_column(Text)
    read_at: Mapped[dt.datetime]
