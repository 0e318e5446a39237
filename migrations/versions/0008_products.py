"""Terms of debts, holdings, their movements and recurring payments, and how each is read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plaid_product_refreshes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("wanted_seq", sa.Integer(), nullable=False),
        sa.Column("done_seq", sa.Integer(), nullable=False),
        sa.Column("next_refresh_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("last_tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_good_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.String(length=80), nullable=True),
        sa.Column("error_request_id", sa.String(length=64), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("set_aside", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_product_refreshes_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_product_refreshes"),
        sa.UniqueConstraint(
            "connection_id", "product", name="uq_plaid_product_refreshes_connection_id_product"
        ),
    )
    op.create_index(
        "ix_plaid_product_refreshes_next_refresh_at",
        "plaid_product_refreshes",
        ["next_refresh_at"],
        unique=False,
    )
    op.create_index(
        "ix_plaid_product_refreshes_wanted",
        "plaid_product_refreshes",
        ["wanted_seq", "done_seq", "lease_until"],
        unique=False,
    )
    op.create_table(
        "plaid_securities",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("plaid_security_id", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("ticker", sa.String(length=40), nullable=True),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("subtype", sa.String(length=80), nullable=True),
        sa.Column("is_cash", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("close_price", sa.String(length=130), nullable=True),
        sa.Column("close_on", sa.Date(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_securities_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_securities"),
        sa.UniqueConstraint(
            "connection_id", "plaid_security_id", name="uq_plaid_securities_connection_id_plaid_security_id"
        ),
    )
    op.create_table(
        "plaid_holdings",
        sa.Column("plaid_security_id", sa.String(length=128), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.String(length=130), nullable=False),
        sa.Column("price", sa.String(length=130), nullable=True),
        sa.Column("price_on", sa.Date(), nullable=True),
        sa.Column("value_minor", sa.BigInteger(), nullable=True),
        sa.Column("cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("vested_quantity", sa.String(length=130), nullable=True),
        sa.Column("vested_minor", sa.BigInteger(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("reading", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["plaid_accounts.id"],
            name="fk_plaid_holdings_account_id_plaid_accounts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_holdings_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_plaid_holdings_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_holdings"),
        sa.UniqueConstraint(
            "account_id",
            "plaid_security_id",
            "place",
            name="uq_plaid_holdings_account_id_plaid_security_id_place",
        ),
    )
    op.create_index("ix_plaid_holdings_account_id", "plaid_holdings", ["account_id"], unique=False)
    op.create_index("ix_plaid_holdings_connection_id", "plaid_holdings", ["connection_id"], unique=False)
    op.create_index("ix_plaid_holdings_user_id", "plaid_holdings", ["user_id"], unique=False)
    op.create_table(
        "plaid_liabilities",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("aprs", sa.JSON(), nullable=False),
        sa.Column("rate_percent", sa.String(length=130), nullable=True),
        sa.Column("rate_type", sa.String(length=40), nullable=True),
        sa.Column("is_overdue", sa.Boolean(), nullable=True),
        sa.Column("minimum_payment_minor", sa.BigInteger(), nullable=True),
        sa.Column("next_payment_minor", sa.BigInteger(), nullable=True),
        sa.Column("next_due_on", sa.Date(), nullable=True),
        sa.Column("last_payment_minor", sa.BigInteger(), nullable=True),
        sa.Column("last_payment_on", sa.Date(), nullable=True),
        sa.Column("statement_minor", sa.BigInteger(), nullable=True),
        sa.Column("statement_on", sa.Date(), nullable=True),
        sa.Column("past_due_minor", sa.BigInteger(), nullable=True),
        sa.Column("principal_minor", sa.BigInteger(), nullable=True),
        sa.Column("originated_on", sa.Date(), nullable=True),
        sa.Column("matures_on", sa.Date(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("reading", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["plaid_accounts.id"],
            name="fk_plaid_liabilities_account_id_plaid_accounts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_liabilities_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_plaid_liabilities_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_liabilities"),
        sa.UniqueConstraint("account_id", "kind", name="uq_plaid_liabilities_account_id_kind"),
    )
    op.create_index("ix_plaid_liabilities_account_id", "plaid_liabilities", ["account_id"], unique=False)
    op.create_index(
        "ix_plaid_liabilities_connection_id", "plaid_liabilities", ["connection_id"], unique=False
    )
    op.create_index("ix_plaid_liabilities_user_id", "plaid_liabilities", ["user_id"], unique=False)
    op.create_table(
        "plaid_movements",
        sa.Column("plaid_investment_id", sa.String(length=128), nullable=False),
        sa.Column("plaid_security_id", sa.String(length=128), nullable=True),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("subtype", sa.String(length=80), nullable=True),
        sa.Column("quantity", sa.String(length=130), nullable=True),
        sa.Column("price", sa.String(length=130), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fees_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("reading", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["plaid_accounts.id"],
            name="fk_plaid_movements_account_id_plaid_accounts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_movements_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_plaid_movements_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_movements"),
        sa.UniqueConstraint(
            "connection_id",
            "plaid_investment_id",
            name="uq_plaid_movements_connection_id_plaid_investment_id",
        ),
    )
    op.create_index("ix_plaid_movements_account_id", "plaid_movements", ["account_id"], unique=False)
    op.create_index("ix_plaid_movements_connection_id", "plaid_movements", ["connection_id"], unique=False)
    op.create_index(
        "ix_plaid_movements_of_person", "plaid_movements", ["user_id", "date", "id"], unique=False
    )
    op.create_index("ix_plaid_movements_user_id", "plaid_movements", ["user_id"], unique=False)
    op.create_table(
        "plaid_recurring_streams",
        sa.Column("plaid_stream_id", sa.String(length=128), nullable=False),
        sa.Column("is_income", sa.Boolean(), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("merchant_name", sa.String(length=200), nullable=True),
        sa.Column("category", sa.String(length=80), nullable=True),
        sa.Column("category_detailed", sa.String(length=120), nullable=True),
        sa.Column("frequency", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("average_minor", sa.BigInteger(), nullable=True),
        sa.Column("last_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=12), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=True),
        sa.Column("last_on", sa.Date(), nullable=True),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("plaid_transaction_ids", sa.JSON(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.Column("connection_id", sa.String(length=32), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=False),
        sa.Column("reading", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["plaid_accounts.id"],
            name="fk_plaid_recurring_streams_account_id_plaid_accounts",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["plaid_connections.id"],
            name="fk_plaid_recurring_streams_connection_id_plaid_connections",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_plaid_recurring_streams_user_id_users", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_plaid_recurring_streams"),
        sa.UniqueConstraint(
            "connection_id",
            "plaid_stream_id",
            name="uq_plaid_recurring_streams_connection_id_plaid_stream_id",
        ),
    )
    op.create_index(
        "ix_plaid_recurring_streams_account_id", "plaid_recurring_streams", ["account_id"], unique=False
    )
    op.create_index(
        "ix_plaid_recurring_streams_connection_id", "plaid_recurring_streams", ["connection_id"], unique=False
    )
    op.create_index(
        "ix_plaid_recurring_streams_user_id", "plaid_recurring_streams", ["user_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_plaid_recurring_streams_user_id", table_name="plaid_recurring_streams")
    op.drop_index("ix_plaid_recurring_streams_connection_id", table_name="plaid_recurring_streams")
    op.drop_index("ix_plaid_recurring_streams_account_id", table_name="plaid_recurring_streams")
    op.drop_table("plaid_recurring_streams")
    op.drop_index("ix_plaid_movements_user_id", table_name="plaid_movements")
    op.drop_index("ix_plaid_movements_of_person", table_name="plaid_movements")
    op.drop_index("ix_plaid_movements_connection_id", table_name="plaid_movements")
    op.drop_index("ix_plaid_movements_account_id", table_name="plaid_movements")
    op.drop_table("plaid_movements")
    op.drop_index("ix_plaid_liabilities_user_id", table_name="plaid_liabilities")
    op.drop_index("ix_plaid_liabilities_connection_id", table_name="plaid_liabilities")
    op.drop_index("ix_plaid_liabilities_account_id", table_name="plaid_liabilities")
    op.drop_table("plaid_liabilities")
    op.drop_index("ix_plaid_holdings_user_id", table_name="plaid_holdings")
    op.drop_index("ix_plaid_holdings_connection_id", table_name="plaid_holdings")
    op.drop_index("ix_plaid_holdings_account_id", table_name="plaid_holdings")
    op.drop_table("plaid_holdings")
    op.drop_table("plaid_securities")
    op.drop_index("ix_plaid_product_refreshes_wanted", table_name="plaid_product_refreshes")
    op.drop_index("ix_plaid_product_refreshes_next_refresh_at", table_name="plaid_product_refreshes")
    op.drop_table("plaid_product_refreshes")
