"""Two workers at one connection, at the same moment, again and again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from tests import factories
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient

ROUNDS = 20
EVENTS = 50


def test_a_thousand_events_are_written_once_by_two_workers(
    app: Flask, wired: Services, plaid: Running, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    bank = Bank(wired, plaid, jobs, factories.make_person(app))
    troubles: list[BaseException] = []

    def work(start: threading.Barrier) -> None:
        with app.app_context():
            try:
                start.wait(timeout=30)
                wired.sync.run(bank.connection_id)
            except BaseException as err:
                troubles.append(err)
                raise
            finally:
                db.session.remove()

    for _ in range(ROUNDS):
        ambient.advance(minutes=1)
        bank.do("burst", times=EVENTS)
        wired.sync.request(bank.connection_id, Trigger.WEBHOOK)
        start = threading.Barrier(2)
        workers = [threading.Thread(target=work, args=(start,)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(timeout=60)
    jobs.run_all()
    assert troubles == []
    bank.assert_true()
    logs = db.session.scalars(select(PlaidSyncLog)).all()
    assert {log.status for log in logs} == {SyncStatus.SUCCESS}
    rows = db.session.scalar(select(func.count()).select_from(PlaidTransaction))
    assert sum(log.added for log in logs) == rows, "none was written twice"
    assert sum(log.added for log in logs[1:]) >= ROUNDS * EVENTS
