"""When a connection is to be looked at next, and whether it is behind its bank."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from mingus.patience import SPREAD_SHARE
from mingus.patience import share_of
from mingus.plaid.models import SyncChoice
from mingus.plaid.states import MOST_CRASHES
from mingus.plaid.states import ConnectionState

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Row

    from mingus.db import Unit
    from mingus.plaid.models import PlaidConnection

DEFAULT_HOURS = 24
WARN_BEFORE_EXPIRY = dt.timedelta(days=14)
SILENT_AFTER = dt.timedelta(hours=24)
SCHEDULED = frozenset(
    {
        ConnectionState.IMPORTING.value,
        ConnectionState.HEALTHY.value,
        ConnectionState.ATTENTION_SOON.value,
        ConnectionState.BANK_TROUBLE.value,
    }
)


def plan_next(unit: Unit, connection: PlaidConnection, now: dt.datetime) -> None:
    """Set when the connection is synced next without being asked: never later than the member chose."""
    choice = unit.session.get(SyncChoice, connection.user_id)
    connection.next_sync_at = next_sync(connection.id, now, choice.hours if choice is not None else None)


def next_sync(connection_id: str, now: dt.datetime, hours: int | None) -> dt.datetime:
    """When a connection is synced next without being asked, by the member's choice of hours."""
    whole = dt.timedelta(hours=DEFAULT_HOURS if hours is None else hours)
    return now + whole - spread(connection_id, now, whole * SPREAD_SHARE)


def spread(connection_id: str, now: dt.datetime, span: dt.timedelta) -> dt.timedelta:
    """A share of `span` that differs from connection to connection and from day to day."""
    return share_of(f"{connection_id} {now:%Y-%m-%d}", span)


def is_behind(connection: PlaidConnection, now: dt.datetime) -> bool:
    """Whether the bank had news since the last sync, or webhooks are silent, so that nobody would tell us."""
    if connection.synced_at is None or connection.state not in SCHEDULED:
        return False
    if connection.bank_data_at is not None and connection.bank_data_at > connection.synced_at:
        return True
    heard = connection.last_webhook_at
    return heard is None or now - heard >= SILENT_AFTER


def working_state(connection: PlaidConnection | Row[Any], now: dt.datetime) -> ConnectionState:
    """What a connection is that can be read: healthy, unless the person should act before it stops."""
    if connection.crashes >= MOST_CRASHES:
        return ConnectionState.BANK_TROUBLE  # it can be read, but nobody gets through a sync
    ends = (connection.consent_expires_at, connection.disconnect_at)
    soon = any(end is not None and end - now <= WARN_BEFORE_EXPIRY for end in ends)
    return ConnectionState.ATTENTION_SOON if soon or connection.new_accounts else ConnectionState.HEALTHY
