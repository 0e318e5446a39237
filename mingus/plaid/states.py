"""The life of a connection: its states, what may follow what, and its health in one word."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

MOST_CRASHES = 5  # syncs in a row that ended their worker: then nobody tries until somebody asks


class ConnectionState(StrEnum):
    """Where a connection stands. Asleep is not here: it follows from the environment it was made in."""

    LINKING = "linking"  # the token is safe, nothing was read yet
    IMPORTING = "importing"  # the first read is under way
    HEALTHY = "healthy"  # the last read was good
    ATTENTION_SOON = "attention_soon"  # works, but the person should act before it stops
    NEEDS_SIGN_IN = "needs_sign_in"  # the bank wants the person
    BANK_TROUBLE = "bank_trouble"  # the bank or Plaid fails; we try again
    REVOKED = "revoked"  # ended at the bank or at Plaid; history stays
    REMOVING = "removing"  # ended by the person; Plaid has not confirmed yet
    REMOVED = "removed"  # gone at Plaid too
    MANUAL = "manual"  # no bank is behind it: its accounts are kept by hand


class Health(StrEnum):
    """The state in one word, for lists and machines."""

    HEALTHY = "HEALTHY"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    UNKNOWN = "UNKNOWN"


class Purpose(StrEnum):
    """Why Link is opened."""

    CONNECT = "connect"
    RECONNECT = "reconnect"
    ACCOUNTS = "accounts"


ENDED = frozenset({ConnectionState.REVOKED, ConnectionState.REMOVING, ConnectionState.REMOVED})
READABLE = frozenset(ConnectionState) - ENDED - {ConnectionState.MANUAL}
ASLEEP = "This connection belongs to another environment and rests."
PAUSED = "Paused by the people who run this MINGUS. Nothing is lost; it goes on when they let it."
STALE = "Nothing was read for a week. Sync now."
FAILING = "Wait; the people who run this can see it."
SYNC_GAP = dt.timedelta(days=7)
HEALTH_OF = {
    ConnectionState.LINKING: Health.UNKNOWN,
    ConnectionState.IMPORTING: Health.UNKNOWN,
    ConnectionState.HEALTHY: Health.HEALTHY,
    ConnectionState.ATTENTION_SOON: Health.WARNING,
    ConnectionState.NEEDS_SIGN_IN: Health.CRITICAL,
    ConnectionState.BANK_TROUBLE: Health.WARNING,
    ConnectionState.REVOKED: Health.CRITICAL,
    ConnectionState.REMOVING: Health.UNKNOWN,
    ConnectionState.REMOVED: Health.UNKNOWN,
    ConnectionState.MANUAL: Health.HEALTHY,
}


def may_follow(before: ConnectionState, after: ConnectionState) -> bool:
    """False for what can't be true: a removed connection does not come back, an ended one only goes on ending.

    What is kept by hand is never anything else.
    """
    if before in {ConnectionState.REMOVED, ConnectionState.MANUAL} or after is ConnectionState.MANUAL:
        return False
    if before is ConnectionState.REMOVING:
        return after is ConnectionState.REMOVED
    if before is ConnectionState.REVOKED:
        return after is ConnectionState.REMOVING
    return after is not ConnectionState.LINKING


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """How a connection does and what to do about it."""

    health: Health
    recommendation: str


def health(
    state: ConnectionState,
    *,
    last_good_at: dt.datetime | None,
    asleep: bool,
    paused: bool,
    failing: bool,
    now: dt.datetime,
) -> HealthReport:
    """One word and one sentence; a week without a good read, or a fault on our side, is at least a warning."""
    if asleep:
        return HealthReport(health=Health.UNKNOWN, recommendation=ASLEEP)
    if paused and state in READABLE:
        return HealthReport(health=Health.UNKNOWN, recommendation=PAUSED)
    word = HEALTH_OF[state]
    if word is Health.HEALTHY and (last_good_at is None or now - last_good_at >= SYNC_GAP):
        return HealthReport(health=Health.WARNING, recommendation=STALE)
    if word is Health.HEALTHY and failing:
        return HealthReport(health=Health.WARNING, recommendation=FAILING)
    return HealthReport(health=word, recommendation=RECOMMENDATIONS[state])


RECOMMENDATIONS = {
    ConnectionState.LINKING: "The connection is being set up.",
    ConnectionState.IMPORTING: "The first import is under way.",
    ConnectionState.HEALTHY: "Nothing to do.",
    ConnectionState.ATTENTION_SOON: "Renew the connection before the bank ends it.",
    ConnectionState.NEEDS_SIGN_IN: "Sign in at the bank again.",
    ConnectionState.BANK_TROUBLE: "Wait; we try again by ourselves.",
    ConnectionState.REVOKED: "Connect the bank again.",
    ConnectionState.REMOVING: "We ask Plaid to remove it until it is confirmed.",
    ConnectionState.REMOVED: "It is gone.",
    ConnectionState.MANUAL: "Nothing to do.",
}
