"""Every code that Plaid can answer with, as its bank's card tells it: one sentence, the state, one thing to do."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.failures import CATALOGUE
from mingus.plaid.failures import Action
from mingus.plaid.failures import Family
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from mingus.simulator.errors import CATALOGUE as AT_PLAID
from tests import factories
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.bank import public_token

if TYPE_CHECKING:
    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.plaid.models import ConnectionId
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.browser import Browser

WORDS = {
    Family.PERSON: "Needs you to sign in",
    Family.RETRY: "The bank does not answer",
    Family.UNKNOWN: "The bank does not answer",
    Family.GONE: "No longer connected",
    Family.OPERATOR: "Connected, but it can't be read at the moment",
}
BUTTONS = {
    Action.RECONNECT: "Reconnect",
    Action.AT_BANK: "Reconnect",
    Action.AGAIN: "Reconnect",
    Action.RELINK: "Connect again",
    Action.WAIT: "Sync now",
    Action.OPERATOR: "Sync now",
}
TOLD = [*(set(CATALOGUE) - {"CALLS_HELD_BACK"}), "SOMETHING_NEW"]


@pytest.fixture
def ada(app: Flask) -> Browser:
    return factories.sign_in(app, factories.make_person(app))


@pytest.fixture
def bank(ada: Browser, plaid: Running, jobs: InlineJobs, wired: Services) -> ConnectionId:
    started = ada.send_json("/api/plaid/link-token", {}).get_json()
    body = {"public_token": public_token(plaid), "metadata": {}, "link_id": started["link_id"]}
    assert ada.send_json("/api/plaid/connect", body).status_code == 200
    jobs.run_all()
    return db.session.scalars(select(PlaidConnection.id)).one()


def make_healthy(connection_id: ConnectionId) -> None:
    """Back from any state, also those that only a new Link would leave."""
    with unit_of_work() as unit:
        unit.session.execute(
            update(PlaidConnection)
            .where(PlaidConnection.id == connection_id)
            .values(state=ConnectionState.HEALTHY.value, error_code=None, failures=0)
        )


def card(browser: Browser) -> str:
    found = re.search(
        r'<section class="card connection".*?</header>.*?</p>', browser.get("/accounts").text, re.S
    )
    assert found is not None
    return html.unescape(found.group(0))


def cause(wired: Services, plaid: Running, bank: ConnectionId, code: str) -> str:
    """Make Plaid answer with the code where it has it, else note it as our own; gives the request id."""
    if code not in AT_PLAID:
        wired.connections.note_failure(bank, PlaidFailure(code, request_id="ours"), cause="test")
        return "ours"
    break_calls(plaid, "error", "/item/get", code=code)
    wired.connections.check(bank)
    mend_calls(plaid)
    db.session.rollback()
    return str(db.session.get_one(PlaidConnection, bank, populate_existing=True).error_request_id)


@pytest.mark.parametrize("family", sorted(WORDS))
def test_every_code_is_told_with_its_state_and_one_action(
    ada: Browser, bank: ConnectionId, wired: Services, plaid: Running, family: Family
) -> None:
    for code in (code for code in TOLD if PlaidFailure(code).advice.family is family):
        make_healthy(bank)
        failure, request_id = PlaidFailure(code), cause(wired, plaid, bank, code)
        shown = card(ada)
        assert WORDS[failure.advice.family] in shown, code
        assert failure.advice.sentence in shown, code
        acts = re.findall(r'<div class="connection__act">(.*?)</div>', shown, re.S)
        assert len(acts) == 1, code
        assert BUTTONS[failure.advice.action] in acts[0], code
        assert f"Plaid's reference {request_id}" in html.unescape(ada.get("/accounts").text), code


def test_our_own_patience_is_no_trouble_of_the_bank(
    ada: Browser, bank: ConnectionId, wired: Services
) -> None:
    wired.connections.note_failure(bank, PlaidFailure("CALLS_HELD_BACK"), cause="test")
    assert ">Connected<" in card(ada)


def test_data_that_is_not_there_is_no_trouble(ada: Browser, bank: ConnectionId, wired: Services) -> None:
    for code, advice in CATALOGUE.items():
        if advice.family is Family.NORMAL:
            wired.connections.note_failure(bank, PlaidFailure(code), cause="test")
            assert ">Connected<" in card(ada), code
