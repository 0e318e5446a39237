"""Ids rise, also within a millisecond and when the clock steps back."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from mingus.ambient import SystemAmbient
from mingus.ambient import base32

if TYPE_CHECKING:
    import pytest


def test_ids_of_one_process_rise_strictly() -> None:
    ambient = SystemAmbient()
    ids = [ambient.new_id("txn") for _ in range(5000)]
    assert ids == sorted(set(ids))
    assert {len(found) for found in ids} == {len("txn_") + 26}


def test_a_clock_that_steps_back_does_not_turn_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    ambient = SystemAmbient()
    before = ambient.new_id("txn")
    earlier = ambient.now() - dt.timedelta(hours=1)
    monkeypatch.setattr(ambient, "now", lambda: earlier)
    assert ambient.new_id("txn") > before


def test_a_day_belongs_to_a_zone() -> None:
    ambient = SystemAmbient()
    assert ambient.today("Pacific/Kiritimati") >= ambient.today("Pacific/Pago_Pago")


def test_base32_sorts_as_the_numbers_do() -> None:
    texts = [base32(number, 10) for number in (0, 1, 31, 32, 10**12, 10**14)]
    assert texts == sorted(texts)


def test_tokens_are_unguessable() -> None:
    ambient = SystemAmbient()
    assert len({ambient.token() for _ in range(100)}) == 100
    assert len(ambient.token()) >= 43
