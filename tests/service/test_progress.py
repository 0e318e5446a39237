"""How far an import is, while it runs and after: phases and counts that are true."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.db import db
from mingus.plaid import spool
from mingus.plaid.ledger import Trigger
from mingus.plaid.progress import Phase
from mingus.plaid.progress import Progress
from mingus.plaid.progress import progress_of
from tests import factories
from tests.factories import BEN
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> Bank:
    return Bank(wired, plaid, jobs, ada)


def told(bank: Bank, person: UserId) -> Progress:
    db.session.rollback()
    db.session.expire_all()
    return progress_of(person).get(bank.connection_id, Progress())


def test_a_finished_import_is_full_and_counts_what_came(bank: Bank, ada: UserId) -> None:
    progress = told(bank, ada)
    assert (progress.phase, progress.running, progress.sync_id) == (Phase.FULL, False, None)
    assert progress.imported > 20
    bank.spend_often(3)
    bank.sync()
    assert told(bank, ada).imported == progress.imported + 3


def test_a_waiting_sync_is_told_and_a_running_one_with_its_rows(
    bank: Bank, ada: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank.spend_often(4)
    sync_id = bank.wired.sync.request(bank.connection_id, Trigger.PERSON)
    waiting = told(bank, ada)
    assert (waiting.sync_id, waiting.running, waiting.phase) == (sync_id, False, Phase.FULL)
    ask = bank.wired.gateway.accounts
    seen: list[Progress] = []

    def look(token: str, about: Any) -> Any:
        seen.append(told(bank, ada))
        return ask(token, about)

    monkeypatch.setattr(bank.wired.gateway, "accounts", look)
    monkeypatch.setattr(spool, "TELL_EVERY", dt.timedelta())
    bank.jobs.run_all()
    [running] = seen
    assert (running.sync_id, running.running, running.fetched, running.pages) == (sync_id, True, 4, 1)
    assert running.started_at is not None
    assert told(bank, ada).sync_id is None


def test_a_bank_that_still_gathers_history_says_how_far_it_is(
    bank: Bank, ada: UserId, monkeypatch: pytest.MonkeyPatch
) -> None:
    for word, phase in (("INITIAL_UPDATE_COMPLETE", Phase.RECENT), ("NOT_READY", Phase.CONNECTED)):
        ask = bank.wired.gateway.sync_page

        def early(token: str, cursor: str, about: Any, ask: Any = ask, word: str = word) -> Any:
            page, body = ask(token, cursor, about)
            return type(page)(
                **{name: getattr(page, name) for name in page.__struct_fields__}
                | {"transactions_update_status": word}
            ), body

        with monkeypatch.context() as patch:
            patch.setattr(bank.wired.gateway, "sync_page", early)
            bank.sync()
        assert told(bank, ada).phase == phase
        bank.wired.ambient.advance(minutes=1)  # type: ignore[attr-defined]  # the frozen one


def test_a_stranger_is_told_nothing(app: Flask, bank: Bank) -> None:
    assert progress_of(factories.make_person(app, BEN), [bank.connection_id]) == {}
