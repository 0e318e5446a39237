"""Tables out of a database and into one, in a form that both engines share: one line of JSON for each row.

The columns are read from the database and not from the models, so that a backup can be taken before a migration
and read back at the very revision it was made at.
"""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from typing import Any

import msgspec
import sqlalchemy as sa

from mingus.backups.envelope import BackupUnreadable
from mingus.errors import MingusError

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable
    from collections.abc import Iterator

ROWS_AT_ONCE = 1000
VERSION_TABLE = "alembic_version"
QUEUE_TABLES = ("huey_", "kv", "schedule", "task", "counter")
# what must not come back from the past, or says nothing in another place
TRANSIENT = frozenset(
    {
        "auth_sessions",  # an ended session would live again
        "auth_tickets",  # so would a used link
        "outgoing_mails",
        "throttles",
        "plaid_outgoing_buckets",
        "webhook_keys",
        "chores",
        "backups",
    }
)


class NotEmpty(MingusError):
    """There are rows in this database. Restore into an empty one: nothing is ever overwritten."""

    code = "database_not_empty"


class Kind(StrEnum):
    """How a column's values stand in the file."""

    PLAIN = "plain"
    FLAG = "flag"
    INSTANT = "instant"
    DATE = "date"
    BYTES = "bytes"
    JSON = "json"  # its text as it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was written or read."""

    tables: int
    rows: int


TYPES: dict[Kind, Callable[[], sa.types.TypeEngine[Any]]] = {
    Kind.PLAIN: sa.types.NullType,
    Kind.FLAG: sa.Boolean,
    Kind.INSTANT: lambda: sa.DateTime(timezone=True),
    Kind.DATE: sa.Date,
    Kind.BYTES: sa.LargeBinary,
    Kind.JSON: sa.types.NullType,  # text as it stands, which PostgreSQL takes only without a type
}


def _kind(type_: sa.types.TypeEngine[Any]) -> Kind:
    kinds: tuple[tuple[type[sa.types.TypeEngine[Any]], Kind], ...] = (
        (sa.JSON, Kind.JSON),
        (sa.DateTime, Kind.INSTANT),
        (sa.Date, Kind.DATE),
        (sa.Boolean, Kind.FLAG),
        (sa.LargeBinary, Kind.BYTES),
    )
    return next((kind for known, kind in kinds if isinstance(type_, known)), Kind.PLAIN)


def stored_tables(connection: sa.Connection) -> list[sa.Table]:
    """The tables worth keeping, parents first."""
    names = sa.inspect(connection).get_table_names()
    if connection.dialect.name == "sqlite":
        # virtual tables and their shadows are made from others, by triggers
        ordinary = connection.exec_driver_sql("SELECT name FROM pragma_table_list WHERE type = 'table'")
        names = sorted(set(names) & set(ordinary.scalars()))
    kept = [
        name
        for name in names
        if name not in TRANSIENT and name != VERSION_TABLE and not name.startswith(QUEUE_TABLES)
    ]
    reflected = sa.MetaData()
    reflected.reflect(connection, only=kept, resolve_fks=False)
    return [table for table in reflected.sorted_tables if table.name in kept]


def dump(connection: sa.Connection, write: Callable[[bytes], None]) -> Tally:
    """Write every row that is kept, as one view of the database, in bounded memory."""
    total, tables = 0, stored_tables(connection)
    for table in tables:
        columns = [
            (str(column.name), _kind(column.type)) for column in table.columns if column.computed is None
        ]
        write(_line({"table": str(table.name), "columns": columns}))
        count = 0
        for rows in _batches(connection, table, columns):
            write(b"".join(map(_line, rows)))
            count += len(rows)
        write(_line({"rows": count}))
        total += count
    write(_line({"tables": len(tables), "total": total}))
    return Tally(tables=len(tables), rows=total)


def _batches(
    connection: sa.Connection, table: sa.Table, columns: list[tuple[str, Kind]]
) -> Iterator[list[list[object]]]:
    wanted = [_readable(table.columns[name], kind, connection.dialect.name) for name, kind in columns]
    encoders = [ENCODE.get(kind) for _, kind in columns]
    found = connection.execution_options(yield_per=ROWS_AT_ONCE).execute(sa.select(*wanted))
    for rows in found.partitions():
        yield [
            [
                value if encode is None or value is None else encode(value)
                for value, encode in zip(row, encoders, strict=True)
            ]
            for row in rows
        ]


