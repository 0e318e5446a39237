"""Balances at the member's midnight, also of days on which nothing was synced."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select

from mingus.auth.models import User
from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState

if TYPE_CHECKING:
    from mingus.ambient import Ambient

BATCH = 500


class Snapshots:
    """Closes days."""

    def __init__(self, ambient: Ambient) -> None:
        self._ambient = ambient

    def close_days(self) -> None:
        """Keep yesterday's last known balance of every account, wherever yesterday has ended; safe to repeat."""
        for zone in db.session.scalars(select(User.time_zone).distinct()).all():
            today = self._ambient.today(zone)
            midnight = dt.datetime.combine(today, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
            self._close(zone, today - dt.timedelta(days=1), midnight)

    def _close(self, zone: str, day: dt.date, midnight: dt.datetime) -> None:
        """What was read after midnight is not yesterday's: such accounts keep what syncs wrote that day."""
        taken = select(BalanceSnapshot.account_id).where(BalanceSnapshot.taken_on == day)
        missing = (
            select(PlaidAccount.id, PlaidAccount.current_minor, PlaidAccount.currency)
            .join(User, User.id == PlaidAccount.user_id)
            .join(PlaidConnection, PlaidConnection.id == PlaidAccount.connection_id)
            .where(
                User.time_zone == zone,
                PlaidConnection.state
                != ConnectionState.MANUAL.value,  # there only its owner says what was when
                PlaidAccount.closed_at.is_(None),
                PlaidAccount.balance_at < midnight,
                PlaidAccount.id.not_in(taken),
            )
            .limit(BATCH)
        )
        while rows := db.session.execute(missing).all():
            with unit_of_work() as unit:
                found = [
                    {
                        "account_id": row.id,
                        "taken_on": day,
                        "current_minor": row.current_minor,
                        "currency": row.currency,
                    }
                    for row in rows
                ]
                upsert(
                    unit.session,
                    BalanceSnapshot,
                    found,
                    key=["account_id", "taken_on"],
                    keep=["current_minor", "currency"],
                )
