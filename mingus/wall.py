"""The second wall: what a member's request asks of PostgreSQL, it asks in a role that sees that member's rows alone.

Services ask for every row together with its owner. Here the database does so once more, by policies
(`mingus.policies`) on a role that owns nothing. Workers, commands, sign-in and admins' pages have to see across members
and go on as the database's user (decision 031).
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import event

from mingus.db import db

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy import Engine

MEMBER = "app.user_id"  # the setting of a transaction that policies compare with
BEYOND = "mingus_beyond_wall"
STANDING: ContextVar[str | None] = ContextVar("mingus_member", default=None)
# by one statement, through the driver: it comes before each transaction of a member's request
ENTER = "SELECT set_config('role', %s, true), set_config('app.user_id', %s, true)"


def attach(engine: Engine, role: str) -> None:
    """Begin each transaction of a member's request behind the wall; without a role there is none."""
    if not role:
        return

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        member = STANDING.get()
        if member is not None and not connection.get_execution_options().get(BEYOND):
            _put(connection, role, member)


def enter(role: str, user_id: str) -> None:
    """From here to the end of the request only this member's rows are there, in the open transaction too."""
    if not role:
        return
    STANDING.set(user_id)
    session = db.session()
    if session.in_transaction():
        _put(session.connection(), role, user_id)


def leave() -> None:
    """What comes after the request, in the same context, is nobody's."""
    if STANDING.get() is not None:
        STANDING.set(None)
        db.session.rollback()


@contextmanager
def beyond() -> Iterator[Connection]:
    """A connection that sees across members, for the few figures of the installation that a member's request needs."""
    with db.engine.connect().execution_options(**{BEYOND: True}) as connection:
        yield connection
        connection.rollback()


def _put(connection: Connection, role: str, user_id: str) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute(ENTER, (role, user_id))
