"""The operator's commands about backups."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from mingus import schema
from mingus.backups.envelope import SealedReader
from mingus.backups.restoring import drill
from mingus.backups.restoring import restore as restore_into
from mingus.command import in_one_line
from mingus.db import db
from mingus.services import services

backup = AppGroup("backup", help="The whole database in one sealed file.")
FILE = click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@backup.command("create")
@click.option("--to", "path", type=click.Path(dir_okay=False, path_type=Path), help="Another place and name.")
@in_one_line
def create(path: Path | None) -> None:
    """Write a backup while everything runs, and read it back."""
    if path is not None and path.exists():
        message = f"{path} is there already."
        raise click.ClickException(message)
    made = services().backups.make(path)
    click.echo(f"{made.path}: {made.tally.rows} rows of {made.tally.tables} tables, {made.size_bytes} bytes.")
    click.echo(
        "Restoring it needs PLAID_ACCESS_TOKEN_ENCRYPTION_KEY, which is not in it: keep that elsewhere."
    )


@backup.command("list")
@in_one_line
def list_backups() -> None:
    """What workers made by themselves, the newest first."""
    for row in services().backups.latest():
        name = row.file_name or row.failure or "-"
        click.echo(f"{row.requested_at:%Y-%m-%d %H:%M}  {row.state:<9}  {row.row_count or 0:>9} rows  {name}")


@backup.command("show")
@FILE
@in_one_line
def show(path: Path) -> None:
    """What a backup says of itself; needs no key."""
    with path.open("rb") as file:
        reader = SealedReader(file)
    facts = reader.facts
    click.echo(f"made at       {facts['made_at']}")
    click.echo(f"migration     {facts['revision']}")
    click.echo(f"came from     {facts['engine']}, PLAID_ENV={facts['environment']}")
    click.echo(f"sealed with   {reader.key_id}")
    click.echo(f"tokens need   {', '.join(facts['token_keys']) or 'no key'}")


@backup.command("verify")
@FILE
@click.option("--quick", is_flag=True, help="Only read it to its end; restore nothing.")
@in_one_line
def verify(path: Path, *, quick: bool) -> None:
    """Prove that a backup can be restored: into a database that is thrown away afterwards."""
    tally = services().backups.look(path) if quick else drill(path, services().settings.encryption_keys)
    click.echo(f"{tally.rows} rows of {tally.tables} tables, whole{'' if quick else ' and restored'}.")


@backup.command("restore")
@FILE
@in_one_line
def restore(path: Path) -> None:
    """Fill the empty database of DATABASE_URL from a backup, whichever engine it came from."""
    tally = restore_into(path, db.engine, services().settings.encryption_keys)
    schema.upgrade(services())
    click.echo(f"{tally.rows} rows of {tally.tables} tables are back.")
    click.echo("Everybody signs in anew. The next syncs bring what the banks had since.")
