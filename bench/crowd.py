"""Many members in one database: pages of one of them, beside the same pages when nobody else was there.

Everybody else is a copy of the one, made inside PostgreSQL: each id gets a number in its middle, all else stays.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import text

from bench import book
from bench import ground
from bench import reads
from bench.goals import Goal
from mingus import tables
from mingus.db import db

if TYPE_CHECKING:
    from sqlalchemy import Column
    from sqlalchemy import Table

ROWS_EACH = 1_000
MEMBERS = {False: 1_000, True: 10_000}
MEMBERS_AT_ONCE = 100
TABLES = (
    *("users", "plaid_connections", "plaid_accounts", "plaid_transactions", "transaction_choices"),
    *("transfer_pairs", "year_sums", "month_sums", "day_sums", "balance_snapshots", "wordings"),
    *("merchant_sums", "kept_months"),
)
SHARED = {"first_sync_id", "last_sync_id"}
OF_THEIR_OWN = {"email", "plaid_item_id", "plaid_account_id", "plaid_transaction_id"}
COMPARED = (*reads.LISTS, *reads.SEARCHES, *reads.REPORTS, "totals", "dashboard")
GOALS = tuple(Goal(f"{name}_to_alone", at_most=1.3) for name in COMPARED)


def measure(*, long: bool) -> dict[str, Any]:
    """Milliseconds of the database for each page, and how many times as long they take in the crowd."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, ground.databases(Path(name)) as found:
        if "postgresql" not in found.kinds:
            print("without PostgreSQL there is no crowd", file=sys.stderr)
            return figures
        app = ground.open_app("http://127.0.0.1:9", found.fresh("postgresql"), Path(name))
        with app.app_context():
            filled = book.fill(ground.make_person(), ROWS_EACH)
        alone = reads.read(app, filled, ROWS_EACH)
        with app.app_context():
            _copy(MEMBERS[long])
        crowded = reads.read(app, filled, ROWS_EACH)
        with app.app_context():
            db.engine.dispose()
    figures |= {"members": MEMBERS[long], "rows": MEMBERS[long] * ROWS_EACH}
    for key in COMPARED:
        figures[f"{key}_ms"] = crowded[f"{key}_ms"]
        figures[f"{key}_to_alone"] = round(crowded[f"{key}_ms"] / alone[f"{key}_ms"], 2)
    return figures


def _copy(members: int) -> None:
    """So many members in all."""
    statements = [_statement(tables.metadata().tables[name]) for name in TABLES]
    for first in range(1, members, MEMBERS_AT_ONCE):
        last = min(first + MEMBERS_AT_ONCE, members) - 1
        with db.engine.connect() as connection, connection.begin():
            # the copies are whole: what each would be checked for holds for the one
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                connection.execute(text(statement), {"first": first, "last": last})
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))


def _statement(table: Table) -> str:
    """Copies of the rows that are there of the first member."""
    names = ", ".join(column.name for column in table.c)
    values = ", ".join(map(_value, table.c))
    owner = "id" if table.name == "users" else "user_id"
    mine = (
        f"{owner} = (SELECT min(id) FROM users)"
        if owner in table.c
        else "account_id IN (SELECT id FROM plaid_accounts WHERE user_id = (SELECT min(id) FROM users))"
    )
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {table.name} AS one, "
        f"generate_series(CAST(:first AS int), CAST(:last AS int)) AS number WHERE {mine}"
    )


def _value(column: Column[Any]) -> str:
    name = f"one.{column.name}"
    if column.name in OF_THEIR_OWN:
        return f"{name} || number"
    is_id = column.name == "id" or column.name.endswith("_id")
    if is_id and column.name not in SHARED and column.name != "plaid_institution_id":
        # between the kind and the part that differs within one member; 'z': behind the one, who stays the first
        return f"overlay({name} placing 'z' || lpad(number::text, 5, '0') from 5 for 6)"
    return name
