"""The operator's commands about connections and the keys of their tokens."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from mingus.command import in_one_line
from mingus.plaid import queries
from mingus.services import services

plaid = AppGroup("plaid", help="Connections to banks.")
vault = AppGroup("vault", help="The keys that seal access tokens.")


@plaid.command("connections")
@in_one_line
def connections() -> None:
    """List every connection of this environment; no names of people, no amounts."""
    for row in queries.all_connections(environment=services().settings.environment.value):
        code = row.error_code or "-"
        click.echo(f"{row.id}  {row.state:<14}  {code:<28}  {row.institution_name}")


@vault.command("rotate")
@click.option("--dry-run", is_flag=True, help="Only count what would be sealed anew.")
@in_one_line
def rotate(*, dry_run: bool) -> None:
    """Seal everything with the first key of PLAID_ACCESS_TOKEN_ENCRYPTION_KEY; may be stopped and run again."""
    report = services().vault.rotate(dry_run=dry_run)
    verb = "would be sealed anew" if dry_run else "sealed anew"
    click.echo(
        f"{report.total} secrets, {report.current} with the current key already, {report.changed} {verb}."
    )
    _complain(report.unreadable)


@vault.command("verify")
@in_one_line
def verify() -> None:
    """Open every secret and change nothing."""
    services().vault.check_keys()
    report = services().vault.verify()
    readable = report.total - len(report.unreadable)
    click.echo(f"{readable} of {report.total} secrets open; {report.current} use the first key.")
    _complain(report.unreadable)


def _complain(unreadable: tuple[str, ...]) -> None:
    if unreadable:
        message = f"{len(unreadable)} can not be opened: {', '.join(unreadable[:10])}"
        raise click.ClickException(message)
