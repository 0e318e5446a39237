"""The question that open pages ask: cheap, honest, and never keeping anybody signed in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mingus.auth.models import AuthSession
from mingus.db import db
from mingus.services import services
from tests import factories
from tests.factories import BEN
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

PULSE = "/api/plaid/pulse"


@pytest.fixture
def person(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(app: Flask, plaid: Running, jobs: InlineJobs, person: UserId) -> SyncedBank:
    with app.app_context():
        return SyncedBank(services(), plaid, jobs, person)


@pytest.fixture
def ada(app: Flask, bank: SyncedBank, person: UserId) -> Browser:
    return factories.sign_in(app, person)


def spend(app: Flask, bank: SyncedBank) -> None:
    bank.do("spend", amount=5)
    with app.app_context():
        bank.sync()


def ask(browser: Browser, etag: str | None = None, since: str = "") -> TestResponse:
    headers = {"If-None-Match": etag} if etag else {}
    return browser.get(PULSE, query_string={"since": since}, headers=headers)


def mark_on(page: TestResponse) -> str:
    found = re.findall('data-live-mark="([0-9a-f]+)"', page.get_data(as_text=True))
    assert len(found) == 1
    return str(found[0])


def test_nothing_new_is_304_and_news_are_counted(
    app: Flask, bank: SyncedBank, ada: Browser, ambient: FrozenAmbient
) -> None:
    first = ask(ada)
    at = first.get_json()["at"]
    etag = ask(ada, since=at).headers["ETag"]
    assert ask(ada, etag, at).status_code == 304
    ambient.advance(minutes=5)
    spend(app, bank)
    answer = ask(ada, etag, at)
    assert answer.status_code == 200
    assert answer.get_json()["added"] == 1
    assert answer.get_json()["mark"] != first.get_json()["mark"]


def test_a_running_sync_and_trouble_show(bank: SyncedBank, ada: Browser, jobs: InlineJobs) -> None:
    before = ask(ada).get_json()
    ada.send_json("/api/plaid/transactions/sync", {})
    waiting = ask(ada).get_json()
    assert (before["syncing"], waiting["syncing"]) == (0, 1)
    bank.do("break_login")
    jobs.run_all()
    assert ask(ada).get_json()["mark"] not in {before["mark"], waiting["mark"]}


def test_somebody_elses_news_are_not_told(app: Flask, bank: SyncedBank, ambient: FrozenAmbient) -> None:
    ben = factories.sign_in(app, factories.make_person(app, BEN))
    before = ask(ben)
    ambient.advance(minutes=1)
    spend(app, bank)
    assert ask(ben, before.headers["ETag"]).status_code == 304


@pytest.mark.parametrize("since", ["x", "2026-13-01", "2026-05-04", "9999999"])
def test_an_odd_time_counts_as_none(ada: Browser, since: str) -> None:
    assert ask(ada, since=since).get_json()["added"] == 0


def test_a_page_that_asks_keeps_nobody_signed_in(app: Flask, ada: Browser, ambient: FrozenAmbient) -> None:
    with app.app_context():
        before = db.session.scalars(select(AuthSession.last_seen_at)).one()
    ambient.advance(minutes=20)
    assert ask(ada).status_code == 200
    assert ada.get("/accounts", headers={"X-Live": "1"}).status_code == 200
    with app.app_context():
        assert db.session.scalars(select(AuthSession.last_seen_at)).one() == before
    ambient.advance(minutes=11)
    assert ask(ada).status_code == 401


@pytest.mark.parametrize("path", ["/", "/accounts", "/transactions", "/notices"])
def test_a_page_carries_the_mark_of_what_it_shows(
    app: Flask, bank: SyncedBank, ada: Browser, path: str
) -> None:
    shown = mark_on(ada.get(path))
    assert shown == ask(ada).get_json()["mark"]
    spend(app, bank)
    assert ask(ada).get_json()["mark"] == mark_on(ada.get(path)) != shown
