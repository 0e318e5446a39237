"""Banks, connections, accounts, link sessions and calls to Plaid."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plaid_institutions",
        sa.Column("plaid_institution_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=True),
        sa.Column("primary_color", sa.String(length=16), nullable=True),
        sa.Column("logo", sa.Text(), nullable=True),
        sa.Column("oauth", sa.Boolean(), nullable=False),
        sa.Column("products", sa.JSON(), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trouble_count", sa.Integer(), nullable=False),
        sa.Column("trouble_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("plaid_institution_id", name="pk_plaid_institutions"),
    )
    op.create_table(
        "plaid_outgoing_buckets",
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("tokens_milli", sa.BigInteger(), nullable=False),
        sa.Column("filled_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_plaid_outgoing_buckets"),
    )
    op.create_table(
        "plaid_connections",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("plaid_item_id", sa.String(length=128), nullable=False),
        sa.Column("plaid_institution_id", sa.String(length=64), nullable=True),
        sa.Column("institution_name", sa.String(length=200), nullable=False),
        sa.Column("secret_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error_code", sa.String(length=80), nullable=True),
        sa.Column("error_request_id", sa.String(length=64), nullable=True),
        sa.Column("new_accounts", sa.Boolean(), nullable=False),
        sa.Column("consent_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("products", sa.JSON(), nullable=False),
        sa.Column("webhook_url", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_good_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bank_data_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("keep_history", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "state != 'removed' OR secret_id IS NULL", name="ck_plaid_connections_removed_without_token"
        ),
        sa.ForeignKeyConstraint(
            ["secret_id"], ["vault_secrets.id"], name="fk_plaid_connections_secret_id_vault_secrets"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_plaid_connections_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_connections"),
        sa.UniqueConstraint(
            "environment", "plaid_item_id", name="uq_plaid_connections_environment_plaid_item_id"
        ),
    )
    op.create_index(
        "ix_plaid_connections_plaid_institution_id",
        "plaid_connections",
        ["plaid_institution_id"],
        unique=False,
    )
    op.create_index(
        "ix_plaid_connections_state_next_check_at",
        "plaid_connections",
        ["state", "next_check_at"],
        unique=False,
    )
    op.create_index(
        "ix_plaid_connections_user_id_environment_state",
        "plaid_connections",
        ["user_id", "environment", "state"],
        unique=False,
    )
    op.create_table(
        "plaid_accounts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("plaid_account_id", sa.String(length=128), nullable=False),
        sa.Column("persistent_account_id", sa.String(length=128), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("official_name", sa.String(length=200), nullable=True),
        sa.Column("mask", sa.String(length=16), nullable=True),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("subtype", sa.String(length=80), nullable=True),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("current_minor", sa.BigInteger(), nullable=True),
        sa.Column("available_minor", sa.BigInteger(), nullable=True),
        sa.Column("limit_minor", sa.BigInteger(), nullable=True),
        sa.Column("balance_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replaces_id", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_accounts_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["replaces_id"],
            ["plaid_accounts.id"],
            name="fk_plaid_accounts_replaces_id_plaid_accounts",
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_plaid_accounts_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_accounts"),
        sa.UniqueConstraint(
            "connection_id", "plaid_account_id", name="uq_plaid_accounts_connection_id_plaid_account_id"
        ),
    )
    op.create_index(
        "ix_plaid_accounts_persistent_account_id", "plaid_accounts", ["persistent_account_id"], unique=False
    )
    op.create_index("ix_plaid_accounts_user_id", "plaid_accounts", ["user_id"], unique=False)
    op.create_table(
        "plaid_calls",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("error_type", sa.String(length=80), nullable=True),
        sa.Column("error_code", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_calls_connection_id_plaid_connections",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_calls"),
    )
    op.create_index("ix_plaid_calls_at", "plaid_calls", ["at"], unique=False)
    op.create_index("ix_plaid_calls_connection_id_at", "plaid_calls", ["connection_id", "at"], unique=False)
    op.create_index("ix_plaid_calls_error_code_at", "plaid_calls", ["error_code", "at"], unique=False)
    op.create_table(
        "plaid_connection_changes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=False),
        sa.Column("after", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=80), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_connection_changes_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_connection_changes"),
    )
    op.create_index(
        "ix_plaid_connection_changes_connection_id_at",
        "plaid_connection_changes",
        ["connection_id", "at"],
        unique=False,
    )
    op.create_table(
        "plaid_link_sessions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("environment", sa.String(length=16), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("link_token_hash", sa.String(length=64), nullable=False),
        sa.Column("link_secret_id", sa.String(length=32), nullable=True),
        sa.Column("public_token_hash", sa.String(length=64), nullable=True),
        sa.Column("public_secret_id", sa.String(length=32), nullable=True),
        sa.Column("access_secret_id", sa.String(length=32), nullable=True),
        sa.Column("plaid_item_id", sa.String(length=128), nullable=True),
        sa.Column("plaid_institution_id", sa.String(length=64), nullable=True),
        sa.Column("institution_name", sa.String(length=200), nullable=True),
        sa.Column("shown_accounts", sa.JSON(), nullable=False),
        sa.Column("plaid_session_id", sa.String(length=64), nullable=True),
        sa.Column("error_code", sa.String(length=80), nullable=True),
        sa.Column("error_request_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_look_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["access_secret_id"],
            ["vault_secrets.id"],
            name="fk_plaid_link_sessions_access_secret_id_vault_secrets",
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_link_sessions_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["link_secret_id"],
            ["vault_secrets.id"],
            name="fk_plaid_link_sessions_link_secret_id_vault_secrets",
        ),
        sa.ForeignKeyConstraint(
            ["public_secret_id"],
            ["vault_secrets.id"],
            name="fk_plaid_link_sessions_public_secret_id_vault_secrets",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_plaid_link_sessions_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_link_sessions"),
        sa.UniqueConstraint("link_token_hash", name="uq_plaid_link_sessions_link_token_hash"),
        sa.UniqueConstraint("public_token_hash", name="uq_plaid_link_sessions_public_token_hash"),
    )
    op.create_index(
        "ix_plaid_link_sessions_plaid_item_id", "plaid_link_sessions", ["plaid_item_id"], unique=False
    )
    op.create_index(
        "ix_plaid_link_sessions_state_next_look_at",
        "plaid_link_sessions",
        ["state", "next_look_at"],
        unique=False,
    )
    op.create_index(
        "ix_plaid_link_sessions_user_id_created_at",
        "plaid_link_sessions",
        ["user_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "account_choices",
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=True),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["plaid_accounts.id"],
            name="fk_account_choices_account_id_plaid_accounts",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name="pk_account_choices"),
    )
    op.create_table(
        "plaid_link_events",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["link_id"],
            ["plaid_link_sessions.id"],
            name="fk_plaid_link_events_link_id_plaid_link_sessions",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_link_events"),
    )
    op.create_index("ix_plaid_link_events_link_id_at", "plaid_link_events", ["link_id", "at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_plaid_link_events_link_id_at", table_name="plaid_link_events")
    op.drop_table("plaid_link_events")
    op.drop_table("account_choices")
    op.drop_index("ix_plaid_link_sessions_user_id_created_at", table_name="plaid_link_sessions")
    op.drop_index("ix_plaid_link_sessions_state_next_look_at", table_name="plaid_link_sessions")
    op.drop_index("ix_plaid_link_sessions_plaid_item_id", table_name="plaid_link_sessions")
    op.drop_table("plaid_link_sessions")
    op.drop_index("ix_plaid_connection_changes_connection_id_at", table_name="plaid_connection_changes")
    op.drop_table("plaid_connection_changes")
    op.drop_index("ix_plaid_calls_error_code_at", table_name="plaid_calls")
    op.drop_index("ix_plaid_calls_connection_id_at", table_name="plaid_calls")
    op.drop_index("ix_plaid_calls_at", table_name="plaid_calls")
    op.drop_table("plaid_calls")
    op.drop_index("ix_plaid_accounts_user_id", table_name="plaid_accounts")
    op.drop_index("ix_plaid_accounts_persistent_account_id", table_name="plaid_accounts")
    op.drop_table("plaid_accounts")
    op.drop_index("ix_plaid_connections_user_id_environment_state", table_name="plaid_connections")
    op.drop_index("ix_plaid_connections_state_next_check_at", table_name="plaid_connections")
    op.drop_index("ix_plaid_connections_plaid_institution_id", table_name="plaid_connections")
    op.drop_table("plaid_connections")
    op.drop_table("plaid_outgoing_buckets")
    op.drop_table("plaid_institutions")
