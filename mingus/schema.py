"""Which migration the database is at, which one the code wants, and the way from one to the other."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError

from mingus import policies
from mingus.config import ROOT
from mingus.db import db

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from mingus.services import Services

MIGRATIONS = ROOT / "migrations"


def _config(engine: Engine | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine  # read by migrations/env.py
    return config


@cache
def wanted_revision() -> str | None:
    """The newest migration that this code brings."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def knows(revision: str) -> bool:
    """Whether this code brings that migration: it does not when the revision is of a newer MINGUS."""
    try:
        return ScriptDirectory.from_config(_config()).get_revision(revision) is not None
    except CommandError:
        return False


def current_revision() -> str | None:
    """The migration the database is at; None when it is empty. Raises when it can't be reached."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_current() -> bool:
    try:
        return current_revision() == wanted_revision()
    except DBAPIError:
        return False


def bring(engine: Engine, revision: str = "head") -> None:
    """Bring a database to a migration, forward only; safe to repeat, one process at a time does it."""
    from alembic.command import upgrade as run_migrations  # the environment needs an application; only here

    run_migrations(_config(engine), revision)


def upgrade(services: Services) -> None:
    """Bring database and queue to what the code wants; safe to repeat."""
    bring(db.engine)
    if services.settings.database_web_role:
        policies.build(db.engine, services.settings.database_web_role)
    prepare = getattr(services.jobs, "prepare", None)
    if prepare is not None:
        prepare()
    services.vault.check_keys()
    services.vault.place_canary()
