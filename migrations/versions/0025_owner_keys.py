"""Keys that hold a row to its owner: whoever it hangs on belongs to the same member.

SQLite copies the tables concerned; with a million transactions that takes a minute or two and as much free space as
the database. The version before goes on working, but for edits, whose rows now name their owner.
"""

from __future__ import annotations

from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None
breaks = "edits of transactions by the version before fail until its processes are replaced"

PARENTS = (
    ("plaid_connections", ("user_id", "id")),
    ("plaid_accounts", ("user_id", "id")),
    ("plaid_accounts", ("user_id", "connection_id", "id")),
    ("plaid_transactions", ("user_id", "id")),
    ("transaction_edits", ("user_id", "id")),
)
OF_CONNECTION = ("plaid_connections", ("connection_id",))
OF_ACCOUNT = ("plaid_accounts", ("connection_id", "account_id"))
ACCOUNT_ALONE = ("plaid_accounts", ("account_id",))
# each table with its new keys; those whose parent may be missing keep their key to the person
CHILDREN = {
    "plaid_accounts": (OF_CONNECTION,),
    "plaid_link_sessions": (OF_CONNECTION,),
    "plaid_sync_logs": (OF_CONNECTION,),
    "plaid_arrivals": (OF_CONNECTION,),
    "notices": (OF_CONNECTION,),
    "plaid_transactions": (OF_ACCOUNT,),
    "plaid_liabilities": (OF_ACCOUNT,),
    "plaid_holdings": (OF_ACCOUNT,),
    "plaid_movements": (OF_ACCOUNT,),
    "plaid_recurring_streams": (OF_ACCOUNT,),
    "transaction_imports": (ACCOUNT_ALONE,),
    "transaction_rules": (ACCOUNT_ALONE,),
    "transfer_pairs": (("plaid_transactions", ("out_id",)), ("plaid_transactions", ("in_id",))),
    "transaction_edit_rows": (
        ("transaction_edits", ("edit_id",)),
        ("plaid_transactions", ("transaction_id",)),
    ),
}
KEEP_PERSON = {"plaid_link_sessions", "notices", "transaction_rules"}
PARENT_OF = {"connection_id": "plaid_connections", "account_id": "plaid_accounts"}
EDIT_ROWS = "transaction_edit_rows"
REPLACES = "fk_plaid_accounts_replaces_id_of_owner"


@contextmanager
def triggers_kept():
    """SQLite drops a table's triggers with the table that batch mode replaces."""
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        yield
        return
    found = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    for name, _ in found:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    yield
    for _, made in found:
        connection.exec_driver_sql(made)


def single_keys(table):
    """Names of the keys that were there before, by their column."""
    keys = sa.inspect(op.get_bind()).get_foreign_keys(table)
    return {
        key["constrained_columns"][0]: key["name"] for key in keys if len(key["constrained_columns"]) == 1
    }


def upgrade() -> None:
    op.add_column(EDIT_ROWS, sa.Column("user_id", sa.String(length=32), nullable=True))
    op.execute(
        "UPDATE transaction_edit_rows SET user_id ="
        " (SELECT user_id FROM transaction_edits WHERE transaction_edits.id = transaction_edit_rows.edit_id)"
    )
    for table, columns in PARENTS:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), unique=True)
    with triggers_kept():
        for table, keys in CHILDREN.items():
            before = single_keys(table)
            going = {name for _, columns in keys for name in columns}
            going |= set() if table in KEEP_PERSON else {"user_id"}
            with op.batch_alter_table(table) as batch:
                for column in sorted(going & before.keys()):
                    batch.drop_constraint(before[column], type_="foreignkey")
                for parent, columns in keys:
                    batch.create_foreign_key(
                        f"fk_{table}_{columns[-1]}_of_owner",
                        parent,
                        ["user_id", *columns],
                        ["user_id", *columns[:-1], "id"],
                        ondelete="CASCADE",
                    )
                if table == "plaid_accounts":
                    batch.create_foreign_key(
                        REPLACES,
                        table,
                        ["user_id", "replaces_id"],
                        ["user_id", "id"],
                        deferrable=True,
                        initially="DEFERRED",
                    )
                if table == EDIT_ROWS:
                    batch.alter_column("user_id", existing_type=sa.String(length=32), nullable=False)


def downgrade() -> None:
    with triggers_kept():
        for table, keys in reversed(CHILDREN.items()):
            with op.batch_alter_table(table) as batch:
                if table == "plaid_accounts":
                    batch.drop_constraint(REPLACES, type_="foreignkey")
                for parent, columns in keys:
                    batch.drop_constraint(f"fk_{table}_{columns[-1]}_of_owner", type_="foreignkey")
                    for column in columns:
                        of = PARENT_OF.get(column, parent)
                        batch.create_foreign_key(
                            f"fk_{table}_{column}_{of}", of, [column], ["id"], ondelete="CASCADE"
                        )
                if table == EDIT_ROWS:
                    batch.drop_column("user_id")
                elif table not in KEEP_PERSON:
                    batch.create_foreign_key(
                        f"fk_{table}_user_id_users", "users", ["user_id"], ["id"], ondelete="CASCADE"
                    )
    for table, columns in reversed(PARENTS):
        op.drop_index(f"ix_{table}_{'_'.join(columns)}", table)
