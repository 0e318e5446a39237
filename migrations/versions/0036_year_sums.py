"""What years come to, added up from their months."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None
breaks = "what processes of the version before write after it is missing in whole years: stop them first"

TABLE = "year_sums"
KEY = ("user_id", "year", "account_id", "currency", "code", "banks_group", "sign", "paired", "hidden")
FILL = """
INSERT INTO year_sums
    (user_id, year, account_id, currency, code, banks_group, sign, paired, hidden, minor, count)
SELECT
    user_id, {year} AS year, account_id, currency, code, banks_group, sign, paired, hidden, sum(minor), sum(count)
FROM month_sums
GROUP BY user_id, {year}, account_id, currency, code, banks_group, sign, paired, hidden
"""


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("year", sa.Date(), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("banks_group", sa.String(length=80), nullable=False),
        sa.Column("sign", sa.Integer(), nullable=False),
        sa.Column("paired", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "account_id"],
            ["plaid_accounts.user_id", "plaid_accounts.id"],
            name=f"fk_{TABLE}_account_id_of_owner",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(*KEY, name=f"pk_{TABLE}"),
        sqlite_with_rowid=False,
    )
    sqlite = op.get_bind().dialect.name == "sqlite"
    year = "date(month, 'start of year')" if sqlite else "CAST(date_trunc('year', month) AS date)"
    op.execute(FILL.format(year=year))


def downgrade() -> None:
    op.drop_table(TABLE)
