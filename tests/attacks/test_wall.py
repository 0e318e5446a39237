"""Queries that forget whose they are: behind the wall PostgreSQL gives them the member's rows and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest
from sqlalchemy import delete
from sqlalchemy import event
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy import update
from sqlalchemy.exc import ProgrammingError

from mingus import doctor
from mingus import policies
from mingus import tables
from mingus import wall
from mingus.auth.models import Role
from mingus.db import db
from mingus.exports.takeout import belongs_to
from mingus.services import services
from tests import factories
from tests.conftest import WEB_ROLE
from tests.support.everything import fill
from tests.support.everything import owned_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from sqlalchemy import Connection
    from sqlalchemy import Table

    from mingus.auth.models import UserId

pytestmark = pytest.mark.past_sums  # rows are made by the tables


@pytest.fixture
def behind(app: Flask, database: str) -> Iterator[Connection]:
    """A connection whose transactions begin as the web role, of nobody yet."""
    if database == "sqlite":
        pytest.skip("SQLite has no roles")
    with app.app_context():
        engine = db.engine
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SET LOCAL ROLE {WEB_ROLE}")
        yield connection
        connection.rollback()


@pytest.fixture
def people(app: Flask) -> tuple[UserId, UserId]:
    """Ada and Ben, each with a row in every table."""
    both = factories.make_person(app), factories.make_person(app, factories.BEN)
    with app.app_context():
        for person in both:
            services().factors.begin_app(person)
            fill(person)
    return both


def walled() -> list[Table]:
    return [tables.metadata().tables[name] for name in policies.conditions()]


def become(connection: Connection, person: UserId) -> None:
    connection.exec_driver_sql("SELECT set_config('app.user_id', %s, true)", (person,))


def rows(connection: Connection, table: Table) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(select(table)).mappings()]


def theirs(app: Flask, table: Table, person: UserId) -> list[dict[str, Any]]:
    owned = belongs_to(table, person)
    assert owned is not None
    with app.app_context():
        found = [dict(row) for row in db.session.execute(select(table).where(owned)).mappings()]
        db.session.rollback()
    assert found, table.name
    return found


def test_every_table_of_members_is_behind_the_wall_or_in_front_for_a_reason() -> None:
    owned = {table.name for table in owned_tables()} | {"users", "departures", "departed_items"}
    assert owned <= policies.conditions().keys() | policies.IN_FRONT.keys()
    assert not policies.conditions().keys() & policies.IN_FRONT.keys()


def test_a_member_sees_their_rows_and_nobody_sees_any(
    app: Flask, behind: Connection, people: tuple[UserId, UserId]
) -> None:
    assert [table.name for table in walled() if rows(behind, table)] == []
    become(behind, people[0])
    for table in walled():
        assert rows(behind, table) == theirs(app, table, people[0]), table.name


def test_a_member_changes_and_deletes_nothing_of_anothers(
    app: Flask, behind: Connection, people: tuple[UserId, UserId]
) -> None:
    become(behind, people[0])
    for table in walled():
        (other,) = theirs(app, table, people[1])[:1]
        at = [column == other[column.name] for column in table.primary_key]
        column = next(iter(table.primary_key))
        for statement in (
            update(table).where(*at).values({column.name: other[column.name]}),
            delete(table).where(*at),
        ):
            assert behind.execute(statement).rowcount == 0, table.name


def test_a_member_writes_no_row_for_another(
    app: Flask, behind: Connection, people: tuple[UserId, UserId]
) -> None:
    become(behind, people[0])
    for table in walled():
        other = theirs(app, table, people[1])[0]
        with pytest.raises(ProgrammingError, match="row-level security"), behind.begin_nested():
            behind.execute(insert(table).values(other))


def test_the_trail_is_only_added_to(behind: Connection, people: tuple[UserId, UserId]) -> None:
    become(behind, people[0])
    trail = tables.metadata().tables["audit_events"]
    for statement in (delete(trail), update(trail).values(action="x")):
        with pytest.raises(ProgrammingError, match="permission denied"), behind.begin_nested():
            behind.execute(statement)


def roles_of(app: Flask, person: UserId, path: str) -> list[str]:
    """As whom each statement of a request was asked that names a table of connections."""
    browser, asked = factories.sign_in(app, person), []
    with app.app_context():
        engine = db.engine

    def note(connection: Connection, _cursor: object, statement: str, *_more: object) -> None:
        if "plaid_connections" in statement:
            driver: Any = connection.connection.driver_connection
            asked.append(driver.execute("SELECT current_user").fetchone()[0])

    event.listen(engine, "before_cursor_execute", note)
    try:
        assert browser.get(path).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return asked


@pytest.mark.parametrize("path", ["/", "/accounts", "/transactions", "/api/plaid/connections"])
def test_a_members_request_goes_behind_the_wall(app: Flask, behind: Connection, path: str) -> None:
    behind.rollback()
    assert set(roles_of(app, factories.make_person(app), path)) == {WEB_ROLE}


def test_an_admins_page_sees_across(app: Flask, behind: Connection) -> None:
    admin = factories.make_person(app, factories.CLEO, role=Role.ADMIN)
    asked = roles_of(app, admin, "/admin/connections")
    assert asked
    assert WEB_ROLE not in asked


def test_what_follows_a_request_is_not_behind_the_wall(app: Flask, people: tuple[UserId, UserId]) -> None:
    browser = factories.sign_in(app, people[0])
    with app.app_context():
        assert browser.get("/settings").status_code == 200
        connections = tables.metadata().tables["plaid_connections"]
        assert len(db.session.execute(select(connections)).all()) == 2
        db.session.rollback()


def test_a_figure_of_the_installation_is_seen_whole(
    app: Flask, behind: Connection, people: tuple[UserId, UserId]
) -> None:
    connections = tables.metadata().tables["plaid_connections"]
    with app.test_request_context():
        wall.enter(WEB_ROLE, people[0])
        assert len(db.session.execute(select(connections)).all()) == 1
        with wall.beyond() as connection:
            assert len(connection.execute(select(connections)).all()) == 2
        assert len(db.session.execute(select(connections)).all()) == 1


def test_the_doctor_tells_a_hole_and_migrating_mends_it(app: Flask, behind: Connection) -> None:
    behind.rollback()
    with app.app_context():
        told = {finding.subject: finding for finding in doctor.examine(services())}
        assert told["wall"].level is doctor.Level.OK
        with db.engine.begin() as connection:
            connection.exec_driver_sql(f"DROP POLICY {policies.POLICY} ON plaid_transactions")
        assert policies.gaps(db.engine, WEB_ROLE) == ["plaid_transactions: no policy, or an old one."]
        policies.build(db.engine, WEB_ROLE)
        assert policies.gaps(db.engine, WEB_ROLE) == []


def test_a_role_that_passes_policies_by_is_refused(app: Flask, behind: Connection) -> None:
    behind.rollback()
    with app.app_context():
        ours = str(behind.exec_driver_sql("SELECT current_user").scalar())
        for role, words in ((ours, "superuser"), ("no_such_role", "There is no role")):
            with pytest.raises(policies.RoleUnfit, match=words):
                policies.build(db.engine, role)
