"""The ledger's tables: what the bank said of each transaction, what the person decided, and what every sync did."""

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
from sqlalchemy import text
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.auth.models import UserId
from mingus.db import Base
from mingus.db import owner_key
from mingus.plaid.models import AccountId
from mingus.plaid.models import ConnectionId

TransactionId = NewType("TransactionId", str)
SyncId = NewType("SyncId", str)


FAILED = text(
    "status = 'failed'"
)  # spelled out: a query has to say the same words to be answered by such an index
NO_KEY = text("wording IS NULL")
UNKEYED: dict[str, Any] = {"sqlite_where": NO_KEY, "postgresql_where": NO_KEY}
OF_FAILED: dict[str, Any] = {"sqlite_where": FAILED, "postgresql_where": FAILED}


class Trigger(StrEnum):
    """What made a sync run."""

    CONNECTED = "connected"
    PERSON = "person"
    WEBHOOK = "webhook"
    SCHEDULE = "schedule"
    OPERATOR = "operator"
    IMPORT = "import"  # no sync: a file that the person brought, told like one


class SyncStatus(StrEnum):
    """How a sync ended, or that it has not yet."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"  # rows were set aside: never shown as green
    FAILED = "failed"
    SUPERSEDED = "superseded"  # another worker was faster; nothing of this one was written


class ChangeKind(StrEnum):
    """What a sync did to a transaction that was there before."""

    MODIFIED = "modified"
    POSTED = "posted"
    REMOVED = "removed"
    RETURNED = "returned"


class PlaidTransaction(Base):
    """A transaction as the bank tells it. A sync may change any column; the person's own are in TransactionChoice."""

    __tablename__ = "plaid_transactions"
    __table_args__ = (
        UniqueConstraint("connection_id", "plaid_transaction_id"),
        # PostgreSQL reads in the order of an index only what it compares with =, which IS NULL is not
        Index("ix_plaid_transactions_of_person", "user_id", "date", "id"),
        Index("ix_plaid_transactions_of_account", "account_id", "date", "id"),
        Index("ix_plaid_transactions_wording", "user_id", "wording", "id"),
        Index("ix_plaid_transactions_unkeyed", "user_id", **UNKEYED),
        Index("ix_plaid_transactions_amount", "user_id", "amount_minor"),
        Index(
            "ix_plaid_transactions_pending",
            *("user_id", "date", "id"),
            sqlite_where=text("pending = 1"),
            postgresql_where=text("pending"),
        ),
        Index(
            "ix_plaid_transactions_removed",
            *("user_id", "date", "id"),
            sqlite_where=text("removed_at IS NOT NULL"),
            postgresql_where=text("removed_at IS NOT NULL"),
        ),
        Index(None, "user_id", "id", unique=True),
        owner_key("plaid_transactions", "plaid_accounts", "connection_id", "account_id"),
    )
    id: Mapped[TransactionId] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(String(32))
    connection_id: Mapped[ConnectionId] = mapped_column(String(32))
    account_id: Mapped[AccountId] = mapped_column(String(32))
    plaid_transaction_id: Mapped[str] = mapped_column(String(128))
    pending_plaid_id: Mapped[str | None] = mapped_column(String(128))  # the id it had while it was pending
    amount_minor: Mapped[int] = mapped_column(BigInteger)  # the person's side: spent is negative
    amount_exact: Mapped[str | None] = mapped_column(
        String(64)
    )  # when the bank said more digits than the currency has
    currency: Mapped[str] = mapped_column(String(12))
    date: Mapped[dt.date]
    authorized_date: Mapped[dt.date | None]
    pending: Mapped[bool]
    name: Mapped[str] = mapped_column(String(500))
    merchant_name: Mapped[str | None] = mapped_column(String(200))
    category: Mapped[str | None] = mapped_column(String(80))
    category_detailed: Mapped[str | None] = mapped_column(String(120))
    payment_channel: Mapped[str | None] = mapped_column(String(40))
    raw: Mapped[str] = mapped_column(Text)  # Plaid's own JSON
    first_sync_id: Mapped[SyncId] = mapped_column(String(32))
    last_sync_id: Mapped[SyncId] = mapped_column(String(32))
    removed_at: Mapped[dt.datetime | None]  # a tombstone: out of lists and totals, back if it returns
    wording: Mapped[int | None] = mapped_column(
        BigInteger
    )  # the key of name and merchant; None: not yet given


