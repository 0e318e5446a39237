"""The operator's look at what is added up beside the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup

from mingus.auth.queries import everybody
from mingus.command import in_one_line
from mingus.db import db
from mingus.db import unit_of_work
from mingus.services import services
from mingus.transactions import merchantsums
from mingus.transactions import sums as kept

if TYPE_CHECKING:
    from mingus.auth.models import UserId

sums = AppGroup("sums", help="Sums of years, months, days and merchants, kept beside the transactions.")


@sums.command("verify")
@in_one_line
def verify() -> None:
    """Hold every sum against its rows; the exit tells."""
    wrong = sum(_wrong(person) for person in everybody())
    if wrong:
        message = f"{wrong} sums are not what their rows come to. Run: flask --app wsgi sums rebuild"
        raise click.ClickException(message)
    click.echo("Every sum is what its rows come to.")


@sums.command("rebuild")
@in_one_line
def rebuild() -> None:
    """Add everything up anew, person by person, while everything runs; safe to repeat."""
    people = everybody()
    for person in people:
        with unit_of_work() as unit:
            kept.rebuild(unit, person)
    click.echo(f"Added up anew for {len(people)} people.")


def _wrong(person: UserId) -> int:
    session, environment = db.session(), services().settings.environment.value
    found = len(kept.wrong_months(session, person))
    found += len(merchantsums.wrong(session, person, environment=environment))
    db.session.rollback()  # one person's rows in memory at a time
    return found