def _readable(column: sa.Column[Any], kind: Kind, dialect: str) -> sa.ColumnElement[Any]:
    if kind is not Kind.JSON:
        return column
    # the stored text: None would otherwise mean both nothing and JSON's null
    text = sa.type_coerce(column, sa.Text) if dialect == "sqlite" else sa.cast(column, sa.Text)
    return text.label(column.name)


def load(connection: sa.Connection, lines: Iterable[bytes]) -> Tally:
    """Read rows into empty tables in the caller's transaction; raises NotEmpty or BackupUnreadable."""
    known = {table.name: table for table in stored_tables(connection)}
    for table in known.values():
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise NotEmpty
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    tally = read(lines, lambda head, rows: _insert(connection, known, head, rows))
    broken = (
        connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if connection.dialect.name == "sqlite"
        else None  # PostgreSQL looked at each row
    )
    if broken is not None:
        raise BackupUnreadable
    return tally


def read(lines: Iterable[bytes], take: Callable[[dict[str, Any], list[list[Any]]], None]) -> Tally:
    """Hand each table's rows to `take`, some at a time; every count in the file is held against what came."""
    head: dict[str, Any] | None = None
    rows: list[list[Any]] = []
    tables = count = total = 0
    tally: Tally | None = None
    for value in map(_parsed, lines):
        if tally is not None:
            raise BackupUnreadable  # something after the end
        if isinstance(value, list) and head is not None:
            rows.append(value)
            count += 1
            if len(rows) == ROWS_AT_ONCE:
                take(head, rows)
                rows = []
        elif isinstance(value, dict) and "table" in value and head is None:
            head, count = value, 0
        elif isinstance(value, dict) and value.get("rows") == count and head is not None:
            if rows:
                take(head, rows)
            head, rows, tables, total = None, [], tables + 1, total + count
        elif value == {"tables": tables, "total": total} and head is None:
            tally = Tally(tables=tables, rows=total)
        else:
            raise BackupUnreadable
    if tally is None:
        raise BackupUnreadable
    return tally


def _insert(
    connection: sa.Connection, known: dict[str, sa.Table], head: dict[str, Any], rows: list[list[Any]]
) -> None:
    columns = [(name, Kind(kind)) for name, kind in head["columns"]]
    table = known.get(head["table"])
    if table is None or not {name for name, _ in columns} <= set(table.columns.keys()):
        raise BackupUnreadable
    plain = sa.table(table.name, *(sa.column(name, TYPES[kind]()) for name, kind in columns))
    decoders = [DECODE.get(kind) for _, kind in columns]
    connection.execute(
        sa.insert(plain),
        [
            {
                name: value if decode is None or value is None else decode(value)
                for (name, _), value, decode in zip(columns, row, decoders, strict=True)
            }
            for row in rows
        ],
    )


def _instant(words: str) -> dt.datetime:
    return dt.datetime.fromisoformat(words).replace(tzinfo=dt.UTC)


def _said(instant: dt.datetime) -> str:
    """Without a zone: it is always UTC, and SQLite hands it back so."""
    aware = instant.astimezone(dt.UTC) if instant.tzinfo else instant
    return aware.replace(tzinfo=None).isoformat()


ENCODE: dict[Kind, Callable[[Any], object]] = {
    Kind.INSTANT: _said,
    Kind.DATE: dt.date.isoformat,
    Kind.BYTES: lambda value: base64.b64encode(value).decode(),
}
DECODE: dict[Kind, Callable[[Any], object]] = {
    Kind.INSTANT: _instant,
    Kind.DATE: dt.date.fromisoformat,
    Kind.BYTES: base64.b64decode,
}


def _line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _parsed(line: bytes) -> object:
    try:
        return msgspec.json.decode(line)
    except msgspec.DecodeError as err:
        raise BackupUnreadable from err
