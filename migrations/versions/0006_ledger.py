"""Transactions, what people decided about them, and what every sync did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plaid_parked_rows",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("plaid_account_id", sa.String(length=128), nullable=False),
        sa.Column("plaid_transaction_id", sa.String(length=128), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("sync_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_parked_rows_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_parked_rows"),
        sa.UniqueConstraint(
            "connection_id",
            "plaid_transaction_id",
            name="uq_plaid_parked_rows_connection_id_plaid_transaction_id",
        ),
    )
    op.create_table(
        "plaid_quarantined_rows",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("sync_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_quarantined_rows_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_quarantined_rows"),
        sa.UniqueConstraint(
            "connection_id", "fingerprint", name="uq_plaid_quarantined_rows_connection_id_fingerprint"
        ),
    )
    op.create_table(
        "plaid_sync_logs",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("restarts", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("modified", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("parked", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("fetched", sa.Integer(), nullable=False),
        sa.Column("update_status", sa.String(length=40), nullable=True),
        sa.Column("cursor_before", sa.String(length=64), nullable=True),
        sa.Column("cursor_after", sa.String(length=64), nullable=True),
        sa.Column("error_code", sa.String(length=80), nullable=True),
        sa.Column("error_request_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_sync_logs_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_plaid_sync_logs_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_sync_logs"),
    )
    op.create_index(
        "ix_plaid_sync_logs_connection_id_requested_at",
        "plaid_sync_logs",
        ["connection_id", "requested_at"],
        unique=False,
    )
    op.create_index(
        "ix_plaid_sync_logs_status_requested_at", "plaid_sync_logs", ["status", "requested_at"], unique=False
    )
    op.create_index(
        "ix_plaid_sync_logs_user_id_requested_at",
        "plaid_sync_logs",
        ["user_id", "requested_at"],
        unique=False,
    )
    op.create_table(
        "balance_snapshots",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        sa.Column("current_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["plaid_accounts.id"],
            name="fk_balance_snapshots_account_id_plaid_accounts",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", "taken_on", name="pk_balance_snapshots"),
    )
    op.create_table(
        "plaid_transactions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("plaid_transaction_id", sa.String(length=128), nullable=False),
        sa.Column("pending_plaid_id", sa.String(length=128), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("amount_exact", sa.String(length=64), nullable=True),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("authorized_date", sa.Date(), nullable=True),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("merchant_name", sa.String(length=200), nullable=True),
        sa.Column("category", sa.String(length=80), nullable=True),
        sa.Column("category_detailed", sa.String(length=120), nullable=True),
        sa.Column("payment_channel", sa.String(length=40), nullable=True),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("first_sync_id", sa.String(length=32), nullable=False),
        sa.Column("last_sync_id", sa.String(length=32), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["plaid_accounts.id"],
            name="fk_plaid_transactions_account_id_plaid_accounts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_transactions_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_plaid_transactions_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_transactions"),
        sa.UniqueConstraint(
            "connection_id",
            "plaid_transaction_id",
            name="uq_plaid_transactions_connection_id_plaid_transaction_id",
        ),
    )
    op.create_index(
        "ix_plaid_transactions_of_account",
        "plaid_transactions",
        ["account_id", "removed_at", "date", "id"],
        unique=False,
    )
    op.create_index(
        "ix_plaid_transactions_of_person",
        "plaid_transactions",
        ["user_id", "removed_at", "date", "id"],
        unique=False,
    )
    op.create_table(
        "plaid_transaction_changes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("transaction_id", sa.String(length=32), nullable=False),
        sa.Column("sync_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["plaid_transactions.id"],
            name="fk_plaid_transaction_changes_transaction_id_plaid_transactions",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_transaction_changes"),
    )
    op.create_index(
        "ix_plaid_transaction_changes_sync_id", "plaid_transaction_changes", ["sync_id"], unique=False
    )
    op.create_index(
        "ix_plaid_transaction_changes_transaction_id_at",
        "plaid_transaction_changes",
        ["transaction_id", "at"],
        unique=False,
    )
    op.create_table(
        "transaction_choices",
        sa.Column("transaction_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("category", sa.String(length=120), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["plaid_transactions.id"],
            name="fk_transaction_choices_transaction_id_plaid_transactions",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("transaction_id", name="pk_transaction_choices"),
    )
    with op.batch_alter_table("plaid_connections") as batch:
        batch.add_column(sa.Column("sync_cursor", sa.Text(), nullable=False, server_default=""))
        batch.add_column(sa.Column("wanted_seq", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("done_seq", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True))
        batch.add_column(sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
        batch.create_index("ix_plaid_connections_wanted", ["wanted_seq", "done_seq", "lease_until"])


def downgrade() -> None:
    op.drop_table("transaction_choices")
    op.drop_index("ix_plaid_transaction_changes_transaction_id_at", table_name="plaid_transaction_changes")
    op.drop_index("ix_plaid_transaction_changes_sync_id", table_name="plaid_transaction_changes")
    op.drop_table("plaid_transaction_changes")
    op.drop_index("ix_plaid_transactions_of_person", table_name="plaid_transactions")
    op.drop_index("ix_plaid_transactions_of_account", table_name="plaid_transactions")
    op.drop_table("plaid_transactions")
    op.drop_table("balance_snapshots")
    op.drop_index("ix_plaid_sync_logs_user_id_requested_at", table_name="plaid_sync_logs")
    op.drop_index("ix_plaid_sync_logs_status_requested_at", table_name="plaid_sync_logs")
    op.drop_index("ix_plaid_sync_logs_connection_id_requested_at", table_name="plaid_sync_logs")
    op.drop_table("plaid_sync_logs")
    op.drop_table("plaid_quarantined_rows")
    op.drop_table("plaid_parked_rows")
    with op.batch_alter_table("plaid_connections") as batch:
        batch.drop_index("ix_plaid_connections_wanted")
        for name in ("fence", "lease_until", "done_seq", "wanted_seq", "sync_cursor"):
            batch.drop_column(name)
