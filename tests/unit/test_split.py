"""Any days are told by years, months and single days, each of them once, and by few single days."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from mingus.transactions.merchantsums import last_of
from mingus.transactions.summing import split_of

if TYPE_CHECKING:
    from mingus.transactions.summing import Span
    from mingus.transactions.summing import Split

DAY = dt.timedelta(days=1)
CHANCE = random.Random(3)
BEGIN = dt.date(2023, 1, 1)


def days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + DAY * number for number in range((last - first).days + 1)]


def told(split: Split) -> Counter[dt.date]:
    """How often each day is counted."""
    found: Counter[dt.date] = Counter()
    for first, last in split.years:
        found.update(days(first, last.replace(month=12, day=31)))
    for first, last in split.months:
        found.update(days(first, last_of(last)))
    for first, last in split.days:
        found.update(days(first, last))
    for first, last in split.less:
        found.subtract(days(first, last))
    return +found


def length(spans: tuple[Span, ...]) -> int:
    return sum((last - first).days + 1 for first, last in spans)


@pytest.mark.parametrize("by_month", [True, False])
def test_each_day_is_counted_once(by_month: bool) -> None:
    for _ in range(400):
        since = BEGIN + DAY * CHANCE.randrange(1200)
        until = since + DAY * CHANCE.choice((0, 1, 9, 20, 27, 28, 30, 31, 59, 300, 365, 800))
        split = split_of(since, until, by_month=by_month)
        assert told(split) == Counter(days(since, until)), (since, until)
        assert length(split.days) + length(split.less) <= 31, (since, until)


def test_days_the_wrong_way_round_are_none() -> None:
    split = split_of(dt.date(2026, 6, 10), dt.date(2026, 5, 5), by_month=False)
    assert not told(split)
    assert (split.years, split.months, split.less) == ((), (), ())


def test_without_a_begin_nothing_is_before_the_first_year() -> None:
    split = split_of(None, dt.date(2026, 12, 31), by_month=False)
    [(first, last)] = split.years
    assert (first.year, last.year) == (2, 2026)
