"""How the installation does against its targets; counts only, of everybody together."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from mingus.admin import days as book
from mingus.admin import tallies
from mingus.admin.days import DAY
from mingus.admin.days import midnight
from mingus.admin.tallies import MONTH
from mingus.admin.tallies import Days
from mingus.admin.tallies import Measure
from mingus.admin.tallies import Tally

# each figure's bound, and whether it is a floor; else it is a ceiling
TARGETS: dict[Measure, tuple[float, bool]] = {
    Measure.CONNECTING: (0.95, True),
    Measure.WEBHOOKS: (0.99, True),
    Measure.SYNCS: (0.98, True),
    Measure.SIGN_INS: (0.05, False),
    Measure.CALLS: (0.01, False),
    Measure.RESPONSE: (500, False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One figure: a share (0 to 1), or milliseconds for the response."""

    measure: Measure
    value: float | None  # None: nothing happened that could be counted
    target: float
    at_least: bool  # the target is a floor; else a ceiling
    counted: int
    of: int

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value > self.target if self.at_least else self.value < self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigure:
    """A measure on one day (UTC) on which something happened that counts; new sign-ins of the month up to it."""

    day: dt.date
    value: float


def kpis(*, environment: str, now: dt.datetime, span: dt.timedelta) -> list[Kpi]:
    """All figures over the time before `now`; new sign-ins always over a month, as their target says."""
    found = _over(environment, now - span)
    found[Measure.SIGN_INS] = tallies.sign_ins(environment, now)
    return [_kpi(measure, found) for measure in Measure]


def by_day(*, environment: str, now: dt.datetime) -> dict[Measure, list[DayFigure]]:
    """Every figure by day over a month; days without anything are left out."""
    first = now.astimezone(dt.UTC).date() - MONTH + DAY
    found, end = book.closed(environment, first)
    for measure, days in tallies.by_day(environment, midnight(end)).items():
        found[measure] |= days
    while midnight(end) < now:
        found[Measure.SIGN_INS][end] = tallies.sign_ins(environment, min(midnight(end) + DAY, now))
        end += DAY
    return {measure: _line(days) for measure, days in found.items()}


def _over(environment: str, since: dt.datetime) -> dict[Measure, Tally]:
    """Whole days from the book where they are closed, what lies before and after them counted."""
    first = (since.astimezone(dt.UTC) + DAY).date()
    found, end = book.closed(environment, first)
    parts = [found]
    if end == first:
        parts.append(tallies.by_day(environment, since))
    else:
        parts.append(tallies.by_day(environment, since, midnight(first)))
        parts.append(tallies.by_day(environment, midnight(end)))
    return {
        measure: sum((tally for part in parts for tally in part.get(measure, {}).values()), Tally())
        for measure in Measure
    }


def _kpi(measure: Measure, found: dict[Measure, Tally]) -> Kpi:
    tally = found[measure]
    target, at_least = TARGETS[measure]
    counted, of = tally.counted, tally.total
    if measure is Measure.RESPONSE:
        counted, of = tally.total, found[Measure.CALLS].total  # answers, of calls
    return Kpi(measure=measure, value=tally.value, target=target, at_least=at_least, counted=counted, of=of)


def _line(days: Days) -> list[DayFigure]:
    return [
        DayFigure(day=day, value=tally.value)
        for day, tally in sorted(days.items())
        if tally.value is not None
    ]
