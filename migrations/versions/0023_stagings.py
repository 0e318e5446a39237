"""Updates that are written in several transactions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

TABLE = "plaid_stagings"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("sync_id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("first_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name=f"fk_{TABLE}_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sync_id", name=f"pk_{TABLE}"),
    )
    op.create_index(f"ix_{TABLE}_connection_id", TABLE, ["connection_id"])


def downgrade() -> None:
    op.drop_table(TABLE)
