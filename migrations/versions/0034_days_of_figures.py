"""Figures of days that are over, and changes of connections found by what they led to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kpi_days",
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("measure", sa.String(length=16), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment", "measure", "day", name="pk_kpi_days"),
    )
    op.create_index("ix_plaid_calls_figures", "plaid_calls", ["at", "status", "error_code", "milliseconds"])
    op.drop_index("ix_plaid_calls_at", table_name="plaid_calls")
    op.create_index("ix_plaid_connection_changes_after_at", "plaid_connection_changes", ["after", "at"])


def downgrade() -> None:
    op.create_index("ix_plaid_calls_at", "plaid_calls", ["at"])
    op.drop_index("ix_plaid_calls_figures", table_name="plaid_calls")
    op.drop_index("ix_plaid_connection_changes_after_at", table_name="plaid_connection_changes")
    op.drop_table("kpi_days")
