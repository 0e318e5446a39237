"""Which tables hold rows: most tests fill a few of many, and only those are looked at and emptied after it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import exists
from sqlalchemy import literal_column
from sqlalchemy import select
from sqlalchemy import union_all

from mingus import tables

if TYPE_CHECKING:
    from sqlalchemy import CompoundSelect
    from sqlalchemy import Connection


def filled_tables(connection: Connection) -> set[str]:
    """The names of the tables that hold a row."""
    return set(connection.scalars(_question()))


@cache
def _question() -> CompoundSelect[str]:
    return union_all(
        *(
            select(literal_column(f"'{table.name}'")).where(exists().select_from(table))
            for table in tables.metadata().sorted_tables
        )
    )
