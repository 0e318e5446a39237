"""Is this installation fit for traffic? The same facts for /readyz and for `doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mingus import schema
from mingus.db import db
from mingus.plaid import queries as plaid_queries
from mingus.webhooks import queries
from mingus.webhooks.models import EventState

if TYPE_CHECKING:
    from mingus.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether to send traffic here, and what was found."""

    ready: bool
    facts: dict[str, object]


def check(services: Services) -> Readiness:
    """Ask the database, its schema and the queue."""
    database = _database_answers()
    migrated = database and schema.is_current()
    waiting = services.jobs.waiting()
    return Readiness(
        ready=migrated and waiting is not None,
        facts={
            "database": "ok" if database else "unreachable",
            "migrations": "ok" if migrated else "behind",
            "queue": "ok" if waiting is not None else "unreachable",
            "nudges_waiting": waiting,
            "rows_waiting": sum(len(sweep.find()) for sweep in services.sweeps()) if migrated else None,
            "oldest_webhook_seconds": _inbox_lag(services) if migrated else None,
            "oldest_sync_seconds": _sync_lag(services) if migrated else None,
            "clock_lead_seconds": _clock_lead(services) if migrated else None,
            "webhooks_parked": queries.counts().get(EventState.PARKED, 0) if migrated else None,
            "syncs_parked": plaid_queries.parked_syncs() if migrated else None,
        },
    )


def _inbox_lag(services: Services) -> int:
    """How long the oldest unhandled webhook has waited; 0 when none waits."""
    oldest = queries.oldest_waiting()
    return int((services.ambient.now() - oldest).total_seconds()) if oldest is not None else 0


def _sync_lag(services: Services) -> int:
    """How long the oldest sync waits that a worker may begin; 0 when none waits."""
    oldest = plaid_queries.oldest_wanted_sync(services.settings.environment.value)
    return int((services.ambient.now() - oldest).total_seconds()) if oldest is not None else 0


def _clock_lead(services: Services) -> int | None:
    lead = queries.clock_lead(services.ambient.now())
    return None if lead is None else int(lead.total_seconds())


def _database_answers() -> bool:
    try:
        with db.engine.connect() as connection:
            return bool(connection.scalar(text("select 1")))
    except DBAPIError:
        return False
