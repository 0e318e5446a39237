"""Everybody's syncs can be read newest first, however many there are."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_plaid_sync_logs_requested_at_id", "plaid_sync_logs", ["requested_at", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_plaid_sync_logs_requested_at_id", table_name="plaid_sync_logs")
