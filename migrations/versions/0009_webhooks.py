"""The inbox of webhooks, their keys, the counts of refused ones, and what connections remember of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plaid_connections", sa.Column("disconnect_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "plaid_connections", sa.Column("last_webhook_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        "webhook_keys",
        sa.Column("kid", sa.String(length=64), nullable=False),
        sa.Column("jwk", sa.JSON(), nullable=False),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_webhook_keys"),
    )
    op.create_table(
        "webhook_refusals",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=24), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "reason", name="pk_webhook_refusals"),
    )
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("meaning", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("webhook_type", sa.String(length=64), nullable=False),
        sa.Column("webhook_code", sa.String(length=80), nullable=False),
        sa.Column("plaid_item_id", sa.String(length=128), nullable=True),
        sa.Column("link_token_hash", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times_seen", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failure", sa.String(length=200), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=80), nullable=True),
        sa.Column("fence_seen", sa.Integer(), nullable=True),
        sa.Column("connection_id", sa.String(length=32), nullable=True),
        sa.Column("sync_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_webhook_events_connection_id_plaid_connections",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_events"),
        sa.UniqueConstraint("meaning", name="uq_webhook_events_meaning"),
    )
    for columns in (
        ["state", "next_try_at"],
        ["connection_id", "first_seen_at"],
        ["first_seen_at"],
        ["plaid_item_id"],
    ):
        op.create_index(f"ix_webhook_events_{'_'.join(columns)}", "webhook_events", columns, unique=False)


def downgrade() -> None:
    op.drop_table("webhook_events")
    op.drop_table("webhook_refusals")
    op.drop_table("webhook_keys")
    op.drop_column("plaid_connections", "last_webhook_at")
    op.drop_column("plaid_connections", "disconnect_at")
