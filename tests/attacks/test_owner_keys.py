"""Rows that point into another member's: the database itself refuses them, for every pair of tables that could."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from mingus import tables
from mingus.db import db
from mingus.services import services
from tests import factories
from tests.support.everything import fill

if TYPE_CHECKING:
    from flask import Flask
    from sqlalchemy import Engine
    from sqlalchemy import ForeignKeyConstraint
    from sqlalchemy import Table

    from mingus.auth.models import UserId

OWNER = "user_id"
pytestmark = pytest.mark.past_sums  # rows are made by the tables


def keys_of_owners() -> list[tuple[Table, ForeignKeyConstraint]]:
    return [
        (table, key)
        for table in tables.metadata().sorted_tables
        for key in sorted(table.foreign_key_constraints, key=lambda one: str(one.name))
        if OWNER in key.column_keys and len(key.column_keys) > 1
    ]


def row_of(engine: Engine, table: Table, person: UserId) -> dict[str, Any]:
    with engine.connect() as connection:
        found = connection.execute(select(table).where(table.c[OWNER] == person)).mappings().first()
    assert found is not None, table.name
    return dict(found)


def put(engine: Engine, table: Table, old: dict[str, Any], new: dict[str, Any]) -> None:
    """The row anew, committed: some keys are looked at in the end."""
    with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
        for row in (old, new):  # its place may be another row's, where the key is the parent
            at = [column == row[column.name] for column in table.primary_key]
            connection.execute(table.delete().where(*at))
        connection.execute(insert(table).values(new))
        connection.commit()


def test_a_row_can_not_hang_on_another_members(app: Flask) -> None:
    ada, ben = factories.make_person(app), factories.make_person(app, factories.BEN)
    with app.app_context():
        for person in (ada, ben):
            services().factors.begin_app(person)
            fill(person)
        engine = db.engine
    # children first: a row that is put anew takes along what hangs on it
    for table, key in reversed(keys_of_owners()):
        parents = {element.parent.name: element.column.name for element in key.elements}
        pointing = [name for name in parents if name != OWNER]
        mine, hers = row_of(engine, table, ben), row_of(engine, key.referred_table, ada)
        put(engine, table, mine, mine)
        for names in (*([name] for name in pointing), pointing):
            turned = {**mine, **{name: hers[parents[name]] for name in names}}
            with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
                put(engine, table, mine, turned)
        assert row_of(engine, table, ben) == mine


def test_there_are_such_keys() -> None:
    """Or the test above would show nothing."""
    named = {table.name for table, _ in keys_of_owners()}
    assert {"plaid_transactions", "transfer_pairs", "transaction_edit_rows", "plaid_accounts"} <= named
