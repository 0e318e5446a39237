"""Many rows at once: all of them or none, each value as it was."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus import bulk
from mingus.chores import ChoreDue
from mingus.db import db
from mingus.db import unit_of_work
from mingus.webhooks.models import WebhookRefusal

if TYPE_CHECKING:
    from sqlalchemy import Table

    from mingus.services import Services

DAY = dt.date(2026, 2, 28)
NOON = dt.datetime(2026, 2, 28, 12, 0, 0, 250, tzinfo=dt.UTC)
REFUSALS: Table = WebhookRefusal.__table__  # type: ignore[assignment]  # a mapped class has a table
CHORES: Table = ChoreDue.__table__  # type: ignore[assignment]  # a mapped class has a table
COLUMNS = ("day", "reason", "count")


def refusals() -> list[tuple[object, ...]]:
    db.session.rollback()
    rows = db.session.execute(select(WebhookRefusal.day, WebhookRefusal.reason, WebhookRefusal.count))
    return sorted(tuple(row) for row in rows)


def test_rows_come_back_as_they_were(wired: Services) -> None:
    odd = 'tab\t "quote" \\slash \N{SNOWMAN}'
    with unit_of_work() as unit:
        bulk.insert_rows(unit.session, REFUSALS, COLUMNS, [(DAY, "a", 1), (DAY, odd, 2)])
        bulk.insert_rows(unit.session, CHORES, ("name", "due_at"), [("chore", NOON)])
    assert refusals() == [(DAY, "a", 1), (DAY, odd, 2)]
    assert db.session.get_one(ChoreDue, "chore").due_at == NOON


def test_one_row_that_is_there_already_keeps_all_out_and_the_unit_goes_on(wired: Services) -> None:
    with unit_of_work() as unit:
        assert bulk.insert_unless_known(unit.session, REFUSALS, COLUMNS, [(DAY, "a", 1)])
    with unit_of_work() as unit:
        rows = [(DAY, "b", 2), (DAY, "a", 3), (DAY, "c", 4)]
        assert not bulk.insert_unless_known(unit.session, REFUSALS, COLUMNS, rows)
        assert bulk.insert_unless_known(unit.session, REFUSALS, COLUMNS, [(DAY, "d", 5)])
    assert refusals() == [(DAY, "a", 1), (DAY, "d", 5)]


def test_any_number_of_values_is_one_parameter(wired: Services) -> None:
    with unit_of_work() as unit:
        rows = [(DAY, f"reason {number}", number) for number in range(2000)]
        bulk.insert_rows(unit.session, REFUSALS, COLUMNS, rows)
    wanted = {row[1] for row in rows[:1500]} | {"nobody's"}
    found = db.session.scalars(
        select(WebhookRefusal.reason).where(bulk.among(db.session(), WebhookRefusal.reason, wanted))
    ).all()
    assert set(found) == wanted - {"nobody's"}
