"""The operator's commands."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
import urllib3
from sqlalchemy import select
from sqlalchemy import update

from mingus import doctor
from mingus.auth.models import Role
from mingus.auth.models import User
from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidConnection
from mingus.services import services
from mingus.transactions.models import MonthSum
from mingus.worker import sweep_once
from tests import factories
from tests.factories import ADA
from tests.factories import PASSWORD
from tests.support.books import make_account
from tests.support.books import make_transaction
from tests.support.signing import Signer
from tests.support.signing import deliver
from tests.support.signing import hook
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=list(words))


def role_of(app: Flask) -> str:
    with app.app_context():
        return db.session.query(User).filter_by(email=ADA).one().role


def test_an_admin_is_made_promoted_and_demoted(app: Flask) -> None:
    assert run(app, "users", "create-admin", ADA.upper(), "--password", PASSWORD).exit_code == 0
    assert role_of(app) == Role.ADMIN
    assert run(app, "users", "demote", ADA).exit_code == 0
    assert role_of(app) == Role.MEMBER
    assert run(app, "users", "promote", ADA).exit_code == 0
    assert role_of(app) == Role.ADMIN


def test_sums_that_went_wrong_are_told_and_added_up_anew(app: Flask) -> None:
    factories.make_person(app)
    with app.app_context():
        account = make_account(db.session.scalars(select(User.id)).one())
        make_transaction(account, -500)
        with unit_of_work() as unit:
            unit.session.execute(update(MonthSum).values(minor=-400))
    told = run(app, "sums", "verify")
    assert (told.exit_code, "sums rebuild" in told.output) == (1, True)
    assert run(app, "sums", "rebuild").exit_code == 0
    assert run(app, "sums", "verify").exit_code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("users", "promote", "nobody@mingus.test"), "no person with that address"),
        (("users", "create-admin", ADA, "--password", PASSWORD), "has that address already"),
        (("users", "create-admin", "new@mingus.test", "--password", "short"), "at least 12 characters"),
        (("users", "create-admin", "new@mingus.test", "--password", "password1234"), "too easy to guess"),
    ],
)
def test_a_refusal_is_one_line_and_a_status(app: Flask, words: tuple[str, ...], told: str) -> None:
    factories.make_person(app)
    result = run(app, *words)
    assert result.exit_code != 0
    assert told in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_a_disabled_person_can_be_enabled_again(app: Flask) -> None:
    factories.make_person(app)
    browser = app.test_client()
    run(app, "users", "disable", ADA)
    assert browser.submit("/login", email=ADA, password=PASSWORD).status_code == 401  # type: ignore[attr-defined]  # a Browser
    run(app, "users", "enable", ADA)
    assert browser.submit("/login", email=ADA, password=PASSWORD).status_code == 303  # type: ignore[attr-defined]  # a Browser


def test_an_invitation_goes_out_by_mail(app: Flask, jobs: InlineJobs) -> None:
    assert run(app, "users", "invite", ADA).exit_code == 0
    jobs.run_all()
    assert [letter["To"] for letter in factories.letters(app)] == [ADA]


def test_seeding_the_demo_twice_leaves_one_person(app: Flask) -> None:
    assert run(app, "demo", "seed").exit_code == 0
    again = run(app, "demo", "seed")
    assert "Sign in as" in again.output
    with app.app_context():
        assert db.session.query(User).count() == 1


def test_migrating_a_current_database_changes_nothing(app: Flask) -> None:
    result = run(app, "migrate")
    assert result.exit_code == 0
    assert "The database is at" in result.output


def test_the_doctor_says_what_is_wrong_and_fails(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise urllib3.exceptions.ConnectTimeoutError

    monkeypatch.setattr(urllib3.PoolManager, "request", refuse)
    result = run(app, "doctor")
    assert result.exit_code == 1
    lines = {line.split()[1]: line.split()[0] for line in result.output.splitlines()}
    assert lines["credentials"] == "fail"
    assert lines["clock"] == "warn"
    assert {lines[name] for name in ("database", "migrations", "queue", "keys", "limits")} == {"ok"}


def test_every_line_of_the_doctor_fits_its_columns() -> None:
    assert doctor.warn("mail", "is a folder").line() == "warn  mail          is a folder"


def test_a_backup_is_made_shown_proven_and_never_written_over(app: Flask, tmp_path: Path) -> None:
    factories.make_person(app)
    file = str(tmp_path / "evening")
    assert "rows of" in run(app, "backup", "create", "--to", file).output
    assert run(app, "backup", "create", "--to", file).exit_code == 1
    assert "tokens need   no key" in run(app, "backup", "show", file).output
    assert "whole and restored." in run(app, "backup", "verify", file).output
    assert "whole." in run(app, "backup", "verify", "--quick", file).output
    refused = run(app, "backup", "restore", file)
    assert refused.exit_code == 1
    assert "nothing is ever overwritten" in refused.output


def test_syncs_are_asked_for_one_or_all(app: Flask, plaid: Running, jobs: InlineJobs) -> None:
    with app.app_context():
        bank = SyncedBank(services(), plaid, jobs, factories.make_person(app))
        db.session.remove()
    assert run(app, "plaid", "sync").exit_code == 2
    assert run(app, "plaid", "sync", "--all", "--connection", bank.connection_id).exit_code == 2
    assert run(app, "plaid", "sync", "--connection", "con_nobody").exit_code == 1
    assert run(app, "plaid", "sync", "--connection", bank.connection_id).output == "1 syncs asked for.\n"
    assert run(app, "plaid", "sync", "--all").output == "1 syncs asked for.\n"
    jobs.run_all()
    with app.app_context():
        triggers = db.session.scalars(select(PlaidSyncLog.trigger).order_by(PlaidSyncLog.id)).all()
    assert triggers[-1] == Trigger.OPERATOR


def test_what_an_operator_asks_for_does_not_wait_for_the_patience_after_a_failure(
    app: Flask, plaid: Running, jobs: InlineJobs
) -> None:
    with app.app_context():
        bank = SyncedBank(services(), plaid, jobs, factories.make_person(app))
        with unit_of_work() as unit:
            held = unit.lock_one(PlaidConnection, bank.connection_id)
            held.lease_until = services().ambient.now() + dt.timedelta(hours=4)
        db.session.remove()
    run(app, "plaid", "sync", "--all")
    jobs.run_all()
    with app.app_context():
        newest = db.session.scalars(select(PlaidSyncLog).order_by(PlaidSyncLog.id.desc())).first()
        assert newest is not None
        assert (newest.trigger, newest.status) == (Trigger.OPERATOR, SyncStatus.SUCCESS)


def test_the_doctor_misses_a_backup_and_finds_one(app: Flask, jobs: InlineJobs) -> None:
    with app.app_context():
        assert doctor._backups(services()).level is doctor.Level.WARN
        services().backups.wish()
        jobs.run_all()
        assert doctor._backups(services()).level is doctor.Level.OK
        services().ambient.advance(days=3)  # type: ignore[attr-defined]  # the frozen one
        assert doctor._backups(services()).level is doctor.Level.FAIL


def test_webhooks_are_listed_and_replayed_by_id_range_or_failure(app: Flask, jobs: InlineJobs) -> None:
    body = hook("FUTURE", "SOMETHING_NEW", "item-1")
    with app.app_context():
        signer = Signer().make_known()
    assert deliver(app.test_client(), body, signer.sign(body)).status_code == 200  # type: ignore[arg-type]  # test_client_class says so
    jobs.run_all()
    listed = run(app, "webhooks", "list", "--failed").output
    assert "FUTURE/SOMETHING_NEW" in listed
    event_id = listed.split()[0]
    assert run(app, "webhooks", "replay").exit_code == 2
    assert run(app, "webhooks", "replay", "nothing").exit_code == 1
    assert run(app, "webhooks", "replay", "--until", "2020-01-01").output.startswith("0 ")
    for words in ([event_id], ["--failed"], ["--since", "2026-05-04"]):
        assert run(app, "webhooks", "replay", *words).output.startswith("1 ")
        assert "waiting" in run(app, "webhooks", "list").output
        with app.app_context():
            sweep_once(services())
        jobs.run_all()
        assert "unknown_code" in run(app, "webhooks", "list").output
