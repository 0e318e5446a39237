"""A value that was given by hand stands until the next one."""

from __future__ import annotations

import datetime as dt

from mingus.money import official
from mingus.plaid.history import BalancePoint
from mingus.plaid.history import standing

DOLLAR = official("USD")


def point(day: int, minor: int) -> BalancePoint:
    return BalancePoint(date=dt.date(2026, 3, day), minor=minor, currency=DOLLAR, reconstructed=False)


def steps(points: list[BalancePoint], since: int | None, until: int) -> list[tuple[int, int]]:
    first = dt.date(2026, 3, since) if since else None
    return [(one.date.day, one.minor) for one in standing(points, since=first, until=dt.date(2026, 3, until))]


def test_each_value_is_a_step_up_to_the_day_before_the_next() -> None:
    assert steps([point(2, 5), point(10, 7)], None, 20) == [(2, 5), (9, 5), (10, 7), (20, 7)]


def test_days_beside_each_other_need_no_step_between() -> None:
    assert steps([point(2, 5), point(3, 7)], None, 3) == [(2, 5), (3, 7)]


def test_what_was_given_before_stands_at_the_beginning() -> None:
    assert steps([point(2, 5), point(10, 7)], 4, 12) == [(4, 5), (9, 5), (10, 7), (12, 7)]
    assert steps([point(2, 5)], 4, 12) == [(4, 5), (12, 5)]


def test_nothing_given_is_nothing_shown() -> None:
    assert steps([], 4, 12) == []
