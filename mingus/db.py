"""The database: base class, instants in UTC, one way to write (`unit_of_work`), SQLite made dependable."""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime
from sqlalchemy import ForeignKeyConstraint
from sqlalchemy import MetaData
from sqlalchemy import TypeDecorator
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import SAWarning
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.orm import registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator
    from collections.abc import Mapping
    from collections.abc import Sequence

    from sqlalchemy import Connection
    from sqlalchemy import Dialect
    from sqlalchemy import Engine
    from sqlalchemy import Executable
    from sqlalchemy.engine import ExceptionContext
    from sqlalchemy.orm import Session

# a statement that joins nothing, or whose alias is not found, would tell wrong sums: it is refused instead
warnings.filterwarnings("error", category=SAWarning)

log = logging.getLogger(__name__)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_TIMEOUT_MILLISECONDS = 10_000
WAL_TRIES = 100
WAL_PAUSE_SECONDS = 0.05
# a thread may hold one connection for its session and need another to count a try
POOL = {"pool_size": 10, "max_overflow": 30}
UNIT_FLAG = "mingus.unit"
Row = TypeVar("Row", bound="Base")


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware instant in UTC on both databases; SQLite alone would hand back naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a naive datetime reached the database"
            raise ValueError(message)
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Base(DeclarativeBase):
    """What every table inherits. One registry holds both maps: on the class, Flask-SQLAlchemy fails at import."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMES), type_annotation_map={dt.datetime: UtcDateTime()}
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True, session_options={"expire_on_commit": False})


def owner_key(table: str, parent: str, *columns: str) -> ForeignKeyConstraint:
    """A key from `columns` to a row of the same member: the owner is part of it, so nobody else's row will do.

    The last column names the parent, those before it what the parent hangs on; `parent` needs a unique index over
    the same columns of its own.
    """
    between = columns[:-1]
    return ForeignKeyConstraint(
        ["user_id", *columns],
        [f"{parent}.{name}" for name in ("user_id", *between, "id")],
        name=f"fk_{table}_{columns[-1]}_of_owner",
        ondelete="CASCADE",
    )


class Unit:
    """One transaction that writes; what must happen only once it is durable is handed to `after_commit`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.turns: set[str] = set()  # of whom it is this unit's turn; see `transactions.turns`
        self._last: list[Callable[[], None]] = []
        self._afterwards: list[Callable[[], None]] = []

    def lock(self, model: type[Row], row_id: str) -> Row | None:
        """The row as it is now, held until the end of the unit.

        What was loaded before is overwritten: a plain locking read would wait for the other writer and then
        still show what it saw before.
        """
        return self.session.get(model, row_id, with_for_update=True, populate_existing=True)

    def lock_one(self, model: type[Row], row_id: str) -> Row:
        """As `lock`, for a row that must be there."""
        return self.session.get_one(model, row_id, with_for_update=True, populate_existing=True)

    def before_commit(self, action: Callable[[], None]) -> None:
        """Do it last of all, still inside: for what holds a lock that others wait for."""
        self._last.append(action)

    def after_commit(self, action: Callable[[], None]) -> None:
        self._afterwards.append(action)

    def run_last(self) -> None:
        for action in self._last:
            action()

    def run_afterwards(self) -> None:
        for action in self._afterwards:
            action()


@contextmanager
def unit_of_work() -> Iterator[Unit]:
    """The one place that commits: all of the block or nothing. Units do not nest.

    A request has often read before it writes (the signed-in user). On SQLite a transaction that read first
    can not be turned into a writing one while others write, so the reading one ends here and a new one
    begins with the write lock held. Rows loaded before are read anew.
    """
    session = db.session()
    if session.info.get(UNIT_FLAG) or session.new or session.dirty or session.deleted:
        message = "a unit of work inside another, or changes made outside of one"
        raise RuntimeError(message)
    session.rollback()
    session.info[UNIT_FLAG] = True
    unit = Unit(session)
    try:
        session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
        yield unit
        unit.run_last()
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(UNIT_FLAG, None)
    unit.run_afterwards()


@contextmanager
def one_view(engine: Engine) -> Iterator[Connection]:
    """A connection of its own that reads the database as it is at this moment, for as long as it takes."""
    isolation = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**isolation) as connection:
        yield connection
        connection.rollback()


