"""People are told once, in time, in one mail, the way they chose, and no longer than it is so."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.notices.models import Notice
from mingus.notices.models import NoticeKind
from mingus.notices.service import Ways
from mingus.plaid.models import PlaidConnection
from mingus.worker import sweep_once
from tests import factories
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> SyncedBank:
    return SyncedBank(wired, plaid, jobs, ada)


def kinds() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Notice.kind).where(Notice.over_at.is_(None)).order_by(Notice.id)))


def work(wired: Services, jobs: InlineJobs) -> None:
    sweep_once(wired)
    jobs.run_all()


def test_a_first_import_is_told_once(bank: SyncedBank, wired: Services, ada: UserId) -> None:
    bank.sync()
    assert kinds() == [NoticeKind.IMPORTED]
    assert wired.notices.unread(ada) == 1
    wired.notices.mark_read(ada)
    assert wired.notices.unread(ada) == 0


def test_a_bank_that_wants_the_person_is_told_until_it_is_reconnected(
    bank: SyncedBank, wired: Services, ada: UserId
) -> None:
    bank.do("break_login")
    for _ in range(3):
        wired.connections.check(bank.connection_id)
    assert kinds() == [NoticeKind.IMPORTED, NoticeKind.RECONNECT]
    (row,) = wired.notices.pressing(ada)
    assert row.path == f"/connect?connection={bank.connection_id}"
    bank.do("heal")
    wired.connections.check(bank.connection_id)
    assert wired.notices.pressing(ada) == []
    bank.do("break_login")
    wired.connections.check(bank.connection_id)
    assert len(wired.notices.of(ada)) in {2, 3}


def test_what_comes_together_is_one_mail_and_never_a_second(
    app: Flask, bank: SyncedBank, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    bank.do("break_login")
    wired.connections.check(bank.connection_id)
    work(wired, jobs)
    assert factories.letters(app) == []
    for _ in range(3):
        ambient.advance(minutes=11)
        work(wired, jobs)
    (letter,) = factories.letters(app)
    text = str(letter.get_content())
    assert letter["Subject"] == "2 things to know at MINGUS"
    assert f"/connect?connection={bank.connection_id}" in text
    assert "asks you to sign in again." in text


def test_what_is_over_before_the_mail_is_not_mailed(
    app: Flask, bank: SyncedBank, wired: Services, jobs: InlineJobs, ambient: FrozenAmbient, ada: UserId
) -> None:
    wired.notices.choose(ada, {NoticeKind.IMPORTED: Ways(by_mail=False)})
    bank.do("break_login")
    wired.connections.check(bank.connection_id)
    bank.do("heal")
    wired.connections.check(bank.connection_id)
    ambient.advance(minutes=11)
    work(wired, jobs)
    assert factories.letters(app) == []


def test_a_consent_that_ends_is_told_fourteen_seven_and_one_days_before(
    bank: SyncedBank, wired: Services, ada: UserId, ambient: FrozenAmbient
) -> None:
    end = ambient.now() + dt.timedelta(days=20)
    with unit_of_work() as unit:
        unit.lock_one(PlaidConnection, bank.connection_id).consent_expires_at = end
    told = []
    for _ in range(21 * 4):
        wired.notices.find_expiring()
        told = [row.facts["days"] for row in wired.notices.of(ada) if row.kind is NoticeKind.EXPIRING]
        assert len(list(wired.notices.pressing(ada))) <= 1
        ambient.advance(hours=6)
    assert sorted(told) == [1, 7, 14]


def test_a_choice_silences_a_kind(bank: SyncedBank, wired: Services, ada: UserId) -> None:
    wired.notices.choose(ada, {NoticeKind.IMPORTED: Ways(in_app=False, by_mail=False)})
    assert wired.notices.of(ada) == []
    assert wired.notices.unread(ada) == 0
    assert wired.notices.ways(ada)[NoticeKind.IMPORTED] == Ways(in_app=False, by_mail=False)
    assert wired.notices.ways(ada)[NoticeKind.RECONNECT] == Ways()


def test_a_new_kind_of_device_is_told_at_once_and_an_update_of_the_browser_is_none(
    app: Flask, wired: Services, jobs: InlineJobs, ada: UserId
) -> None:
    agents = ["Firefox/140 (X11; Linux)", "Firefox/141.2 (X11; Linux)", "Safari/605 (iPhone; iOS 19)"]
    for agent in [*agents, *agents]:
        with unit_of_work() as unit:
            wired.sessions.open(unit, ada, remembered=False, agent=agent, address="192.0.2.7")
    assert kinds() == [NoticeKind.NEW_DEVICE]
    jobs.run_all()
    (letter,) = factories.letters(app)
    assert letter["Subject"] == "A new kind of device signed in"
    assert "/settings/devices" in str(letter.get_content())


def test_a_revoked_bank_is_told_and_a_removed_one_is_not(
    bank: SyncedBank, wired: Services, jobs: InlineJobs, ada: UserId
) -> None:
    wired.connections.disconnect(bank.connection_id, keep_history=True)
    jobs.run_all()
    assert [row.kind for row in wired.notices.pressing(ada)] == []
    other = SyncedBank(wired, bank.plaid, jobs, ada)
    other.do("revoke")
    wired.connections.check(other.connection_id)
    assert [row.kind for row in wired.notices.pressing(ada)] == [NoticeKind.ENDED]
