"""People's own categories, and transfers between their accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "own_categories",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("icon", sa.String(length=40), nullable=False),
        sa.Column("hue", sa.String(length=16), nullable=False),
        sa.Column("parent", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_own_categories_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_own_categories"),
    )
    op.create_index("ix_own_categories_user_id_name", "own_categories", ["user_id", "name"], unique=True)
    op.create_table(
        "transfer_pairs",
        sa.Column("out_id", sa.String(length=32), nullable=False),
        sa.Column("in_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["out_id"],
            ["plaid_transactions.id"],
            name="fk_transfer_pairs_out_id_plaid_transactions",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["in_id"],
            ["plaid_transactions.id"],
            name="fk_transfer_pairs_in_id_plaid_transactions",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_transfer_pairs_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("out_id", "in_id", name="pk_transfer_pairs"),
    )
    op.create_index("ix_transfer_pairs_user_id_out_id", "transfer_pairs", ["user_id", "out_id"])
    op.create_index("ix_transfer_pairs_in_id", "transfer_pairs", ["in_id"])


def downgrade() -> None:
    op.drop_index("ix_transfer_pairs_in_id", table_name="transfer_pairs")
    op.drop_index("ix_transfer_pairs_user_id_out_id", table_name="transfer_pairs")
    op.drop_table("transfer_pairs")
    op.drop_index("ix_own_categories_user_id_name", table_name="own_categories")
    op.drop_table("own_categories")