def write_if_easy(statement: Executable) -> bool:
    """A small write that nobody misses: left out, False, while the database is busy, full or read-only."""
    with db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
        sqlite_driver = (
            connection.connection.driver_connection if connection.dialect.name == "sqlite" else None
        )
        if sqlite_driver is not None:
            sqlite_driver.execute("PRAGMA busy_timeout=0")  # outside of a transaction, else it is ignored
        try:
            with connection.begin():
                if sqlite_driver is None:
                    connection.exec_driver_sql("SET LOCAL lock_timeout = '200ms'")
                connection.execute(statement)
        except OperationalError as err:
            log.warning("small write left out", extra={"failure": type(err.orig).__name__})
            return False
        finally:
            if sqlite_driver is not None:
                sqlite_driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MILLISECONDS}")
    return True


def upsert(
    session: Session,
    model: type[Base],
    rows: Sequence[Mapping[str, Any]],
    *,
    key: Sequence[str],
    keep: Sequence[str] = (),
) -> None:
    """Insert rows, or overwrite those whose `key` exists, except the columns in `keep`."""
    if not rows:
        return
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(model)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in {*key, *keep}}
    if changed:
        statement = statement.on_conflict_do_update(index_elements=list(key), set_=changed)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(key))
    session.execute(statement, list(rows))


def engine_options(url: str) -> dict[str, Any]:
    """How to open the database, by its kind."""
    if url.startswith("sqlite"):
        # the driver's own transactions don't cover DDL and begin too late; `_begin` sends BEGIN instead
        return {
            **POOL,
            "connect_args": {"isolation_level": None, "timeout": BUSY_TIMEOUT_MILLISECONDS / 1000},
        }
    return {
        **POOL,
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": 5, "application_name": "mingus"},
    }


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turn the file to WAL. Two that do it to a new file at once are refused without any patience: tried again."""
    for _ in range(WAL_TRIES):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            time.sleep(WAL_PAUSE_SECONDS)
        else:
            return
    cursor.execute("PRAGMA journal_mode=WAL")


def tell_slow_statements(engine: Engine, slow_ms: int) -> None:
    """Log what takes long, as the statement with places for its values: the values stay unsaid."""

    @event.listens_for(engine, "before_cursor_execute")
    def _begin(connection: Connection, *_: object) -> None:
        connection.info.setdefault("mingus.begun", []).append(time.perf_counter())

    @event.listens_for(engine, "after_cursor_execute")
    def _end(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        took_ms = int((time.perf_counter() - connection.info["mingus.begun"].pop()) * 1000)
        if took_ms >= slow_ms:
            log.warning("slow statement", extra={"milliseconds": took_ms, "statement": statement[:400]})

    @event.listens_for(engine, "handle_error")
    def _fail(context: ExceptionContext) -> None:
        if context.connection is not None:
            context.connection.info.pop("mingus.begun", None)


def _never_compile(connection: Any, record: object) -> None:  # noqa: ARG001 (SQLAlchemy's signature)
    """Compiling a statement takes seconds, and none of ours runs that long. Said here, as poolers refuse it earlier."""
    connection.execute("SET jit = off")
    connection.commit()


def prepare(engine: Engine, *, slow_ms: int = 0) -> None:
    """Attach what each database needs: SQLite durable commits, enforced foreign keys, patience, honest BEGINs."""
    if slow_ms:
        tell_slow_statements(engine, slow_ms)
    if engine.dialect.name != "sqlite":
        event.listen(engine, "connect", _never_compile)
        return

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, record: object) -> None:  # noqa: ARG001 (SQLAlchemy's signature)
        cursor = connection.cursor()
        _write_ahead(cursor)
        for pragma in (
            "synchronous=FULL",  # a commit survives power loss
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "checkin")
    def _on_checkin(connection: Any, record: object) -> None:  # noqa: ARG001 (SQLAlchemy's signature)
        # a commit that a key refuses leaves SQLite inside the transaction, with the lock that everybody waits for,
        # while SQLAlchemy takes it for over
        if connection is not None and connection.in_transaction:
            connection.rollback()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {mode}")
