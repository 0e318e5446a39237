"""The operator's command that writes a person's whole account into a file."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from mingus.auth import queries
from mingus.auth.failures import UnknownPerson
from mingus.auth.forms import tidy_email
from mingus.command import in_one_line
from mingus.exports import archive
from mingus.services import services


@click.command("export")
@click.option("--user", "email", required=True, help="The person's address.")
@click.option(
    "--to", type=click.Path(dir_okay=False, path_type=Path), help="The zip file; it must not exist yet."
)
@with_appcontext
@in_one_line
def export(email: str, to: Path | None) -> None:
    """Write everything of a person into one zip file that only you can read."""
    wired = services()
    person = queries.person(tidy_email(email))
    if person is None:
        raise UnknownPerson
    today = wired.ambient.today(person.time_zone)
    path = to or Path(f"mingus-{today.isoformat()}.zip")
    pieces = archive.everything(
        person.id, environment=wired.settings.environment.value, now=wired.ambient.now(), today=today
    )
    try:
        path.touch(mode=0o600, exist_ok=False)
    except OSError as err:
        message = f"{path}: {err.strerror}"
        raise click.ClickException(message) from err
    with path.open("wb") as file:
        file.writelines(pieces)
    click.echo(f"{path} holds everything of {person.email}.")
