"""People who leave: receipts without a name, and items at Plaid that are still to be ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "departures",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("receipt_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=True),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_departures"),
        sa.UniqueConstraint("receipt_hash", name="uq_departures_receipt_hash"),
        sa.UniqueConstraint("user_id", name="uq_departures_user_id"),
    )
    op.create_index("ix_departures_next_try_at", "departures", ["next_try_at"])
    op.create_index("ix_departures_done_at", "departures", ["done_at"])
    op.create_table(
        "departed_items",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("departure_id", sa.String(length=32), nullable=True),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("secret_id", sa.String(length=32), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["departure_id"], ["departures.id"], name="fk_departed_items_departure_id_departures"
        ),
        sa.ForeignKeyConstraint(
            ["secret_id"], ["vault_secrets.id"], name="fk_departed_items_secret_id_vault_secrets"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_departed_items"),
    )
    op.create_index("ix_departed_items_departure_id", "departed_items", ["departure_id"])
    op.create_index("ix_departed_items_next_try_at", "departed_items", ["next_try_at"])


def downgrade() -> None:
    op.drop_table("departed_items")
    op.drop_table("departures")
