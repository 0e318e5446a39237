"""Each wording of a person's transactions once, for search; rows get their keys from a worker, not here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

ROWS, CHOICES = "plaid_transactions", "transaction_choices"
UNKEYED = sa.text("wording IS NULL")
INDEXES = (
    (ROWS, "wording", ["user_id", "wording", "id"], None, None),
    (ROWS, "unkeyed", ["user_id"], UNKEYED, UNKEYED),
    (ROWS, "amount", ["user_id", "amount_minor"], None, None),
    (ROWS, "pending", ["user_id", "date", "id"], sa.text("pending = 1"), sa.text("pending")),
    (CHOICES, "wording", ["user_id", "wording"], None, None),
    (CHOICES, "unkeyed", ["user_id"], UNKEYED, UNKEYED),
    (CHOICES, "hidden", ["user_id"], sa.text("hidden = 1"), sa.text("hidden")),
)


def upgrade() -> None:
    op.create_table(
        "wordings",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_wordings_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "key", name="pk_wordings"),
        sqlite_with_rowid=False,
    )
    for table in (ROWS, CHOICES):
        op.add_column(table, sa.Column("wording", sa.BigInteger(), nullable=True))
    for table, name, columns, of_sqlite, of_postgresql in INDEXES:
        op.create_index(
            f"ix_{table}_{name}", table, columns, sqlite_where=of_sqlite, postgresql_where=of_postgresql
        )


def downgrade() -> None:
    for table, name, *_ in reversed(INDEXES):
        op.drop_index(f"ix_{table}_{name}", table)
    for table in (ROWS, CHOICES):
        op.drop_column(table, "wording")
    op.drop_table("wordings")
