"""The operator's commands about the inbox."""

from __future__ import annotations

import datetime as dt

import click
from flask.cli import AppGroup

from mingus.audit import AuditAction
from mingus.command import in_one_line
from mingus.errors import NotFound
from mingus.services import services
from mingus.webhooks import queries
from mingus.webhooks.models import FAILED

INSTANT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])

webhooks = AppGroup("webhooks", help="What Plaid sent.")


@webhooks.command("list")
@click.option("--failed", is_flag=True, help="Only what could not be handled.")
@click.option("--limit", default=50, show_default=True)
@in_one_line
def list_events(*, failed: bool, limit: int) -> None:
    """The newest webhooks first."""
    for row in queries.events(states=FAILED if failed else frozenset(), limit=limit):
        code = f"{row.webhook_type}/{row.webhook_code}"
        word = row.failure or row.outcome or ""
        click.echo(
            f"{row.id}  {row.at:%Y-%m-%d %H:%M:%S}  {row.state:<12}  x{row.times_seen:<3} {code:<48} {word}"
        )


@webhooks.command("replay")
@click.argument("event_id", required=False)
@click.option("--since", type=INSTANT, help="From this time on (UTC).")
@click.option("--until", type=INSTANT, help="Before this time (UTC).")
@click.option("--failed", is_flag=True, help="Only what could not be handled.")
@in_one_line
def replay(
    event_id: str | None, since: dt.datetime | None, until: dt.datetime | None, *, failed: bool
) -> None:
    """Have stored webhooks handled once more: one, a range, or all that failed."""
    if event_id is None and since is None and until is None and not failed:
        message = "Say which: an id, --since, --until or --failed."
        raise click.UsageError(message)
    which = "failed" if failed else "range"
    services().trail.note(
        AuditAction.WEBHOOKS_REPLAYED, actor=None, subject=None, target=event_id, which=event_id or which
    )
    count = services().inbox.replay(
        event_id=event_id,
        since=_utc(since),
        until=_utc(until),
        states=FAILED if failed else frozenset(),
    )
    if event_id is not None and not count:
        raise NotFound
    click.echo(f"{count} will be handled once more.")


def _utc(instant: dt.datetime | None) -> dt.datetime | None:
    return instant.replace(tzinfo=dt.UTC) if instant is not None else None
