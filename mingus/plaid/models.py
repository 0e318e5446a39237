"""The Plaid tables: what the bank said, how each connection lives, and what was asked of Plaid."""

from __future__ import annotations

import datetime as dt
from typing import Any
from typing import NewType

from sqlalchemy import JSON
from sqlalchemy import BigInteger
from sqlalchemy import CheckConstraint
from sqlalchemy import ForeignKey
from sqlalchemy import ForeignKeyConstraint
from sqlalchemy import Index
from sqlalchemy import String
from sqlalchemy import Text
from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.auth.models import UserId
from mingus.db import Base
from mingus.db import owner_key
from mingus.sealed import SecretId

ConnectionId = NewType("ConnectionId", str)
AccountId = NewType("AccountId", str)
LinkId = NewType("LinkId", str)


class PlaidInstitution(Base):
    """A bank as Plaid describes it; kept for its name and looks."""

    __tablename__ = "plaid_institutions"
    plaid_institution_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(String(500))
    primary_color: Mapped[str | None] = mapped_column(String(16))
    logo: Mapped[str | None] = mapped_column(Text)  # base64 PNG
    oauth: Mapped[bool]
    products: Mapped[list[str]] = mapped_column(JSON)
    fetched_at: Mapped[dt.datetime]
    trouble_count: Mapped[int] = mapped_column(default=0)  # failures in a row, over all connections
    trouble_until: Mapped[dt.datetime | None]  # until then nobody asks this bank: the circuit is open


class PlaidConnection(Base):
    """One bank login of one person, at Plaid an Item."""

    __tablename__ = "plaid_connections"
    __table_args__ = (
        UniqueConstraint("environment", "plaid_item_id"),
        Index(None, "user_id", "environment", "state"),
        Index(None, "user_id", "id", unique=True),
        Index(None, "state", "next_check_at"),
        Index(None, "state", "next_sync_at"),
        Index("ix_plaid_connections_wanted", "wanted_seq", "done_seq", "lease_until"),
        CheckConstraint("state != 'removed' OR secret_id IS NULL", name="removed_without_token"),
    )
    id: Mapped[ConnectionId] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(String(16))
    plaid_item_id: Mapped[str] = mapped_column(String(128))
    plaid_institution_id: Mapped[str | None] = mapped_column(String(64), index=True)
    institution_name: Mapped[str] = mapped_column(String(200))
    secret_id: Mapped[SecretId | None] = mapped_column(ForeignKey("vault_secrets.id"))
    state: Mapped[str] = mapped_column(String(16))
    state_since: Mapped[dt.datetime]
    error_code: Mapped[str | None] = mapped_column(String(80))
    error_request_id: Mapped[str | None] = mapped_column(String(64))
    new_accounts: Mapped[bool] = mapped_column(default=False)  # the bank has accounts that we were not shown
    consent_expires_at: Mapped[dt.datetime | None]
    disconnect_at: Mapped[dt.datetime | None]  # the bank announced that it ends the connection then
    products: Mapped[list[str]] = mapped_column(JSON)
    webhook_url: Mapped[str | None] = mapped_column(String(500))
    last_webhook_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    last_checked_at: Mapped[dt.datetime | None]
    last_good_at: Mapped[dt.datetime | None]  # the last read that gave data
    bank_data_at: Mapped[dt.datetime | None]  # when Plaid itself last had news from the bank
    next_check_at: Mapped[dt.datetime | None]  # when the worker looks again, without being asked
    failures: Mapped[int] = mapped_column(default=0)  # tries in a row that failed
    keep_history: Mapped[bool] = mapped_column(default=True)
    sync_cursor: Mapped[str] = mapped_column(
        Text, default=""
    )  # of the last complete update; empty: from the start
    wanted_seq: Mapped[int] = mapped_column(default=0)  # rises with every wish for a sync
    done_seq: Mapped[int] = mapped_column(default=0)  # the wish that the last finished sync fulfilled
    lease_until: Mapped[dt.datetime | None]  # somebody syncs until then
    crashes: Mapped[int] = mapped_column(default=0)  # leases in a row that were never given back
    synced_at: Mapped[dt.datetime | None]  # when the last good sync began
    next_sync_at: Mapped[dt.datetime | None]  # when a sync is due without being asked for
    fence: Mapped[int] = mapped_column(
        default=0
    )  # rises with every lease: a frozen worker's is too old to commit
    paused_at: Mapped[
        dt.datetime | None
    ]  # since then nobody asks this bank, until the operator lets it go on
    reread_wanted: Mapped[bool] = mapped_column(
        default=False
    )  # the next sync reads everything anew; what the bank no longer tells of is removed


class ConnectionChange(Base):
    """One step in a connection's life, with its cause."""

    __tablename__ = "plaid_connection_changes"
    __table_args__ = (Index(None, "connection_id", "at"), Index(None, "after", "at"))
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    connection_id: Mapped[ConnectionId] = mapped_column(
        ForeignKey("plaid_connections.id", ondelete="CASCADE")
    )
    at: Mapped[dt.datetime]
    before: Mapped[str] = mapped_column(String(16))
    after: Mapped[str] = mapped_column(String(16))
    cause: Mapped[str] = mapped_column(String(80))
    request_id: Mapped[str | None] = mapped_column(String(64))


