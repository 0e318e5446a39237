"""What every entry does first: settings, logs, the application, and a look at the keys before anything is touched."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from typing import NoReturn

from sqlalchemy.exc import DBAPIError

from mingus import config
from mingus import create_app
from mingus import logs
from mingus import schema
from mingus import tracing
from mingus.failures_report import ReporterMissing
from mingus.failures_report import report_to
from mingus.services import services
from mingus.vault import KeyringRefused

if TYPE_CHECKING:
    from flask import Flask

REFUSED = 2


def started_app() -> Flask:
    """The application of this process; ends it with one line for each problem when it can't run safely."""
    try:
        settings = config.load()
    except config.SettingsRefused as err:
        refuse(err.problems)
    logs.configure(settings.log_level)
    try:
        if settings.sentry_dsn:
            report_to(settings.sentry_dsn, environment=settings.environment.value)
        if settings.otlp_url:
            tracing.configure(settings.otlp_url, environment=settings.environment.value)
    except (ReporterMissing, tracing.TracingMissing) as err:
        refuse([str(err.__doc__)])
    app = create_app(settings)
    with app.app_context():
        check_schema()
        check_keys()
    return app


def check_schema() -> None:
    """End the process on a database that a newer version has migrated: what it means is not known here."""
    try:
        current = schema.current_revision()
    except DBAPIError:
        return
    if current is not None and not schema.knows(current):
        wanted = schema.wanted_revision()
        refuse(
            [
                f"DATABASE_URL: the database is at migration {current}, this version knows {wanted} at most."
                " Start the newer version again, or restore the backup from before (docs/production.md, rollback)."
            ]
        )


def check_keys() -> None:
    """End the process when the database was sealed with other keys; an unmigrated or absent one is no reason."""
    try:
        if schema.current_revision() is not None and schema.is_current():
            services().vault.check_keys()
    except KeyringRefused as err:
        refuse([f"PLAID_ACCESS_TOKEN_ENCRYPTION_KEY: {err.public}"])
    except DBAPIError:
        return  # the pages say so themselves, and go on when it is back


def refuse(problems: list[str]) -> NoReturn:
    sys.stderr.write("MINGUS does not start like this:\n")
    sys.stderr.writelines(f"  {problem}\n" for problem in problems)
    sys.exit(REFUSED)
