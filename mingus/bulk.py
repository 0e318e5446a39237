"""Many rows at once, as each database takes them fastest: the driver's bulk statement on SQLite, COPY on PostgreSQL.

Multi-row statements built by SQLAlchemy take six to fifteen times as long; decision 016 has the figures.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING
from typing import Any

import psycopg
from sqlalchemy import JSON
from sqlalchemy import Date
from sqlalchemy import String
from sqlalchemy import any_
from sqlalchemy import bindparam
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import IntegrityError

from mingus.db import UtcDateTime

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Collection
    from collections.abc import Iterable
    from collections.abc import Iterator
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy import Connection
    from sqlalchemy import Dialect
    from sqlalchemy import Table
    from sqlalchemy.orm import Session
    from sqlalchemy.orm.attributes import InstrumentedAttribute

Row = tuple[object, ...]
DRIVERS = (sqlite3.Error, psycopg.Error)
EXISTS = (sqlite3.IntegrityError, psycopg.errors.UniqueViolation)


def insert_rows(session: Session, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert rows whose values stand in the order of `columns`; what the session holds back is not flushed."""
    if not rows:
        return
    connection = session.connection()
    bound = _bound(_processors(table, columns, connection.dialect), rows)
    with _told(f"bulk insert into {table.name}"):
        _send(connection, table, ", ".join(columns), len(columns), bound)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """A driver's error as SQLAlchemy would tell it, so that a full disk here is what it is everywhere else."""
    try:
        yield
    except DRIVERS as err:
        base = sqlite3.Error if isinstance(err, sqlite3.Error) else psycopg.Error
        raise DBAPIError.instance(what, None, err, base) from err


def _send(connection: Connection, table: Table, names: str, count: int, bound: Iterable[Any]) -> None:
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "postgresql":
        with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in bound:
                copy.write_row(row)
        return
    places = ", ".join("?" * count)
    driver.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({places})", bound)  # noqa: S608 (names of our own tables)


def insert_unless_known(
    session: Session, table: Table, columns: tuple[str, ...], rows: Sequence[Row]
) -> bool:
    """Insert all rows, or none and say False because one is there already: cheaper than to look for each before."""
    if not rows:
        return True
    driver: Any = session.connection().connection.driver_connection
    driver.execute("SAVEPOINT bulk_rows")
    try:
        insert_rows(session, table, columns, rows)
    except IntegrityError as err:
        if not isinstance(err.orig, EXISTS):
            raise
        driver.execute("ROLLBACK TO SAVEPOINT bulk_rows")
        return False
    driver.execute("RELEASE SAVEPOINT bulk_rows")
    return True


def insert_missing(session: Session, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    """Insert those rows that are not there yet."""
    _upsert(session, table, columns, rows, "DO NOTHING")


def add_up(
    session: Session,
    table: Table,
    columns: tuple[str, ...],
    rows: Sequence[Row],
    *,
    key: Sequence[str],
    summed: Sequence[str],
) -> None:
    """Insert sums, or add them to what is there."""
    more = ", ".join(f"{name} = {table.name}.{name} + excluded.{name}" for name in summed)
    _upsert(session, table, columns, rows, f"({', '.join(key)}) DO UPDATE SET {more}")


def _upsert(
    session: Session, table: Table, columns: tuple[str, ...], rows: Sequence[Row], conflict: str
) -> None:
    """On PostgreSQL one statement, its values as a list for each column: row by row each would be a message."""
    if not rows:
        return
    connection = session.connection()
    bound = _bound(_processors(table, columns, connection.dialect), rows)
    names = ", ".join(columns)
    driver: Any = connection.connection.driver_connection
    into, places = f"INSERT INTO {table.name} ({names})", ", ".join("?" * len(columns))
    with _told(f"bulk upsert into {table.name}"):
        if connection.dialect.name == "postgresql":
            kinds = ", ".join(f"%s::{table.c[name].type.compile(connection.dialect)}[]" for name in columns)
            lists = [list(values) for values in zip(*bound, strict=True)]
            driver.execute(f"{into} SELECT * FROM unnest({kinds}) ON CONFLICT {conflict}", lists)  # noqa: S608 (names of our own tables)
        else:
            driver.executemany(f"{into} VALUES ({places}) ON CONFLICT {conflict}", bound)


def among(
    session: Session, column: InstrumentedAttribute[Any], values: Collection[str]
) -> ColumnElement[bool]:
    """True for one of the values, however many: they travel as one parameter, so the statement stays the same."""
    if session.get_bind().dialect.name == "postgresql":
        return column == any_(bindparam(None, list(values), type_=ARRAY(String)))
    return column.in_(select(func.json_each(json.dumps(list(values))).table_valued("value").c.value))


@lru_cache
def _processors(
    table: Table, columns: tuple[str, ...], dialect: Dialect
) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """What a driver does not take as it is: the place of each such column and what to do with its values."""
    found: list[tuple[int, Callable[[Any], Any]]] = []
    for place, name in enumerate(columns):
        kind = table.c[name].type
        if isinstance(kind, UtcDateTime | JSON):
            processor = kind.dialect_impl(dialect).bind_processor(dialect)
            if processor is not None:
                found.append((place, processor))
        elif isinstance(kind, Date) and dialect.name == "sqlite":
            found.append((place, dt.date.isoformat))
    return tuple(found)


def _bound(processors: tuple[tuple[int, Callable[[Any], Any]], ...], rows: Sequence[Row]) -> Iterable[Any]:
    if not processors:
        return rows
    found = []
    for row in rows:
        values = list(row)
        for place, processor in processors:
            if values[place] is not None:
                values[place] = processor(values[place])
        found.append(values)
    return found
