"""Of a row set aside, the update that told it: told again, it is looked at again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plaid_quarantined_rows", sa.Column("of_cursor", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("plaid_quarantined_rows", "of_cursor")
