"""Sealed texts and the canaries of their keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vault_canaries",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=12), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name="pk_vault_canaries"),
    )
    op.create_table(
        "vault_secrets",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.String(length=32), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=12), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vault_secrets"),
    )
    op.create_index("ix_vault_secrets_key_id", "vault_secrets", ["key_id"], unique=False)
    op.create_index("ix_vault_secrets_owner_id", "vault_secrets", ["owner_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_vault_secrets_owner_id", table_name="vault_secrets")
    op.drop_index("ix_vault_secrets_key_id", table_name="vault_secrets")
    op.drop_table("vault_secrets")
    op.drop_table("vault_canaries")
