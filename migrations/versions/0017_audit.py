"""The audit trail, and the triggers that keep it as it was written.

An event may lose a whole group of its columns (who acted; what it was about) when a person leaves, and nothing else.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KEPT = ("seq", "at", "action", "actor_mark", "subject_mark", "hash")
GROUPS = (
    ("actor_id", "request_id", "address", "actor_salt"),
    ("subject_id", "target", "reason", "facts", "subject_salt"),
)


def allowed(same):
    """The condition under which a row may be updated."""
    kept = [same(name) for name in KEPT]
    groups = [
        f"(({' AND '.join(map(same, group))}) OR ({' AND '.join(f'NEW.{name} IS NULL' for name in group)}))"
        for group in GROUPS
    ]
    return " AND ".join(kept + groups)


def guard_sqlite():
    condition = allowed(lambda name: f"NEW.{name} IS OLD.{name}")
    op.execute(
        "CREATE TRIGGER audit_events_unchanged BEFORE UPDATE ON audit_events"
        f" WHEN NOT ({condition}) BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_events_kept BEFORE DELETE ON audit_events"
        " BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
    )


def guard_postgresql():
    condition = allowed(lambda name: f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}")
    op.execute(
        "CREATE FUNCTION audit_events_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$"
    )
    for name, when in (
        ("unchanged", f"BEFORE UPDATE ON audit_events FOR EACH ROW WHEN (NOT ({condition}))"),
        ("kept", "BEFORE DELETE ON audit_events FOR EACH ROW"),
        ("whole", "BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT"),
    ):
        op.execute(f"CREATE TRIGGER audit_events_{name} {when} EXECUTE FUNCTION audit_events_refuse()")


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("actor_id", sa.String(length=32), nullable=True),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("actor_salt", sa.String(length=64), nullable=True),
        sa.Column("actor_mark", sa.String(length=64), nullable=False),
        sa.Column("subject_id", sa.String(length=32), nullable=True),
        sa.Column("target", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("facts", sa.Text(), nullable=True),
        sa.Column("subject_salt", sa.String(length=64), nullable=True),
        sa.Column("subject_mark", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_events"),
    )
    for column in ("action", "actor_id", "at", "subject_id"):
        op.create_index(f"ix_audit_events_{column}_seq", "audit_events", [column, "seq"])
    op.create_table(
        "audit_heads",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_audit_heads"),
    )
    (guard_sqlite if op.get_bind().dialect.name == "sqlite" else guard_postgresql)()


def downgrade() -> None:
    op.drop_table("audit_heads")
    op.drop_table("audit_events")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_events_refuse()")
