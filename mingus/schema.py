"""Which migration the database is at, which one the code wants, and the way from one to the other."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from mingus.config import ROOT
from mingus.db import db

if TYPE_CHECKING:
    from mingus.services import Services

MIGRATIONS = ROOT / "migrations"


@cache
def wanted_revision() -> str | None:
    """The newest migration that this code brings."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head()


def current_revision() -> str | None:
    """The migration the database is at; None when it is empty. Raises when it can't be reached."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_current() -> bool:
    try:
        return current_revision() == wanted_revision()
    except DBAPIError:
        return False


def upgrade(services: Services) -> None:
    """Bring database and queue to what the code wants; safe to repeat, one process at a time does it."""
    from flask_migrate import upgrade as run_migrations  # pulls the command line in; only migrating needs it

    run_migrations(directory=str(MIGRATIONS))
    prepare = getattr(services.jobs, "prepare", None)
    if prepare is not None:
        prepare()
    services.vault.check_keys()
    services.vault.place_canary()
