"""Whose turn it is to bring up to date what is kept beside a person's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.transactions.models import MonthSum

if TYPE_CHECKING:
    from mingus.auth.models import UserId
    from mingus.db import Unit


def wait_for_turn(unit: Unit, user_id: UserId) -> None:
    """Until the end of the unit nobody else does so for this person; SQLite has one writer anyway."""
    if user_id in unit.turns or unit.session.get_bind().dialect.name != "postgresql":
        return
    keys = func.hashtext(MonthSum.__tablename__), func.hashtext(user_id)
    unit.session.execute(select(func.pg_advisory_xact_lock(*keys)))
    unit.turns.add(user_id)
