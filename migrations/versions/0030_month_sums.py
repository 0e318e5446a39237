"""What months and days of each account come to, added up from what is there; lists in the order of an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

TABLE = "month_sums"
FILL = """
INSERT INTO month_sums
    (user_id, month, account_id, currency, code, banks_group, sign, paired, hidden, minor, count)
SELECT user_id, month, account_id, currency, code, banks_group, sign, paired, hidden, sum(amount_minor), count(*)
FROM (
    SELECT
        t.user_id,
        {month} AS month,
        t.account_id,
        t.currency,
        coalesce(nullif(coalesce(c.category, t.category_detailed, t.category), ''), '') AS code,
        CASE WHEN c.category IS NULL THEN coalesce(t.category, '') ELSE '' END AS banks_group,
        CASE WHEN t.amount_minor > 0 THEN 1 WHEN t.amount_minor < 0 THEN -1 ELSE 0 END AS sign,
        EXISTS (
            SELECT 1 FROM transfer_pairs p JOIN plaid_transactions o ON o.id = p.in_id
            WHERE p.out_id = t.id AND p.undone_at IS NULL AND o.removed_at IS NULL
        ) OR EXISTS (
            SELECT 1 FROM transfer_pairs p JOIN plaid_transactions o ON o.id = p.out_id
            WHERE p.in_id = t.id AND p.undone_at IS NULL AND o.removed_at IS NULL
        ) AS paired,
        coalesce(c.hidden, false) AS hidden,
        t.amount_minor
    FROM plaid_transactions t
    LEFT JOIN transaction_choices c ON c.transaction_id = t.id
    WHERE t.removed_at IS NULL AND t.first_sync_id NOT IN (SELECT sync_id FROM plaid_stagings)
) AS each_row
GROUP BY user_id, month, account_id, currency, code, banks_group, sign, paired, hidden
"""

DAYS = "day_sums"
FILL_DAYS = """
INSERT INTO day_sums (account_id, day, currency, user_id, minor)
SELECT account_id, date, currency, user_id, sum(amount_minor)
FROM plaid_transactions
WHERE removed_at IS NULL AND NOT pending AND first_sync_id NOT IN (SELECT sync_id FROM plaid_stagings)
GROUP BY account_id, date, currency, user_id
"""
ROWS = "plaid_transactions"
PERSON, ACCOUNT, REMOVED = (f"ix_{ROWS}_{name}" for name in ("of_person", "of_account", "removed"))
GONE = sa.text("removed_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("code", sa.String(length=120), nullable=False),
        sa.Column("banks_group", sa.String(length=80), nullable=False),
        sa.Column("sign", sa.Integer(), nullable=False),
        sa.Column("paired", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        _owner_key(TABLE),
        sa.PrimaryKeyConstraint(
            *(
                "user_id",
                "month",
                "account_id",
                "currency",
                "code",
                "banks_group",
                "sign",
                "paired",
                "hidden",
            ),
            name=f"pk_{TABLE}",
        ),
        sqlite_with_rowid=False,
    )
    op.create_index(f"ix_{TABLE}_account_id_month", TABLE, ["account_id", "month"])
    sqlite = op.get_bind().dialect.name == "sqlite"
    month = "date(t.date, 'start of month')" if sqlite else "CAST(date_trunc('month', t.date) AS date)"
    op.execute(FILL.format(month=month))
    _days()
    for name, of in ((PERSON, "user_id"), (ACCOUNT, "account_id")):
        op.drop_index(name, ROWS)
        op.create_index(name, ROWS, [of, "date", "id"])
    op.create_index(REMOVED, ROWS, ["user_id", "date", "id"], sqlite_where=GONE, postgresql_where=GONE)


def _owner_key(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id", "account_id"],
        ["plaid_accounts.user_id", "plaid_accounts.id"],
        name=f"fk_{table}_account_id_of_owner",
        ondelete="CASCADE",
    )


def _days() -> None:
    op.create_table(
        DAYS,
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("minor", sa.BigInteger(), nullable=False),
        _owner_key(DAYS),
        sa.PrimaryKeyConstraint("account_id", "day", "currency", name=f"pk_{DAYS}"),
        sqlite_with_rowid=False,
    )
    op.execute(FILL_DAYS)


def downgrade() -> None:
    op.drop_index(REMOVED, ROWS)
    for name, of in ((PERSON, "user_id"), (ACCOUNT, "account_id")):
        op.drop_index(name, ROWS)
        op.create_index(name, ROWS, [of, "removed_at", "date", "id"])
    op.drop_table(DAYS)
    op.drop_table(TABLE)
