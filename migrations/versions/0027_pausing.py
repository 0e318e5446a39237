"""A connection can rest until somebody lets it go on, and be read anew from its beginning."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plaid_connections", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "plaid_connections",
        sa.Column("reread_wanted", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("plaid_connections", "reread_wanted")
    op.drop_column("plaid_connections", "paused_at")
