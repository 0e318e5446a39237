"""When connections are synced without being asked, what members chose for that, and chores of the installation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plaid_connections", sa.Column("crashes", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("plaid_connections", sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("plaid_connections", sa.Column("next_sync_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_plaid_connections_state_next_sync_at",
        "plaid_connections",
        ["state", "next_sync_at"],
        unique=False,
    )
    op.create_table(
        "sync_choices",
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_sync_choices_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name="pk_sync_choices"),
    )
    op.create_table(
        "chores",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_chores"),
    )


def downgrade() -> None:
    op.drop_table("chores")
    op.drop_table("sync_choices")
    op.drop_index("ix_plaid_connections_state_next_sync_at", table_name="plaid_connections")
    op.drop_column("plaid_connections", "next_sync_at")
    op.drop_column("plaid_connections", "synced_at")
    op.drop_column("plaid_connections", "crashes")
