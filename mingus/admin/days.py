"""Days that are over, counted once: pages read their figures instead of millions of rows (decision 041)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus.admin.models import FigureOfDay
from mingus.admin.tallies import MONTH
from mingus.admin.tallies import Days
from mingus.admin.tallies import Measure
from mingus.admin.tallies import Tally
from mingus.admin.tallies import by_day
from mingus.admin.tallies import sign_ins
from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert

if TYPE_CHECKING:
    from mingus.ambient import Ambient

DAY = dt.timedelta(days=1)
SETTLES = 2 * DAY  # until then what began on a day may still come to its end: it is counted again


def midnight(day: dt.date) -> dt.datetime:
    """The instant that a day begins with (UTC)."""
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def closed(environment: str, since: dt.date) -> tuple[dict[Measure, Days], dt.date]:
    """The figures of the closed days from `since` on, without a gap, and the first day that has none."""
    rows = db.session.execute(
        select(FigureOfDay.measure, FigureOfDay.day, FigureOfDay.counted, FigureOfDay.total).where(
            FigureOfDay.environment == environment, FigureOfDay.day >= since
        )
    ).all()
    days, end = {row.day for row in rows}, since
    while end in days:
        end += DAY
    found: dict[Measure, Days] = {measure: {} for measure in Measure}
    for row in rows:
        if row.day < end:
            found[Measure(row.measure)][row.day] = Tally(row.counted, row.total)
    return found, end


class DayFigures:
    """Closes days."""

    def __init__(self, *, ambient: Ambient, environment: str) -> None:
        self._ambient = ambient
        self._environment = environment

    def close_days(self) -> None:
        """Count each day of the last month that is over: once, and the latest ones anew; safe to repeat."""
        today = self._ambient.now().astimezone(dt.UTC).date()
        day = today - MONTH
        known = set(
            db.session.scalars(
                select(FigureOfDay.day).where(
                    FigureOfDay.environment == self._environment, FigureOfDay.day >= day
                )
            )
        )
        while day < today:
            if day not in known or day >= today - SETTLES:
                self._close(day)
            day += DAY

    def _close(self, day: dt.date) -> None:
        """All measures in one unit: a day is closed whole or not at all."""
        since, until = midnight(day), midnight(day) + DAY
        found = by_day(self._environment, since, until)
        counted = {measure: days.get(day, Tally()) for measure, days in found.items()}
        counted[Measure.SIGN_INS] = sign_ins(self._environment, until)
        db.session.rollback()  # counting may take long: the unit begins after it
        rows = [
            {
                "environment": self._environment,
                "measure": measure.value,
                "day": day,
                "counted": tally.counted,
                "total": tally.total,
            }
            for measure, tally in counted.items()
        ]
        with unit_of_work() as unit:
            upsert(unit.session, FigureOfDay, rows, key=["environment", "measure", "day"])
