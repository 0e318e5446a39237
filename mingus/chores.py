"""Chores: what has to happen every so often, once for the whole installation, whatever the number of workers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import String
from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import update
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.db import Base
from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence

    from mingus.ambient import Ambient


CLOCK_LEEWAY = dt.timedelta(
    minutes=5
)  # between the clocks of several machines, and a round that is longer at times


class ChoreDue(Base):
    """When a chore is to be done next."""

    __tablename__ = "chores"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    due_at: Mapped[dt.datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Work that is safe to repeat."""

    name: str
    every: dt.timedelta
    do: Callable[[], object]


class Chores:
    """Does each chore when it is due, if no other worker was faster."""

    def __init__(self, ambient: Ambient) -> None:
        self._ambient = ambient

    def do_due(self, chores: Sequence[Chore]) -> list[str]:
        """Do what is due; the names of what was done here."""
        due = {row.name: row.due_at for row in db.session.execute(select(ChoreDue.name, ChoreDue.due_at))}
        done = []
        for chore in chores:
            now = self._ambient.now()
            at = due.get(chore.name, now)
            if (at <= now or at > _too_far(chore, now)) and self._claim(chore, now):
                chore.do()
                done.append(chore.name)
        return done

    def _claim(self, chore: Chore, now: dt.datetime) -> bool:
        with unit_of_work() as unit:
            row = {"name": chore.name, "due_at": now}
            upsert(unit.session, ChoreDue, [row], key=["name"], keep=["due_at"])
            claimed = unit.session.execute(
                update(ChoreDue)
                .where(
                    ChoreDue.name == chore.name,
                    or_(ChoreDue.due_at <= now, ChoreDue.due_at > _too_far(chore, now)),
                )
                .values(due_at=now + chore.every)
            )
            return bool(claimed.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult


def _too_far(chore: Chore, now: dt.datetime) -> dt.datetime:
    """No time that was set by this clock: it has been set back since, and nobody is to wait for the difference."""
    return now + CLOCK_LEEWAY + chore.every
