"""Limits hold exactly, across threads and processes, in a moving window."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.errors import TooManyTries
from mingus.limits import Limit
from mingus.limits import Throttle

if TYPE_CHECKING:
    from flask import Flask

    from mingus.services import Services
    from tests.support.ambient import FrozenAmbient

THREE = Limit(count=3, seconds=60)


def tries(wired: Services, count: int, key: str = "k") -> int:
    """How many of `count` tries pass."""
    passed = 0
    for _ in range(count):
        try:
            wired.limiter.spend("test", key, THREE)
        except TooManyTries:
            continue
        passed += 1
    return passed


def test_a_limit_lets_its_count_through_and_no_more(wired: Services) -> None:
    assert tries(wired, 10) == 3
    assert tries(wired, 10, key="somebody else") == 3


def test_the_window_moves_with_the_clock_instead_of_starting_over(
    wired: Services, ambient: FrozenAmbient
) -> None:
    assert tries(wired, 2) == 2
    ambient.advance(seconds=50)
    assert tries(wired, 5) == 1
    ambient.advance(seconds=11)
    assert tries(wired, 5) == 2, "only the first two have left the window"


def test_a_refusal_says_how_long_to_wait(wired: Services, ambient: FrozenAmbient) -> None:
    tries(wired, 3)
    ambient.advance(seconds=20)
    with pytest.raises(TooManyTries) as refused:
        wired.limiter.spend("test", "k", THREE)
    assert refused.value.retry_after_seconds == 40


def test_a_forgiven_try_can_be_made_again(wired: Services) -> None:
    tries(wired, 3)
    wired.limiter.forgive("test", "k", THREE)
    assert tries(wired, 5) == 1


def test_twenty_at_once_are_counted_one_by_one(app: Flask) -> None:
    from mingus.services import services

    passed: list[int] = []

    def try_once() -> None:
        with app.app_context():
            passed.append(tries(services(), 1))

    threads = [threading.Thread(target=try_once) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 3


def test_expired_counts_are_swept_and_keys_are_not_readable(wired: Services, ambient: FrozenAmbient) -> None:
    tries(wired, 1, key="ada@mingus.test")
    assert "ada" not in db.session.scalars(select(Throttle.key)).one()
    db.session.rollback()
    ambient.advance(seconds=61)
    wired.limiter.sweep()
    assert db.session.scalar(select(func.count()).select_from(Throttle)) == 0
