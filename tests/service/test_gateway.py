"""The one door to Plaid: whatever happens on the wire ends as a failure of a known family, and leaves a row."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mingus.db import db
from mingus.plaid import gateway as gateway_module
from mingus.plaid.failures import CATALOGUE
from mingus.plaid.failures import Family
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.failures import advice
from mingus.plaid.gateway import About
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidCall
from mingus.plaid.outgoing import TROUBLE_OPENS_AT
from mingus.plaid.states import ConnectionState
from mingus.simulator.errors import CATALOGUE as AT_PLAID
from tests.support.bank import ask_plaid
from tests.support.bank import break_calls
from tests.support.bank import public_token

if TYPE_CHECKING:
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient


@pytest.fixture
def token(plaid: Running) -> str:
    """The access token of a living item."""
    return str(
        ask_plaid(plaid, "/item/public_token/exchange", public_token=public_token(plaid))["access_token"]
    )


def failure_of(wired: Services, token: str) -> PlaidFailure:
    with pytest.raises(PlaidFailure) as failed:
        wired.gateway.accounts(token)
    return failed.value


def last_call() -> PlaidCall:
    db.session.rollback()
    return db.session.scalars(select(PlaidCall).order_by(PlaidCall.id.desc()).limit(1)).one()


# Link alone gives this one, and as a success: 208
IN_LINK = {"OAUTH_STATE_ID_ALREADY_PROCESSED"}


@pytest.mark.parametrize("code", sorted(set(AT_PLAID) & set(CATALOGUE) - IN_LINK))
def test_every_code_has_its_family_its_sentence_and_its_row(
    wired: Services, plaid: Running, token: str, code: str
) -> None:
    break_calls(plaid, "error", "/accounts/get", code=code)
    failure = failure_of(wired, token)
    assert failure.error_code == code
    assert failure.advice.family is advice(failure.error_type, code).family
    assert failure.public.endswith(".")
    assert failure.request_id
    call = last_call()
    assert (call.error_code, call.request_id, call.status) == (code, failure.request_id, failure.plaid_status)


def test_plaids_documented_codes_are_all_known() -> None:
    unknown = {code for code in AT_PLAID if advice(None, code).family is Family.UNKNOWN}
    rate_limits = {code for code in unknown if code.endswith(("_LIMIT", "LIMIT"))}
    assert unknown - rate_limits == set()
    assert all(advice("RATE_LIMIT_EXCEEDED", code).family is Family.RETRY for code in rate_limits)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("truncated", {"UNREADABLE_ANSWER", "NO_ANSWER"}),
        ("invalid_json", {"UNREADABLE_ANSWER"}),
        ("html_502", {"UNREADABLE_ANSWER"}),
        ("empty", {"UNREADABLE_ANSWER"}),
        ("redirect", {"UNREADABLE_ANSWER"}),
        ("huge", {"UNREADABLE_ANSWER"}),
        ("reset_after", {"NO_ANSWER"}),
    ],
)
def test_every_fault_on_the_wire_is_tried_again_later(
    wired: Services, plaid: Running, token: str, kind: str, code: set[str]
) -> None:
    break_calls(plaid, kind, "/accounts/get")
    failure = failure_of(wired, token)
    assert failure.error_code in code
    assert failure.retryable
    assert failure.advice.state is ConnectionState.BANK_TROUBLE
    assert last_call().error_code == failure.error_code


@pytest.mark.parametrize("kind", ["delay", "drip"])
def test_a_slow_answer_is_given_up(
    wired: Services, plaid: Running, token: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "READ_SECONDS", 0.4)
    monkeypatch.setattr(gateway_module, "TOTAL_SECONDS", 0.5)
    break_calls(plaid, kind, "/accounts/get", seconds=20)
    began = time.monotonic()
    assert failure_of(wired, token).retryable
    assert time.monotonic() - began < 5


def test_a_server_that_is_not_there_is_no_answer(
    wired: Services, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = wired.gateway._client()
    monkeypatch.setattr(client.api_client.configuration, "host", "http://127.0.0.1:9")
    assert failure_of(wired, token).error_code == "NO_ANSWER"


def test_a_token_of_another_environment_is_refused_before_any_call(wired: Services, plaid: Running) -> None:
    for token in ("access-production-1234", "access-development-1234", "nonsense"):
        assert failure_of(wired, token).error_code == "TOKEN_OF_ANOTHER_ENVIRONMENT"
    db.session.rollback()
    assert db.session.scalars(select(PlaidCall)).all() == []


def test_an_item_is_never_asked_too_often(
    wired: Services, plaid: Running, token: str, ambient: FrozenAmbient
) -> None:
    about = About(connection_id=None)
    for _ in range(10):
        wired.outgoing.take("/item/remove", item=None)
    with pytest.raises(PlaidFailure) as held:
        wired.outgoing.take("/item/remove", item=None)
    assert held.value.error_code == "CALLS_HELD_BACK"
    assert held.value.retry_after_seconds == 6
    ambient.advance(seconds=6)
    wired.outgoing.take("/item/remove", item=None)
    wired.gateway.accounts(token, about)
    usage = {found.key: found for found in wired.outgoing.usage()}
    assert usage["endpoint /item/remove"].is_high
    assert not usage["endpoint /accounts/get"].is_high


def test_a_bank_that_is_down_is_left_alone_for_all_its_connections(
    wired: Services, plaid: Running, token: str, ambient: FrozenAmbient
) -> None:
    wired.plaid._institutions.name_of("ins_109508")
    about = About(connection_id=None, institution_id="ins_109508")
    break_calls(plaid, "error", "/accounts/get", code="INSTITUTION_DOWN")
    for _ in range(TROUBLE_OPENS_AT):
        with pytest.raises(PlaidFailure, match="unavailable"):
            wired.gateway.accounts(token, about)
    calls = len(db.session.scalars(select(PlaidCall.id)).all())
    with pytest.raises(PlaidFailure) as rested:
        wired.gateway.accounts(token, about)
    assert (rested.value.error_code, rested.value.retry_after_seconds) == ("BANK_RESTS", 300)
    db.session.rollback()
    assert len(db.session.scalars(select(PlaidCall.id)).all()) == calls, "nobody was asked"
    ambient.advance(minutes=5)
    plaid.sim.faults.clear()
    assert wired.gateway.accounts(token, about).accounts
    wired.gateway.accounts(token, about)


def test_limits_for_one_connection_leave_others_alone(wired: Services) -> None:
    busy, calm = ConnectionId("con_busy"), ConnectionId("con_calm")
    passed = 0
    for _ in range(60):
        try:
            wired.outgoing.take("/accounts/get", item=busy)
        except PlaidFailure:
            break
        passed += 1
    assert passed == 40
    wired.outgoing.take("/accounts/get", item=calm)
