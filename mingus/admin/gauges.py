"""What a scrape asks of the rows: how things stand now, the same from whichever process answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.admin import connections
from mingus.backups.models import Backup
from mingus.backups.models import BackupState
from mingus.db import db
from mingus.plaid.models import PlaidConnection
from mingus.plaid.queries import oldest_wanted_sync
from mingus.plaid.queries import parked_syncs
from mingus.plaid.states import READABLE
from mingus.sealed import VaultSecret
from mingus.webhooks import queries

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from mingus.plaid.outgoing import OutgoingLimits

Gauge = tuple[str, str, tuple[str, ...], list[tuple[tuple[str, ...], float]]]


def gauges(
    *,
    environment: str,
    now: dt.datetime,
    outgoing: OutgoingLimits,
    waiting: dict[str, int],
    nudges: int | None,
) -> Iterator[Gauge]:
    """Name, help, names of labels, and a value for each set of labels. `waiting`: rows for a worker, by kind."""
    states = connections.counts(environment=environment)
    yield (
        "mingus_connections",
        "Connections of this environment, by state.",
        ("state",),
        [((state.value,), count) for state, count in states.items()],
    )
    yield from _ages(environment, now)
    yield (
        "mingus_webhooks_stored",
        "Webhooks in the inbox, by state.",
        ("state",),
        [((state.value,), count) for state, count in queries.counts().items()],
    )
    yield (
        "mingus_rows_waiting",
        "Rows that wait for a worker, by kind of work.",
        ("kind",),
        [((kind,), count) for kind, count in waiting.items()],
    )
    yield (
        "mingus_syncs_parked",
        "Connections whose sync ended its worker each time.",
        (),
        [((), parked_syncs())],
    )
    if nudges is not None:
        yield "mingus_nudges_waiting", "Nudges in the queue.", (), [((), nudges)]
    yield (
        "mingus_outgoing_used_share",
        "How much of our own allowance for calls to Plaid is in use.",
        ("bucket",),
        [((use.key,), round(use.used_share, 4)) for use in outgoing.shared_usage()],
    )
    yield (
        "mingus_vault_secrets",
        "Sealed secrets, by key.",
        ("key_id",),
        [
            ((key_id,), count)
            for key_id, count in db.session.execute(
                select(VaultSecret.key_id, func.count()).group_by(VaultSecret.key_id)
            )
        ],
    )


def _ages(environment: str, now: dt.datetime) -> Iterator[Gauge]:
    """How long ago what should not be long ago; nothing where there is nothing."""
    oldest_read = db.session.scalar(
        select(func.min(PlaidConnection.last_good_at)).where(
            PlaidConnection.environment == environment,
            PlaidConnection.state.in_([state.value for state in READABLE]),
        )
    )
    backup = db.session.scalar(select(func.max(Backup.finished_at)).where(Backup.state == BackupState.MADE))
    lead = queries.clock_lead(now)
    for name, words, seconds in (
        ("mingus_oldest_good_read_seconds", "Of all connections that can be read.", _since(oldest_read, now)),
        ("mingus_inbox_lag_seconds", "The oldest webhook that waits.", _since(queries.oldest_waiting(), now)),
        (
            "mingus_sync_lag_seconds",
            "The oldest sync that waits.",
            _since(oldest_wanted_sync(environment), now),
        ),
        ("mingus_backup_age_seconds", "The newest backup that was read back.", _since(backup, now)),
        (
            "mingus_clock_lead_seconds",
            "Our clock against Plaid's webhooks.",
            lead.total_seconds() if lead is not None else None,
        ),
    ):
        if seconds is not None:
            yield name, words, (), [((), seconds)]


def _since(instant: dt.datetime | None, now: dt.datetime) -> float | None:
    return (now - instant).total_seconds() if instant is not None else None
