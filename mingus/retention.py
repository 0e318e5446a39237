"""How long what was received and logged is kept. What still waits to be done is never forgotten."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.models import PlaidCall

if TYPE_CHECKING:
    from sqlalchemy import Select

    from mingus.ambient import Ambient
    from mingus.config import Settings
    from mingus.webhooks.inbox import Inbox

BATCH = 2000


class Retention:
    """Forgets by the operator's settings."""

    def __init__(self, *, settings: Settings, ambient: Ambient, inbox: Inbox) -> None:
        self._settings = settings
        self._ambient = ambient
        self._inbox = inbox

    def forget_old(self) -> None:
        """Delete what is older than it may be, in batches that hold no lock for long."""
        self._inbox.forget_before(self._days_ago(self._settings.keep_webhooks_days))
        calls = select(PlaidCall.id).where(PlaidCall.at < self._days_ago(self._settings.keep_calls_days))
        self._forget(PlaidCall, calls)
        before = self._days_ago(self._settings.keep_sync_logs_days)
        self._forget(
            PlaidSyncLog,
            select(PlaidSyncLog.id).where(
                PlaidSyncLog.finished_at < before, PlaidSyncLog.requested_at < before
            ),
        )

    def _forget(self, model: type[PlaidCall | PlaidSyncLog], old: Select[str]) -> None:
        while ids := db.session.scalars(old.limit(BATCH)).all():
            with unit_of_work() as unit:
                unit.session.execute(delete(model).where(model.id.in_(ids)))

    def _days_ago(self, days: int) -> dt.datetime:
        return self._ambient.now() - dt.timedelta(days=days)
