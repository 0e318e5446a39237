"""What the second wall is built of: for each table of members a policy that shows a role the rows of one member.

Made from the tables themselves, so a new one is behind it by itself; `flask --app wsgi migrate` builds and mends it.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import text

from mingus import tables
from mingus.errors import MingusError
from mingus.wall import MEMBER

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy import Engine
    from sqlalchemy import Table

POLICY = "mingus_own_rows"
OWNER = "user_id"
LOCK = 7_263_511_043
# tables with something of a person that a member's request has to see as a whole
IN_FRONT = {
    "users": "found by address, before it is known whose it is",
    "auth_tickets": "one-time links are asked for by address and found by their secret",
    "passkey_challenges": "found by their secret; those for signing in are nobody's",
    "audit_events": "each is chained to the one before, whoever that was about; the role may only add",
    "departures": "found by the receipt, and outlives the person",
    "departed_items": "names nobody",
    "vault_secrets": "names nobody; opens for its own row only",
    "plaid_calls": "nothing of a person; made before there is a connection too",
    "webhook_events": "nothing of a person; only says: look again",
}
APPENDED = {"audit_events"}


class RoleUnfit(MingusError):
    """DATABASE_WEB_ROLE is no role that the wall can stand on. docs/production.md says how to make it."""

    code = "web_role_unfit"


@cache
def conditions() -> dict[str, str]:
    """For each table behind the wall, which of its rows are the member's."""
    found: dict[str, str] = {}
    for table in tables.metadata().sorted_tables:
        if table.name not in IN_FRONT and (condition := _condition(table, found)):
            found[table.name] = condition
    return found


def _condition(table: Table, known: dict[str, str]) -> str | None:
    if OWNER in table.c:
        return f"{OWNER} = current_setting('{MEMBER}', true)"
    for key in table.foreign_key_constraints:
        parent = key.referred_table.name
        if parent in known:
            element = key.elements[0]
            # the parent is looked at through its own policy
            ours, theirs = f"{table.name}.{element.parent.name}", f"{parent}.{element.column.name}"
            return f"EXISTS (SELECT 1 FROM {parent} WHERE {theirs} = {ours})"  # noqa: S608 (names of our own tables)
    return None


def build(engine: Engine, role: str) -> None:
    """Give the role what it may do and each table its policy; safe to repeat. Raises RoleUnfit."""
    with engine.connect() as connection, connection.begin():
        if unfit := _unfit(connection, role):
            message = f"{RoleUnfit().public} {unfit}"
            raise RoleUnfit(message)
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {role}"))
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {role}"))
        for name in tables.metadata().tables:
            may = "SELECT, INSERT" if name in APPENDED else "SELECT, INSERT, UPDATE, DELETE"
            connection.execute(text(f"GRANT {may} ON {name} TO {role}"))
        for name in _without_policy(connection, role):
            condition = conditions()[name]
            for statement in (
                f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
                f"DROP POLICY IF EXISTS {POLICY} ON {name}",
                f"CREATE POLICY {POLICY} ON {name} TO {role} USING ({condition}) WITH CHECK ({condition})",
                f"COMMENT ON POLICY {POLICY} ON {name} IS '{_mark(condition, role)}'",
            ):
                connection.exec_driver_sql(statement)


def gaps(engine: Engine, role: str) -> list[str]:
    """What keeps the wall from standing; nothing when it does."""
    with engine.connect() as connection:
        unfit = _unfit(connection, role)
        missing = [] if unfit else _without_policy(connection, role)
        connection.rollback()
    if unfit:
        return [unfit]
    return [f"{', '.join(missing)}: no policy, or an old one."] if missing else []


def _unfit(connection: Connection, role: str) -> str:
    found = connection.execute(
        text(
            "SELECT rolsuper OR rolbypassrls AS passes, pg_has_role(current_user, oid, 'MEMBER') AS ours,"
            " EXISTS (SELECT 1 FROM pg_class WHERE relowner = pg_roles.oid AND relname = 'users') AS owns"
            " FROM pg_roles WHERE rolname = :role"
        ),
        {"role": role},
    ).one_or_none()
    if found is None:
        return f"There is no role {role}."
    if found.passes or found.owns:
        return f"{role} passes every policy by: it must be no superuser, have no BYPASSRLS and own no table."
    return "" if found.ours else f"The database's user may not become {role}: GRANT {role} to it."


def _without_policy(connection: Connection, role: str) -> list[str]:
    standing = connection.execute(
        text(
            "SELECT relname, obj_description(pg_policy.oid, 'pg_policy') AS mark FROM pg_policy"
            " JOIN pg_class ON pg_class.oid = polrelid WHERE polname = :name AND relrowsecurity"
        ),
        {"name": POLICY},
    ).all()
    marks = {row.relname: row.mark for row in standing}
    return [name for name, condition in conditions().items() if marks.get(name) != _mark(condition, role)]


def _mark(condition: str, role: str) -> str:
    return hashlib.sha256(f"{role} {condition}".encode()).hexdigest()[:16]