class TransactionChoice(Base):
    """What a person decided about a transaction; no sync touches it."""

    __tablename__ = "transaction_choices"
    __table_args__ = (
        owner_key("transaction_choices", "plaid_transactions", "transaction_id"),
        Index("ix_transaction_choices_wording", "user_id", "wording"),
        Index("ix_transaction_choices_unkeyed", "user_id", **UNKEYED),
        Index(
            "ix_transaction_choices_hidden",
            "user_id",
            sqlite_where=text("hidden = 1"),
            postgresql_where=text("hidden"),
        ),
    )
    transaction_id: Mapped[TransactionId] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(String(32))
    name: Mapped[str | None] = mapped_column(String(200))
    category: Mapped[str | None] = mapped_column(String(120))
    notes: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    hidden: Mapped[bool] = mapped_column(default=False)
    origins: Mapped[dict[str, str]] = mapped_column(
        JSON, default=dict
    )  # field: who decided it, "hand" or a rule's id
    wording: Mapped[int | None] = mapped_column(
        BigInteger
    )  # the key of name, notes and tags; None: not yet given


class TransactionChange(Base):
    """What one sync changed in a transaction, field by field."""

    __tablename__ = "plaid_transaction_changes"
    __table_args__ = (Index(None, "transaction_id", "at"), Index(None, "sync_id"))
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    transaction_id: Mapped[TransactionId] = mapped_column(
        ForeignKey("plaid_transactions.id", ondelete="CASCADE")
    )
    sync_id: Mapped[SyncId] = mapped_column(String(32))
    at: Mapped[dt.datetime]
    kind: Mapped[str] = mapped_column(String(16))
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)  # name: [before, after]


