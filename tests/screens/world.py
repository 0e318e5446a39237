"""A seeded world to take pictures of.

Ada's household has two banks and a house, Ben has nothing, and each of Cleo's banks is in some trouble.
"""

from __future__ import annotations

import datetime as dt
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import NoReturn

from flask import abort
from sqlalchemy import select
from werkzeug.serving import make_server

from mingus import create_app
from mingus import money
from mingus import schema
from mingus.auth.models import Role
from mingus.auth.passwords import Passwords
from mingus.browserreports import Refusal
from mingus.db import db
from mingus.db import unit_of_work
from mingus.jobs import InlineJobs
from mingus.money import Money
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidCall
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from mingus.services import services
from mingus.simulator.config import Config
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent
from tests import factories
from tests.conftest import settings_for
from tests.conftest import within
from tests.simulator.judged import judged
from tests.support.ambient import NOON
from tests.support.ambient import FrozenAmbient
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.connected import Bank

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.plaid.models import AccountId

DORA = "dora@mingus.test"
EVE = "eve@mingus.test"
TARTAN = "ins_109511"
OTHERS = ("ins_109508", "ins_109509", "ins_109510", TARTAN, "ins_109512")
DOLLAR = money.official("USD")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The served application and who is in it."""

    app: Flask
    url: str
    ada: UserId
    ben: UserId
    receipt: str  # of somebody who left


@contextmanager
def built(folder: Path) -> Iterator[World]:
    """The world on a port of its own; its clock stands, so that pictures differ only where pages do."""
    clock = Config(
        clock=f"frozen:{NOON.isoformat()}", initial_seconds=0, historical_seconds=0, signing_time="virtual"
    )
    with judged(clock) as plaid, socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://localhost:{door.getsockname()[1]}"
        app = create_app(
            settings_for(
                folder,
                f"sqlite:///{folder / 'screens.sqlite3'}",
                PLAID_HOST=plaid.base_url,
                MINGUS_BASE_URL=url,
                PLAID_REDIRECT_URI=f"{url}/oauth-callback",
            ),
            ambient=FrozenAmbient(),
            jobs=InlineJobs(),
            passwords=Passwords(memory_kib=64),
        )
        with app.app_context():
            wired = services()
            schema.upgrade(wired)
            jobs: InlineJobs = wired.jobs  # type: ignore[assignment]  # the queue of tests
            jobs.bind({kind: within(app, handler) for kind, handler in wired.handlers().items()})
        ada = factories.make_person(app, role=Role.ADMIN)
        ben = factories.make_person(app, factories.BEN)
        cleo = factories.make_person(app, factories.CLEO)
        dora = factories.make_person(app, DORA)
        eve = factories.make_person(app, EVE)
        app.add_url_rule("/screens/<int:status>", "fault", _fault)
        with app.app_context():
            Bank(wired, plaid, jobs, ada, username="user_household")
            second = Bank(wired, plaid, jobs, ada, username="user_retiree", institution_id=TARTAN)
            _keep_by_hand(ada)
            _trouble(second.connection().id)
            _incident(Bank(wired, plaid, jobs, eve, username="user_household"))
            _states([Bank(wired, plaid, jobs, cleo, institution_id=bank) for bank in OTHERS])
            receipt = wired.leaving.leave(dora, by=dora)
            jobs.run_all()
            refusal = Refusal(directive="script-src-elem", blocked="https://ads.example", page="/accounts")
            wired.browser_reports.note([refusal], network="192.0.2.7")
            wired.ambient.advance(minutes=7)  # type: ignore[attr-defined]  # the frozen one
        server = make_server("127.0.0.1", 0, app, threaded=True, fd=door.fileno())
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield World(app=app, url=url, ada=ada, ben=ben, receipt=receipt)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _fault(status: int) -> NoReturn:
    abort(status)


def _keep_by_hand(ada: UserId) -> None:
    manual, today = services().manual, NOON.date()
    house = _add(ada, "property", "House on Elm Street", 385_000, today - dt.timedelta(days=400))
    manual.write_value(ada, house, on=today - dt.timedelta(days=40), value=Money.exact(402_500, DOLLAR))
    _add(ada, "vehicle", "Volvo", 18_400, today - dt.timedelta(days=90))
    _add(ada, "cash", "Wallet", 120, today)
    _add(ada, "loan", "Loan of Aunt May", -6_000, today - dt.timedelta(days=200))
    old = _add(ada, "account", "Old bank", 1_240, today - dt.timedelta(days=300))
    lines = [
        f"{today - dt.timedelta(days=number)},Corner shop {number},-{number}.50,900"
        for number in range(1, 60)
    ]
    text = "\n".join(
        ["Date,Description,Amount,Balance", *lines, "soon,Baker,1.00,900", "2026-01-01,Baker,much,900"]
    )
    services().imports.take_up(
        ada, old, name="statement-april.csv", content=text.encode(), order="ymd", decimal="."
    )


def _add(ada: UserId, kind: str, name: str, value: int, on: dt.date) -> AccountId:
    return services().manual.add(
        ada, name=name, kind=kind, currency=DOLLAR, value=Money.exact(value, DOLLAR), on=on
    )


def _trouble(connection_id: str) -> None:
    """The second bank wants its person again."""
    found = db.session.scalars(select(PlaidConnection.id).where(PlaidConnection.id == connection_id)).one()
    services().connections.note_failure(found, PlaidFailure("ITEM_LOGIN_REQUIRED"), cause="screens")


def _states(banks: list[Bank]) -> None:
    """Importing, offline, read in part, asleep in another environment, ended at the bank."""
    importing, offline, partial, asleep, ended = banks
    note = services().connections.note_failure
    break_calls(partial.plaid, "odd_dates", "/transactions/sync")
    partial.spend_often(9)
    partial.sync()
    mend_calls(partial.plaid)
    note(offline.connection_id, PlaidFailure("INSTITUTION_DOWN"), cause="screens")
    note(ended.connection_id, PlaidFailure("ITEM_NOT_FOUND"), cause="screens")
    now = services().ambient.now()
    with unit_of_work() as unit:
        unit.lock_one(PlaidConnection, asleep.connection_id).environment = "production"
        connection = unit.lock_one(PlaidConnection, importing.connection_id)
        connection.state, connection.synced_at = ConnectionState.IMPORTING.value, None
        connection.wanted_seq += 1
        connection.lease_until = now + dt.timedelta(hours=1)
        unit.session.add(
            PlaidSyncLog(
                id=services().ambient.new_id("sync"),
                connection_id=connection.id,
                user_id=connection.user_id,
                trigger=Trigger.CONNECTED.value,
                status="running",
                requested_at=now,
                started_at=now,
                update_status="INITIAL_UPDATE_COMPLETE",
                pages=13,
                fetched=6_500,
            )
        )


def _past_days(bank: Bank, now: dt.datetime) -> None:
    """Three weeks of syncs and calls, a few of them failed."""
    owner = bank.connection().user_id
    with unit_of_work() as unit:
        for number in range(21 * 20):
            at = now - dt.timedelta(days=number // 20 + 1, minutes=number)
            bad = number % 20 < (number // 20) % 4 // 2
            unit.session.add(
                PlaidSyncLog(
                    id=services().ambient.new_id("sync"),
                    connection_id=bank.connection_id,
                    user_id=owner,
                    trigger="schedule",
                    status="failed" if bad else "success",
                    requested_at=at,
                    started_at=at,
                    finished_at=at + dt.timedelta(seconds=2),
                    error_code="INSTITUTION_NOT_RESPONDING" if bad else None,
                )
            )
            unit.session.add(
                PlaidCall(
                    id=services().ambient.new_id("call"),
                    at=at,
                    endpoint="/transactions/sync",
                    connection_id=bank.connection_id,
                    status=400 if bad else 200,
                    milliseconds=180 + 37 * (number % 11),
                    error_code="INSTITUTION_NOT_RESPONDING" if bad else None,
                )
            )


def _incident(bank: Bank) -> None:
    """A bank had a bad day: it was down for a while, and some of its rows could not be read."""
    break_calls(bank.plaid, "error", "/transactions/sync", code="INSTITUTION_DOWN")
    bank.sync()
    mend_calls(bank.plaid)
    bank.spend_often(12)
    break_calls(bank.plaid, "odd_numbers", "/transactions/sync", count=1)
    bank.sync()
    mend_calls(bank.plaid)
    now = services().ambient.now()
    _past_days(bank, now)
    with unit_of_work() as unit:
        for number, state in enumerate((EventState.HANDLED, EventState.PARKED)):
            unit.session.add(
                WebhookEvent(
                    id=f"wh_{number}",
                    meaning=f"{number}",
                    body=b'{"webhook_code": "SYNC_UPDATES_AVAILABLE", "webhook_type": "TRANSACTIONS"}',
                    headers={"User-Agent": "Plaid", "Content-Type": "application/json"},
                    key_id="bfbd5111-8e33-4643-8ced-b2e642a72f3c",
                    signed_at=now,
                    webhook_type="TRANSACTIONS",
                    webhook_code="SYNC_UPDATES_AVAILABLE",
                    state=state.value,
                    first_seen_at=now,
                    last_seen_at=now,
                    attempts=8 * number,
                    failure="OperationalError" if number else None,
                    outcome=None if number else "sync",
                    connection_id=bank.connection_id,
                )
            )
