"""What people decided about a transaction names its owner: the second wall asks for it row by row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None
breaks = "edits of transactions by the version before fail until its processes are replaced"

TABLE = "transaction_choices"
BEFORE = "fk_transaction_choices_transaction_id_plaid_transactions"
KEY = "fk_transaction_choices_transaction_id_of_owner"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("user_id", sa.String(length=32), nullable=True))
    op.execute(
        "UPDATE transaction_choices SET user_id ="
        " (SELECT user_id FROM plaid_transactions WHERE plaid_transactions.id = transaction_choices.transaction_id)"
    )
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_constraint(BEFORE, type_="foreignkey")
        batch.create_foreign_key(
            KEY, "plaid_transactions", ["user_id", "transaction_id"], ["user_id", "id"], ondelete="CASCADE"
        )
        batch.alter_column("user_id", existing_type=sa.String(length=32), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table(TABLE) as batch:
        batch.drop_constraint(KEY, type_="foreignkey")
        batch.create_foreign_key(BEFORE, "plaid_transactions", ["transaction_id"], ["id"], ondelete="CASCADE")
        batch.drop_column("user_id")
