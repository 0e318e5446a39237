"""The operator's commands about connections and the keys of their tokens."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from mingus.admin import support
from mingus.command import in_one_line
from mingus.errors import NotFound
from mingus.plaid import queries
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import ConnectionId
from mingus.plaid.states import ENDED
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


@plaid.command("sync")
@click.option("--connection", "connection_id", help="The id of one, as `plaid connections` lists it.")
@click.option("--all", "everyone", is_flag=True, help="Every connection of this environment.")
@in_one_line
def sync(connection_id: str | None, *, everyone: bool) -> None:
    """Ask for syncs; running workers do them. What an operator asks for does not wait for a failure's patience."""
    if (connection_id is None) is not everyone:
        message = "Say which: --connection ID, or --all."
        raise click.UsageError(message)
    known = {
        row.id: row.state
        for row in queries.all_connections(environment=services().settings.environment.value)
        if row.state not in ENDED
    }
    if connection_id is not None and connection_id not in known:
        raise NotFound
    wanted = list(known) if connection_id is None else [ConnectionId(connection_id)]
    for wanted_id in wanted:
        services().sync.request(wanted_id, Trigger.OPERATOR)
    click.echo(f"{len(wanted)} syncs asked for.")


@plaid.command("support-bundle")
@click.argument("connection_id")
@in_one_line
def support_bundle(connection_id: str) -> None:
    """Print what helps others to help with a connection, as JSON; nothing in it is about people or money."""
    wired = services()
    found = support.bundle(
        ConnectionId(connection_id), environment=wired.settings.environment.value, now=wired.ambient.now()
    )
    click.echo(_there(found))


@plaid.command("scenario")
@click.argument("sync_id")
@in_one_line
def scenario(sync_id: str) -> None:
    """Print a failed sync as a story that the simulator plays: python -m mingus.simulator --scenario FILE.toml"""
    click.echo(_there(support.scenario(SyncId(sync_id), now=services().ambient.now())), nl=False)


def _there(found: str | None) -> str:
    if found is None:
        raise NotFound
    return found


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
