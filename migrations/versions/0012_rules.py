"""Rules for transactions, and what they have not seen yet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plaid_arrivals",
        sa.Column("sync_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("first_id", sa.String(length=32), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_plaid_arrivals_user_id_users", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_arrivals_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sync_id", name="pk_plaid_arrivals"),
    )
    op.create_table(
        "transaction_rules",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merchant", sa.String(length=200), nullable=True),
        sa.Column("text", sa.String(length=200), nullable=True),
        sa.Column("least", sa.String(length=40), nullable=True),
        sa.Column("most", sa.String(length=40), nullable=True),
        sa.Column("money_in", sa.Boolean(), nullable=True),
        sa.Column("account_id", sa.String(length=32), nullable=True),
        sa.Column("category", sa.String(length=120), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("hides", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_transaction_rules_user_id_users", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["plaid_accounts.id"],
            name="fk_transaction_rules_account_id_plaid_accounts",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transaction_rules"),
    )
    op.create_index("ix_transaction_rules_user_id", "transaction_rules", ["user_id"])


def downgrade() -> None:
    op.drop_index("ix_transaction_rules_user_id", table_name="transaction_rules")
    op.drop_table("transaction_rules")
    op.drop_table("plaid_arrivals")
