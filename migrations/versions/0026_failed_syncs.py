"""Failed syncs are found, counted and grouped without a look at the many that went well."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

FAILED = sa.text("status = 'failed'")


def upgrade() -> None:
    op.create_index(
        "ix_plaid_sync_logs_failed",
        "plaid_sync_logs",
        ["requested_at", "error_code", "connection_id"],
        unique=False,
        sqlite_where=FAILED,
        postgresql_where=FAILED,
    )
    op.create_index(
        "ix_plaid_sync_logs_failed_error",
        "plaid_sync_logs",
        ["error_code", "requested_at", "id"],
        unique=False,
        sqlite_where=FAILED,
        postgresql_where=FAILED,
    )


def downgrade() -> None:
    op.drop_index("ix_plaid_sync_logs_failed_error", table_name="plaid_sync_logs")
    op.drop_index("ix_plaid_sync_logs_failed", table_name="plaid_sync_logs")
