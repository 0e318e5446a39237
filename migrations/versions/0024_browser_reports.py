"""What browsers refused on our pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "browser_reports",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("directive", sa.String(length=80), nullable=False),
        sa.Column("blocked", sa.String(length=80), nullable=False),
        sa.Column("page", sa.String(length=80), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "directive", "blocked", "page", name="pk_browser_reports"),
    )


def downgrade() -> None:
    op.drop_table("browser_reports")
