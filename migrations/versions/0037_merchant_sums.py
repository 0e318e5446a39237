"""What was spent at each merchant in a month, and which months are added up; a worker does that, not this."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None
breaks = "merchants of months that the version before writes to after it are told as they were: stop it first"

SUMS, MONTHS = "merchant_sums", "kept_months"
STALE = sa.text("meaning = ''")
FILL = "INSERT INTO kept_months (user_id, month, meaning) SELECT DISTINCT user_id, month, '' FROM month_sums"


def upgrade() -> None:
    op.create_table(
        SUMS,
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        _owner(SUMS),
        sa.PrimaryKeyConstraint("user_id", "month", "currency", "name", name=f"pk_{SUMS}"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        MONTHS,
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("meaning", sa.String(length=32), nullable=False),
        _owner(MONTHS),
        sa.PrimaryKeyConstraint("user_id", "month", name=f"pk_{MONTHS}"),
        sqlite_with_rowid=False,
    )
    op.create_index(f"ix_{MONTHS}_stale", MONTHS, ["user_id"], sqlite_where=STALE, postgresql_where=STALE)
    op.execute(FILL)


def _owner(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id"], ["users.id"], name=f"fk_{table}_user_id_users", ondelete="CASCADE"
    )


def downgrade() -> None:
    op.drop_table(MONTHS)
    op.drop_table(SUMS)
