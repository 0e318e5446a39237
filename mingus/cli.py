"""The operator's commands: `flask --app wsgi …`. Failures are one line and a non-zero exit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from flask.cli import AppGroup
from flask.cli import with_appcontext

from mingus import demo
from mingus import doctor
from mingus import schema
from mingus.auth.forms import tidy_email
from mingus.auth.models import Role
from mingus.auth.passwords import MIN_LENGTH
from mingus.backups.commands import backup
from mingus.command import in_one_line
from mingus.exports.commands import export
from mingus.local_setup import DEMO_EMAIL
from mingus.local_setup import DEMO_PASSWORD
from mingus.plaid.commands import plaid
from mingus.plaid.commands import vault
from mingus.services import services
from mingus.transactions.commands import sums
from mingus.webhooks.commands import webhooks

if TYPE_CHECKING:
    from flask import Flask

audit = AppGroup("audit", help="Who did what: the trail that nobody can change unseen.")
users = AppGroup("users", help="People: make, promote, disable, invite.")
demo_group = AppGroup("demo", help="The demo person, for trying MINGUS out.")


def _address(_: click.Context, __: click.Parameter, value: str) -> str:
    return tidy_email(value)


EMAIL = click.argument("email", callback=_address)


@users.command("create-admin")
@EMAIL
@click.option("--name", default="Admin", show_default=True)
@click.password_option(help=f"At least {MIN_LENGTH} characters; asked for when left out.")
@in_one_line
def create_admin(email: str, name: str, password: str) -> None:
    """Make a person who may see the admin pages."""
    if len(password) < MIN_LENGTH:
        message = f"The password needs at least {MIN_LENGTH} characters."
        raise click.ClickException(message)
    services().auth.create(email=email, display_name=name, password=password, role=Role.ADMIN)
    click.echo(f"{email} is an admin.")


@users.command("promote")
@EMAIL
@in_one_line
def promote(email: str) -> None:
    """Make a member an admin."""
    services().auth.set_role(email, Role.ADMIN)
    click.echo(f"{email} is an admin.")


@users.command("demote")
@EMAIL
@in_one_line
def demote(email: str) -> None:
    """Make an admin a member again."""
    services().auth.set_role(email, Role.MEMBER)
    click.echo(f"{email} is a member.")


@users.command("disable")
@EMAIL
@in_one_line
def disable(email: str) -> None:
    """Shut a person out and end their sessions."""
    services().auth.disable(email)
    click.echo(f"{email} is shut out.")


@users.command("enable")
@EMAIL
@in_one_line
def enable(email: str) -> None:
    """Let a disabled person in again."""
    services().auth.enable(email)
    click.echo(f"{email} may sign in again.")


@users.command("reset-factors")
@EMAIL
@in_one_line
def reset_factors(email: str) -> None:
    """Take passkeys, app and codes of somebody who lost them away; check first that it is them."""
    services().factors.reset(email)
    click.echo(f"{email} signs in with the password alone.")


@users.command("delete")
@EMAIL
@click.confirmation_option(prompt="Everything of this person is deleted for good. Go on?")
@in_one_line
def delete(email: str) -> None:
    """Delete a person with everything; their items are ended at Plaid by the worker."""
    receipt = services().leaving.leave_by_address(email)
    click.echo(
        f"{email} is shut out; the rest goes in moments. Receipt: {services().settings.base_url}/left/{receipt}"
    )


@users.command("invite")
@EMAIL
@in_one_line
def invite(email: str) -> None:
    """Mail an invitation to sign up."""
    services().auth.invite(email)
    click.echo(f"An invitation to {email} is on its way.")


@demo_group.command("seed")
@in_one_line
def seed() -> None:
    """Make the demo person."""
    if not services().settings.demo:
        message = "MINGUS_DEMO is off here; the demo person's password is public."
        raise click.ClickException(message)
    demo.seed(services())
    click.echo(f"Sign in as {DEMO_EMAIL} with the password {DEMO_PASSWORD}")


@audit.command("verify")
@in_one_line
def verify_audit() -> None:
    """Walk the whole trail; any event changed, removed or slipped in is named, and the exit tells."""
    report = services().trail.verify()
    for problem in report.problems:
        click.echo(problem)
    if report.problems:
        message = "The audit trail does not hold."
        raise click.ClickException(message)
    click.echo(
        f"{report.total} events, {report.blanked} of them of people who left; the last is {report.head}."
    )


@click.command("migrate")
@with_appcontext
def migrate() -> None:
    """Bring database and queue to what this version wants; safe to repeat."""
    schema.upgrade(services())
    click.echo(f"The database is at {schema.current_revision()}.")


@click.command("doctor")
@with_appcontext
def doctor_command() -> None:
    """Check the whole installation; each line says ok, warn or fail, and the cure."""
    findings = doctor.examine(services())
    for finding in findings:
        click.echo(finding.line())
    if any(finding.level is doctor.Level.FAIL for finding in findings):
        raise SystemExit(1)


def register(app: Flask) -> None:
    for command in (
        audit,
        users,
        demo_group,
        plaid,
        vault,
        webhooks,
        export,
        backup,
        sums,
        migrate,
        doctor_command,
    ):
        app.cli.add_command(command)
