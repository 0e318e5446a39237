"""What happened with one's banks, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mingus.plaid.activity import Kind
from mingus.plaid.activity import activity
from mingus.services import services
from tests import factories
from tests.factories import BEN
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.browser import text_of
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.plaid.activity import Happening
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> Bank:
    return Bank(wired, plaid, jobs, ada)


@pytest.fixture
def signed_in(app: Flask, ada: UserId) -> Browser:
    return factories.sign_in(app, ada)


def happenings(person: UserId, zone: str = "UTC") -> list[Happening]:
    page = activity(person, environment="simulator", zone=zone, now=services().ambient.now(), limit=60)
    return [item for day in page.days for bank in day.banks for item in bank.happenings]


def test_an_import_a_change_and_quiet_checks_are_told_in_words(
    bank: Bank, ada: UserId, signed_in: Browser
) -> None:
    for _ in range(3):
        bank.sync()
    bank.spend_often(2)
    bank.sync()
    assert [(item.kind, item.times) for item in happenings(ada)] == [
        (Kind.CHANGED, 1),
        (Kind.QUIET, 3),
        (Kind.IMPORT, 1),
    ]
    page = text_of(signed_in.get("/activity"))
    assert "2 new transactions" in page
    assert "Checked 3 times, nothing new" in page
    assert "First import:" in page
    assert "asked by you" in page
    assert "Today" in page


def test_failures_say_what_happened_what_comes_next_and_plaids_request_id(
    bank: Bank, ada: UserId, signed_in: Browser, ambient: FrozenAmbient
) -> None:
    break_calls(bank.plaid, "error", "/transactions/sync", code="INSTITUTION_DOWN")
    bank.sync()
    ambient.advance(minutes=10)
    bank.sync()
    [failed, *_] = happenings(ada)
    assert (failed.kind, failed.times, failed.error_code) == (Kind.FAILED, 2, "INSTITUTION_DOWN")
    page = text_of(signed_in.get("/activity"))
    assert "Could not be read, 2 tries" in page
    assert "Your bank is unavailable at the moment" in page
    assert "Next: we look again by ourselves" in page
    assert failed.request_id is not None
    assert failed.request_id in page


def test_a_bank_that_wants_the_person_has_one_button(bank: Bank, signed_in: Browser) -> None:
    bank.do("break_login")
    bank.sync()
    page = signed_in.get("/activity").get_data(as_text=True)
    assert "your bank waits for you to sign in" in page
    assert f"/connect?connection={bank.connection_id}" in page


def test_rows_set_aside_are_never_told_as_good(bank: Bank, ada: UserId, signed_in: Browser) -> None:
    bank.spend_often(20)
    break_calls(bank.plaid, "odd_numbers", "/transactions/sync", count=1)
    log = bank.sync()
    mend_calls(bank.plaid)
    assert log.quarantined > 0
    waiting, item, *_ = happenings(ada)
    assert waiting.kind is Kind.WAITING, "it is read again in a moment"
    assert item.set_aside == log.quarantined
    assert "could not be read" in text_of(signed_in.get("/activity"))


def test_days_are_the_persons_own(bank: Bank, ada: UserId, ambient: FrozenAmbient) -> None:
    ambient.advance(hours=10)
    bank.sync()
    for zone, days in (("UTC", 1), ("Asia/Tokyo", 2)):
        page = activity(ada, environment="simulator", zone=zone, now=ambient.now(), limit=60)
        assert len(page.days) == days


def test_older_ones_follow_by_key(bank: Bank, ada: UserId, ambient: FrozenAmbient) -> None:
    for number in range(6):
        bank.do("spend", amount=1 + number)
        bank.sync()
        ambient.advance(minutes=5)
    seen, after = 0, None
    while True:
        page = activity(ada, environment="simulator", zone="UTC", now=ambient.now(), limit=2, after=after)
        seen += sum(len(row.happenings) for day in page.days for row in day.banks)
        after = page.next
        if after is None:
            break
    assert seen == 7


def test_a_person_without_banks_is_invited(signed_in: Browser) -> None:
    answer = signed_in.get("/activity")
    assert answer.status_code == 200
    assert "Connect a bank" in answer.get_data(as_text=True)
    assert "There is nothing older" in text_of(signed_in.get("/activity?after=sync_0"))


def test_a_stranger_sees_nothing_of_it(app: Flask, bank: Bank) -> None:
    ben = factories.sign_in(app, factories.make_person(app, BEN))
    assert bank.connection().institution_name not in text_of(ben.get("/activity"))


def test_a_visitor_signs_in_first(browser: Browser) -> None:
    assert browser.get("/activity").status_code in {302, 303}