class ParkedRow(Base):
    """A transaction of an account that we do not know yet; applied when the account appears."""

    __tablename__ = "plaid_parked_rows"
    __table_args__ = (UniqueConstraint("connection_id", "plaid_transaction_id"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    connection_id: Mapped[ConnectionId] = mapped_column(
        ForeignKey("plaid_connections.id", ondelete="CASCADE")
    )
    plaid_account_id: Mapped[str] = mapped_column(String(128))
    plaid_transaction_id: Mapped[str] = mapped_column(String(128))
    raw: Mapped[str] = mapped_column(Text)
    sync_id: Mapped[SyncId] = mapped_column(String(32))
    at: Mapped[dt.datetime]


class QuarantinedRow(Base):
    """A row that can't be read: kept whole, with the reason, and counted."""

    __tablename__ = "plaid_quarantined_rows"
    __table_args__ = (UniqueConstraint("connection_id", "fingerprint"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    connection_id: Mapped[ConnectionId] = mapped_column(
        ForeignKey("plaid_connections.id", ondelete="CASCADE")
    )
    fingerprint: Mapped[str] = mapped_column(String(64))  # of its JSON: the same row again is no second one
    raw: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(String(200))
    sync_id: Mapped[SyncId] = mapped_column(String(32))
    of_cursor: Mapped[str | None] = mapped_column(
        String(64)
    )  # hash: where its update began; None: of a product
    at: Mapped[dt.datetime]  # first set aside


class Staging(Base):
    """An update so large that it is written in several transactions: nobody sees its rows while this is here.

    Its last transaction deletes this together with moving the cursor. What a dead worker left is deleted with its rows.
    """

    __tablename__ = "plaid_stagings"
    sync_id: Mapped[SyncId] = mapped_column(String(32), primary_key=True)
    connection_id: Mapped[ConnectionId] = mapped_column(
        ForeignKey("plaid_connections.id", ondelete="CASCADE"), index=True
    )
    first_id: Mapped[TransactionId] = mapped_column(String(32))  # the ids of its rows rise from here
    at: Mapped[dt.datetime]


class Arrival(Base):
    """What a sync brought that rules and pairing have not seen yet; gone when they have."""

    __tablename__ = "plaid_arrivals"
    __table_args__ = (owner_key("plaid_arrivals", "plaid_connections", "connection_id"),)
    sync_id: Mapped[SyncId] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(String(32))
    connection_id: Mapped[ConnectionId] = mapped_column(String(32))
    first_id: Mapped[TransactionId | None] = mapped_column(
        String(32)
    )  # of its new rows, whose ids rise; None: it brought none
    at: Mapped[dt.datetime]


class BalanceSnapshot(Base):
    """An account's balance at the end of a day, as the last sync of that day read it."""

    __tablename__ = "balance_snapshots"
    account_id: Mapped[AccountId] = mapped_column(
        ForeignKey("plaid_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    taken_on: Mapped[dt.date] = mapped_column(primary_key=True)
    current_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(12))


class BalanceCheck(Base):
    """How an account's balance and the sums of its transactions stood when either had changed, and how they moved."""

    __tablename__ = "balance_checks"
    __table_args__ = (Index(None, "account_id", "id"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    account_id: Mapped[AccountId] = mapped_column(ForeignKey("plaid_accounts.id", ondelete="CASCADE"))
    sync_id: Mapped[SyncId] = mapped_column(String(32))
    at: Mapped[dt.datetime]
    current_minor: Mapped[int] = mapped_column(BigInteger)
    posted_minor: Mapped[int] = mapped_column(BigInteger)
    pending_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(12))
    expected_minor: Mapped[int | None] = mapped_column(BigInteger)  # None: nothing to compare with yet
    reported_minor: Mapped[int | None] = mapped_column(BigInteger)


class PlaidSyncLog(Base):
    """One sync, from being asked for to its end."""

    __tablename__ = "plaid_sync_logs"
    __table_args__ = (
        Index(None, "connection_id", "requested_at"),
        Index(None, "user_id", "requested_at"),
        Index(None, "status", "requested_at"),
        Index(None, "requested_at", "id"),
        Index(
            "ix_plaid_sync_logs_failed",
            *("requested_at", "id", "error_code", "connection_id", "trigger"),
            **OF_FAILED,
        ),
        Index("ix_plaid_sync_logs_failed_error", "error_code", "requested_at", "id", **OF_FAILED),
        owner_key("plaid_sync_logs", "plaid_connections", "connection_id"),
    )
    id: Mapped[SyncId] = mapped_column(String(32), primary_key=True)
    connection_id: Mapped[ConnectionId] = mapped_column(String(32))
    user_id: Mapped[UserId] = mapped_column(String(32))
    trigger: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    requested_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    pages: Mapped[int] = mapped_column(default=0)
    restarts: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    modified: Mapped[int] = mapped_column(default=0)
    removed: Mapped[int] = mapped_column(default=0)
    parked: Mapped[int] = mapped_column(default=0)
    quarantined: Mapped[int] = mapped_column(default=0)
    fetched: Mapped[int] = mapped_column(
        default=0
    )  # rows read from Plaid so far: the progress of a long import
    update_status: Mapped[str | None] = mapped_column(
        String(40)
    )  # Plaid's own word for how far its history is
    cursor_before: Mapped[str | None] = mapped_column(String(64))  # hashes: a cursor tells nobody anything
    cursor_after: Mapped[str | None] = mapped_column(String(64))
    error_code: Mapped[str | None] = mapped_column(String(80))
    error_request_id: Mapped[str | None] = mapped_column(String(64))
