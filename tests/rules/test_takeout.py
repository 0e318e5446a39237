"""What is kept about a person is in their export, or it is said why not."""

from __future__ import annotations

from mingus import tables
from mingus.auth.models import UserId
from mingus.exports import takeout


def test_every_table_that_belongs_to_a_person_is_exported_or_left_out_for_a_reason() -> None:
    known = tables.metadata().tables
    owned = {
        name for name, table in known.items() if takeout.belongs_to(table, UserId("someone")) is not None
    }
    decided = {*takeout.SECTIONS, *takeout.LEFT_OUT}
    assert owned == decided, "add the table to SECTIONS or LEFT_OUT in mingus/exports/takeout.py"


def test_nothing_that_opens_something_is_exported() -> None:
    told = {
        column.name
        for name in takeout.SECTIONS
        for column in takeout.columns_told(tables.metadata().tables[name])
    }
    assert not {name for name in told if any(word in name for word in ("hash", "secret", "password_h"))}
