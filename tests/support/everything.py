"""One row in every table that can hold something of a person, made by the tables themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import JSON
from sqlalchemy import Boolean
from sqlalchemy import Date
from sqlalchemy import Integer
from sqlalchemy import LargeBinary
from sqlalchemy import Numeric
from sqlalchemy import insert
from sqlalchemy import select

from mingus import tables
from mingus.auth.models import UserId
from mingus.db import UtcDateTime
from mingus.db import unit_of_work
from mingus.exports.takeout import belongs_to
from tests.support.ambient import NOON

if TYPE_CHECKING:
    from sqlalchemy import Column
    from sqlalchemy import Table
    from sqlalchemy.orm import Session


def owned_tables() -> list[Table]:
    """Tables whose rows are somebody's, parents first."""
    return [
        table
        for table in tables.metadata().sorted_tables
        if belongs_to(table, UserId("x")) is not None
        and table.name not in {"users", "departures", "departed_items"}
    ]


def fill(person: UserId) -> None:
    """Give the person a row in each table where they have none."""
    with unit_of_work() as unit:
        for table in owned_tables():
            owned = belongs_to(table, person)
            assert owned is not None
            if unit.session.execute(select(table).where(owned).limit(1)).first() is None:
                values = {
                    column.name: _value(unit.session, table, column, person) for column in table.columns
                }
                unit.session.execute(insert(table).values(values))


def _value(session: Session, table: Table, column: Column[Any], person: UserId) -> Any:
    if column.name == "user_id":
        return person
    for key in column.foreign_keys:
        parent = key.column.table
        owned = belongs_to(parent, person)
        if owned is None or parent is table:
            return None if column.nullable else _of_a_vault(session, key.column)
        # in one order, so that a key of several columns finds them in one row
        return session.scalar(select(key.column).where(owned).order_by(*parent.primary_key).limit(1))
    if column.nullable:
        return None
    length = getattr(column.type, "length", None) or 40
    name = f"{table.name[:9]}-{person[-4:]}-{column.name[:8]}"[:length]
    kinds: list[tuple[type, Any]] = [
        (Boolean, False),
        (Integer, 0),
        (Numeric, 0),
        (LargeBinary, b"x"),
        (JSON, {}),
        (Date, NOON.date()),
    ]
    found = next((value for kind, value in kinds if isinstance(column.type, kind)), None)
    if found is not None:
        return found
    return NOON if isinstance(column.type, UtcDateTime) else name


def _of_a_vault(session: Session, column: Column[Any]) -> Any:
    return session.scalar(select(column).limit(1))
