"""Of a row set aside, the update that told it: told again, it is looked at again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plaid_quarantined_rows", sa.Column("of_cursor", sa.String(length=64), nullable=True))
    # of what is there already nobody knows the update, only that it was one
    op.execute(
        "UPDATE plaid_quarantined_rows SET of_cursor = '' WHERE sync_id IN (SELECT id FROM plaid_sync_logs)"
    )


def downgrade() -> None:
    op.drop_column("plaid_quarantined_rows", "of_cursor")
