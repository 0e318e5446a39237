"""Runs migrations: all or nothing, one process at a time, on SQLite without losing rows."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import text

from mingus import tables
from mingus.db import db

ADVISORY_LOCK = 7_263_511_042
WAIT_MILLISECONDS = 60_000
QUEUE_TABLES = ("huey_", "kv", "schedule", "task", "counter")


def include_name(name, type_, parent_names):
    """The queue keeps its own tables, perhaps in the same database: they are none of ours."""
    return type_ != "table" or not name.startswith(QUEUE_TABLES)


def configure(connection):
    context.configure(
        connection=connection,
        target_metadata=tables.metadata(),
        include_name=include_name,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=False,
        # by itself alembic would commit after each step on SQLite, and two that migrate would take turns
        transactional_ddl=True,
    )


def run_sqlite(engine):
    # batch mode drops and recreates a table; with foreign keys on, the drop would cascade into its children.
    # The switch is ignored inside a transaction, so it comes before BEGIN, on a connection of its own.
    with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
        driver = connection.connection.driver_connection
        driver.execute(f"PRAGMA busy_timeout={WAIT_MILLISECONDS}")
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            configure(connection)
            with context.begin_transaction():
                connection.execute(
                    text("select 1")
                )  # BEGIN IMMEDIATE: the next process waits before it looks
                context.run_migrations()
                broken = connection.execute(text("PRAGMA foreign_key_check")).fetchall()
                if broken:
                    raise RuntimeError(f"the migration would leave {len(broken)} rows without their parents")
        finally:
            # never back to the pool: the switch is ignored while any transaction is open, and would stay off
            connection.invalidate()


def run_postgresql(engine):
    with engine.connect() as connection:
        configure(connection)
        with context.begin_transaction():
            connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_MILLISECONDS}ms'"))
            connection.execute(text(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"))
            context.run_migrations()


with current_app.app_context():
    engine = context.config.attributes.get("engine") or db.engine
    (run_sqlite if engine.dialect.name == "sqlite" else run_postgresql)(engine)
