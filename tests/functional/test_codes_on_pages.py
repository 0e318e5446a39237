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
from tests import factories
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
TOLD = [code for code, advice in CATALOGUE.items() if advice.family is not Family.NORMAL]


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


def test_every_code_is_told_with_its_state_and_one_action(
    ada: Browser, bank: ConnectionId, wired: Services
) -> None:
    for code in [*TOLD, "SOMETHING_NEW"]:
        make_healthy(bank)
        failure = PlaidFailure(code, request_id="req-of-plaid")
        wired.connections.note_failure(bank, failure, cause="test")
        shown = card(ada)
        if code == "CALLS_HELD_BACK":  # our own patience is no trouble of the bank
            assert ">Connected<" in shown, code
            continue
        assert WORDS[failure.advice.family] in shown, code
        assert failure.advice.sentence in shown, code
        acts = re.findall(r'<div class="connection__act">(.*?)</div>', shown, re.S)
        assert len(acts) == 1, code
        assert BUTTONS[failure.advice.action] in acts[0], code
        assert "req-of-plaid" in ada.get("/accounts").text


def test_data_that_is_not_there_is_no_trouble(ada: Browser, bank: ConnectionId, wired: Services) -> None:
    for code, advice in CATALOGUE.items():
        if advice.family is Family.NORMAL:
            wired.connections.note_failure(bank, PlaidFailure(code), cause="test")
            assert ">Connected<" in card(ada), code
