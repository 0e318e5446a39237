"""Edits of transactions that can be undone, and who decided what."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("transaction_choices") as batch:
        batch.add_column(sa.Column("origins", sa.JSON(), nullable=False, server_default="{}"))
    op.create_table(
        "transaction_edits",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("origin", sa.String(length=32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_transaction_edits_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transaction_edits"),
    )
    op.create_index("ix_transaction_edits_user_id_at", "transaction_edits", ["user_id", "at"])
    op.create_table(
        "transaction_edit_rows",
        sa.Column("edit_id", sa.String(length=32), nullable=False),
        sa.Column("transaction_id", sa.String(length=32), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["edit_id"],
            ["transaction_edits.id"],
            name="fk_transaction_edit_rows_edit_id_transaction_edits",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["plaid_transactions.id"],
            name="fk_transaction_edit_rows_transaction_id_plaid_transactions",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("edit_id", "transaction_id", name="pk_transaction_edit_rows"),
    )
    op.create_index("ix_transaction_edit_rows_transaction_id", "transaction_edit_rows", ["transaction_id"])


def downgrade() -> None:
    op.drop_index("ix_transaction_edit_rows_transaction_id", table_name="transaction_edit_rows")
    op.drop_table("transaction_edit_rows")
    op.drop_index("ix_transaction_edits_user_id_at", table_name="transaction_edits")
    op.drop_table("transaction_edits")
    with op.batch_alter_table("transaction_choices") as batch:
        batch.drop_column("origins")