class PlaidAccount(Base):
    """An account as the bank describes it; what the person calls it is in AccountChoice."""

    __tablename__ = "plaid_accounts"
    __table_args__ = (
        UniqueConstraint("connection_id", "plaid_account_id"),
        Index(None, "user_id", "id", unique=True),
        Index(None, "user_id", "connection_id", "id", unique=True),
        owner_key("plaid_accounts", "plaid_connections", "connection_id"),
        # looked at in the end: by then the key below has let go of an account that goes
        ForeignKeyConstraint(
            ["user_id", "replaces_id"],
            ["plaid_accounts.user_id", "plaid_accounts.id"],
            name="fk_plaid_accounts_replaces_id_of_owner",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    id: Mapped[AccountId] = mapped_column(String(32), primary_key=True)
    connection_id: Mapped[ConnectionId] = mapped_column(String(32))
    user_id: Mapped[UserId] = mapped_column(String(32), index=True)
    plaid_account_id: Mapped[str] = mapped_column(String(128))
    persistent_account_id: Mapped[str | None] = mapped_column(String(128), index=True)
    name: Mapped[str] = mapped_column(String(200))
    official_name: Mapped[str | None] = mapped_column(String(200))
    mask: Mapped[str | None] = mapped_column(String(16))
    type: Mapped[str] = mapped_column(String(40))
    subtype: Mapped[str | None] = mapped_column(String(80))
    currency: Mapped[str] = mapped_column(String(12))
    current_minor: Mapped[int | None] = mapped_column(BigInteger)  # None: the bank did not say
    available_minor: Mapped[int | None] = mapped_column(BigInteger)
    limit_minor: Mapped[int | None] = mapped_column(BigInteger)
    balance_at: Mapped[dt.datetime]  # when we read the balance
    created_at: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None]  # no longer shown by the bank; its history stays
    replaces_id: Mapped[AccountId | None] = mapped_column(
        ForeignKey("plaid_accounts.id", ondelete="SET NULL")
    )


class AccountChoice(Base):
    """What a person decided about an account; no sync touches it."""

    __tablename__ = "account_choices"
    account_id: Mapped[AccountId] = mapped_column(
        ForeignKey("plaid_accounts.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str | None] = mapped_column(String(80))
    hidden: Mapped[bool] = mapped_column(default=False)


class SyncChoice(Base):
    """How often a member wants the banks synced at least; without a row: once a day."""

    __tablename__ = "sync_choices"
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    hours: Mapped[int]


class LinkSession(Base):
    """One opening of Link, from its token to its end; the truth on the way back from a bank."""

    __tablename__ = "plaid_link_sessions"
    __table_args__ = (
        Index(None, "user_id", "created_at"),
        Index(None, "state", "next_look_at"),
        owner_key("plaid_link_sessions", "plaid_connections", "connection_id"),
    )
    id: Mapped[LinkId] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    environment: Mapped[str] = mapped_column(String(16))
    purpose: Mapped[str] = mapped_column(String(16))
    connection_id: Mapped[ConnectionId | None] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    link_token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    link_secret_id: Mapped[SecretId | None] = mapped_column(ForeignKey("vault_secrets.id"))
    public_token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    public_secret_id: Mapped[SecretId | None] = mapped_column(ForeignKey("vault_secrets.id"))
    access_secret_id: Mapped[SecretId | None] = mapped_column(ForeignKey("vault_secrets.id"))
    plaid_item_id: Mapped[str | None] = mapped_column(String(128), index=True)
    plaid_institution_id: Mapped[str | None] = mapped_column(String(64))
    institution_name: Mapped[str | None] = mapped_column(String(200))
    shown_accounts: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    plaid_session_id: Mapped[str | None] = mapped_column(String(64))
    error_code: Mapped[str | None] = mapped_column(String(80))
    error_request_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    changed_at: Mapped[dt.datetime]
    next_look_at: Mapped[dt.datetime | None]  # when the sweep finishes what stopped half-way
    looks: Mapped[int] = mapped_column(default=0)


class LinkEvent(Base):
    """One event of Link, as the page reported it; search texts and numbers are left out."""

    __tablename__ = "plaid_link_events"
    __table_args__ = (Index(None, "link_id", "at"),)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    link_id: Mapped[LinkId] = mapped_column(ForeignKey("plaid_link_sessions.id", ondelete="CASCADE"))
    at: Mapped[dt.datetime]
    name: Mapped[str] = mapped_column(String(80))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)


# an admin's figures are read off this index alone, without the rows
FIGURES = Index("ix_plaid_calls_figures", "at", "status", "error_code", "milliseconds")


class PlaidCall(Base):
    """One call to Plaid: enough for Plaid's support, nothing of its content."""

    __tablename__ = "plaid_calls"
    __table_args__ = (Index(None, "connection_id", "at"), Index(None, "error_code", "at"), FIGURES)
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[dt.datetime]
    endpoint: Mapped[str] = mapped_column(String(64))
    connection_id: Mapped[ConnectionId | None] = mapped_column(
        ForeignKey("plaid_connections.id", ondelete="SET NULL")
    )
    request_id: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[int | None]  # None: no answer arrived
    milliseconds: Mapped[int]
    error_type: Mapped[str | None] = mapped_column(String(80))
    error_code: Mapped[str | None] = mapped_column(String(80))


class OutgoingBucket(Base):
    """How many calls one endpoint, item or client may still make; shared by all processes."""

    __tablename__ = "plaid_outgoing_buckets"
    key: Mapped[str] = mapped_column(String(160), primary_key=True)
    tokens_milli: Mapped[int] = mapped_column(BigInteger)
    filled_ms: Mapped[int] = mapped_column(BigInteger)
