"""Leaving: shut out at once, items ended at Plaid however long that takes, no row left in any table."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mingus import tables
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.leaving.models import DepartedItem
from mingus.leaving.models import Departure
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import Trigger
from mingus.plaid.linking import StillExchanging
from mingus.plaid.models import PlaidConnection
from mingus.sealed import VaultSecret
from mingus.services import services
from tests import factories
from tests.factories import ADA
from tests.factories import BEN
from tests.factories import PASSWORD
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.bank import public_token
from tests.support.browser import text_of
from tests.support.connected import Bank
from tests.support.everything import fill
from tests.support.everything import owned_tables

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser


@pytest.fixture
def ada(app: Flask) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def bank(wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId) -> Bank:
    made = Bank(wired, plaid, jobs, ada)
    wired.factors.begin_app(ada)
    fill(ada)
    return made


def traces(*words: str) -> list[str]:
    """The tables in which one of the words can be read."""
    db.session.rollback()
    found = []
    for table in tables.metadata().sorted_tables:
        rows = repr(db.session.execute(select(table)).all())
        found += [f"{table.name}: {word}" for word in words if word in rows]
    return found


@pytest.mark.past_sums  # rows are made by the tables
def test_every_table_of_a_person_is_filled_before_they_leave(bank: Bank, ada: UserId) -> None:
    """Or the next test would show nothing."""
    assert len(owned_tables()) > 30
    told = traces(ada)
    assert {f"{table.name}: {ada}" for table in owned_tables() if "user_id" in table.c} <= set(told)


def test_no_row_is_left_in_any_table(
    app: Flask, wired: Services, jobs: InlineJobs, bank: Bank, ada: UserId
) -> None:
    ben = factories.make_person(app, BEN)
    with unit_of_work() as unit:
        wired.mail.write(unit, "password_changed", ADA, name="Ada", at=wired.ambient.now())
    kept = {table.name: len(db.session.execute(select(table)).all()) for table in owned_tables()}
    assert all(kept.values())
    receipt = wired.leaving.leave(ada, by=ada)
    jobs.run_all()
    assert traces(ada, ADA, bank.connection_id, bank.item) == []
    for table in owned_tables():
        # calls for link tokens name nobody, and the trail keeps its chain with the person blanked
        if table.name not in {"plaid_calls", "audit_events"}:
            assert db.session.execute(select(table)).all() == [], table.name
    assert db.session.scalars(select(User.id)).all() == [ben]
    assert db.session.query(VaultSecret).count() == 0
    told = wired.leaving.receipt(receipt)
    assert told.done_at is not None
    assert (told.items, told.items_left) == (1, 0)
    assert wired.trail.verify().problems == ()
    assert not [letter for letter in factories.letters(app) if ADA in str(letter["To"])]


def test_the_person_is_out_before_any_row_is_deleted(app: Flask, ada: UserId, browser: Browser) -> None:
    mine = factories.sign_in(app, ada)
    made = text_of(mine.submit("/settings/tokens", name="sheet", scope="read", days="7"))
    token = next(word for word in made.split() if word.startswith("mgs_"))
    with app.app_context():
        services().leaving.leave(ada, by=ada)
    assert mine.get("/settings").status_code == 303
    headers = {"Authorization": f"Bearer {token}"}
    assert app.test_client().get("/api/plaid/accounts", headers=headers).status_code == 401
    assert browser.submit("/login", email=ADA, password=PASSWORD).status_code == 401
    with app.app_context():
        assert db.session.query(User).count() == 1


def test_plaid_is_asked_until_it_confirms_even_with_the_person_gone(
    wired: Services, plaid: Running, jobs: InlineJobs, bank: Bank, ada: UserId, ambient: FrozenAmbient
) -> None:
    break_calls(plaid, "error", "/item/remove", code="INTERNAL_SERVER_ERROR")
    receipt = wired.leaving.leave(ada, by=ada)
    jobs.run_all()
    db.session.rollback()
    assert db.session.query(User).count() == 0
    assert wired.leaving.receipt(receipt).items_left == 1
    row = db.session.query(DepartedItem).one()
    assert row.error_code is not None
    assert traces(ada, ADA, bank.connection_id) == []
    assert wired.departed_items.due() == []
    mend_calls(plaid)
    ambient.advance(hours=1)
    for item_id in wired.departed_items.due():
        wired.departed_items.finish(item_id)  # type: ignore[arg-type]  # as the sweep gives it
    db.session.rollback()
    assert wired.leaving.receipt(receipt).items_left == 0
    assert db.session.query(VaultSecret).count() == 0


def test_items_of_another_environment_wait_for_it(
    wired: Services, jobs: InlineJobs, bank: Bank, ada: UserId
) -> None:
    with unit_of_work() as unit:
        unit.lock_one(PlaidConnection, bank.connection_id).environment = "sandbox"
    receipt = wired.leaving.leave(ada, by=ada)
    jobs.run_all()
    assert wired.leaving.receipt(receipt).items_left == 1
    assert wired.departed_items.due() == []


def test_leaving_during_a_sync_leaves_nothing(
    app: Flask,
    wired: Services,
    plaid: Running,
    jobs: InlineJobs,
    bank: Bank,
    ada: UserId,
    ambient: FrozenAmbient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bank.spend_often(3)
    ask = wired.gateway.sync_page

    def leave() -> None:
        with app.app_context():
            services().leaving.leave(ada, by=ada)
            for departure_id in services().leaving.due():
                services().leaving.finish(departure_id)  # type: ignore[arg-type]  # as the sweep gives it

    def leaves_meanwhile(*arguments: object) -> object:
        other = threading.Thread(target=leave)
        other.start()
        other.join()
        return ask(*arguments)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(wired.gateway, "sync_page", leaves_meanwhile)
    wired.sync.request(bank.connection_id, Trigger.PERSON)
    jobs.run_all()
    ambient.advance(days=2)
    wired.do_chores()  # what the sync still drew of its allowance goes with the day
    assert traces(ada, ADA, bank.connection_id, bank.item) == []
    assert db.session.query(PlaidTransaction).count() == 0


def test_an_exchange_that_is_answered_after_leaving_is_no_orphan(
    app: Flask,
    wired: Services,
    plaid: Running,
    jobs: InlineJobs,
    ada: UserId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    link = wired.plaid.create_link_token(ada).link_id
    ask = wired.gateway.exchange

    def leave() -> None:
        with app.app_context():
            services().leaving.leave(ada, by=ada)
            for departure_id in services().leaving.due():
                services().leaving.finish(departure_id)  # type: ignore[arg-type]  # as the sweep gives it

    def leaves_meanwhile(token: str) -> object:
        answer = ask(token)
        other = threading.Thread(target=leave)
        other.start()
        other.join()
        return answer

    monkeypatch.setattr(wired.gateway, "exchange", leaves_meanwhile)
    with pytest.raises(StillExchanging):
        wired.plaid.exchange_public_token(ada, link, public_token(plaid), metadata={})
    db.session.rollback()
    assert db.session.query(DepartedItem).count() == 1
    jobs.run_all()
    db.session.rollback()
    assert db.session.query(DepartedItem).count() == 0
    assert db.session.query(VaultSecret).count() == 0


def test_a_worker_that_dies_is_followed_by_another(
    wired: Services, jobs: InlineJobs, bank: Bank, ada: UserId, ambient: FrozenAmbient
) -> None:
    wired.leaving.leave(ada, by=None)
    [departure_id] = wired.leaving.due()
    wired.leaving._claim(departure_id)  # type: ignore[arg-type]  # the one who dies now
    assert wired.leaving.due() == []
    ambient.advance(minutes=6)
    assert wired.leaving.due() == [departure_id]
    jobs.run_all()
    assert traces(ada, ADA) == []


def test_asking_twice_is_one_departure(wired: Services, jobs: InlineJobs, bank: Bank, ada: UserId) -> None:
    first, second = wired.leaving.leave(ada, by=ada), wired.leaving.leave(ada, by=ada)
    jobs.run_all()
    assert wired.leaving.receipt(second).done_at is not None
    with pytest.raises(NotFound):
        wired.leaving.receipt(first)


def test_the_page_wants_the_address_and_gives_a_receipt(app: Flask, jobs: InlineJobs, ada: UserId) -> None:
    browser = factories.sign_in(app, ada)
    assert "Delete everything for good" in text_of(browser.get("/settings/leave"))
    assert browser.submit("/settings/leave", email=BEN).status_code == 422
    assert browser.submit("/settings/leave").status_code == 422
    answer = browser.submit("/settings/leave", email=ADA.upper())
    assert answer.status_code == 303
    assert answer.location.startswith("/left/")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Everything is being deleted" in text_of(browser.get(answer.location))
    jobs.run_all()
    page = text_of(app.test_client().get(answer.location))
    assert "Everything is deleted" in page
    assert "Ada" not in page
    assert browser.get("/settings").status_code == 303


def test_a_made_up_receipt_is_none(browser: Browser) -> None:
    assert browser.get("/left/x").status_code == 404


def test_the_operator_deletes_a_person(app: Flask, jobs: InlineJobs, ada: UserId) -> None:
    run = app.test_cli_runner()
    assert run.invoke(args=["users", "delete", BEN, "--yes"]).exit_code == 1
    assert "/left/" in run.invoke(args=["users", "delete", ADA, "--yes"]).output
    jobs.run_all()
    with app.app_context():
        assert db.session.query(User).count() == 0


def test_somebody_else_may_take_the_address_afterwards(
    app: Flask, wired: Services, jobs: InlineJobs, ada: UserId
) -> None:
    wired.leaving.leave(ada, by=ada)
    jobs.run_all()
    assert factories.make_person(app) != ada


def test_receipts_are_forgotten_after_a_year(
    wired: Services, jobs: InlineJobs, ada: UserId, ambient: FrozenAmbient
) -> None:
    wired.leaving.leave(ada, by=ada)
    jobs.run_all()
    ambient.advance(days=366)
    wired.leaving.forget_old()
    db.session.rollback()
    assert db.session.query(Departure).count() == 0


def test_what_was_mailed_is_forgotten_after_a_month(
    app: Flask, wired: Services, jobs: InlineJobs, ada: UserId, ambient: FrozenAmbient
) -> None:
    with unit_of_work() as unit:
        wired.mail.write(unit, "password_changed", ADA, name="Ada", at=wired.ambient.now())
    jobs.run_all()
    ambient.advance(days=29)
    wired.mail.forget_old()
    assert traces(ADA) == [f"outgoing_mails: {ADA}", f"users: {ADA}"]
    ambient.advance(days=2)
    wired.mail.forget_old()
    assert traces(ADA) == [f"users: {ADA}"]
