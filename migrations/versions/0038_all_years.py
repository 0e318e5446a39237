"""What all years together come to, under a date before any bank's, added up from the years."""

from __future__ import annotations

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None
breaks = (
    "what processes of the version before write after it is missing in lists without dates: stop them first"
)

APART = "account_id, currency, code, banks_group, sign, paired, hidden"
FILL = f"""
INSERT INTO year_sums (user_id, year, {APART}, minor, count)
SELECT user_id, {{all_years}}, {APART}, sum(minor), sum(count)
FROM year_sums
GROUP BY user_id, {APART}
"""


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(FILL.format(all_years="'0001-01-01'" if sqlite else "DATE '0001-01-01'"))


def downgrade() -> None:
    op.execute("DELETE FROM year_sums WHERE year = '0001-01-01'")
