"""The address where Plaid delivers: what is signed is durable before it is acknowledged, all else leaves no trace."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import jwt
import pytest
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from mingus import doctor
from mingus.db import db
from mingus.jobs import JobKind
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.gateway import PlaidGateway
from mingus.plaid.models import PlaidCall
from mingus.plaid.wire import WireKey
from mingus.services import services
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent
from mingus.webhooks.models import WebhookRefusal
from tests.simulator.receiver import Receiver
from tests.support.ambient import NOON
from tests.support.bank import break_calls
from tests.support.bank import public_token
from tests.support.signing import URL
from tests.support.signing import Signer
from tests.support.signing import deliver
from tests.support.signing import hook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

BODY = hook("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", "item-of-nobody")


@pytest.fixture
def signer(wired: Services) -> Signer:
    return Signer().make_known()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.stop()


def events() -> list[WebhookEvent]:
    db.session.rollback()
    return list(db.session.scalars(select(WebhookEvent).execution_options(populate_existing=True)))


def calls_for_keys() -> int:
    db.session.rollback()
    query = select(func.count()).where(PlaidCall.endpoint == "/webhook_verification_key/get")
    return db.session.scalar(query) or 0


def test_a_signed_webhook_is_stored_whole_and_a_worker_is_nudged(
    browser: Browser, signer: Signer, jobs: InlineJobs
) -> None:
    answer = deliver(browser, BODY, signer.sign(BODY))
    assert answer.status_code == 200
    (event,) = events()
    assert (event.body, event.state, event.signed_at) == (BODY, EventState.WAITING, NOON)
    assert event.headers["User-Agent"] == "Plaid"
    assert jobs.nudges == [(JobKind.INBOX, {})]


def test_the_same_webhook_again_is_counted_on_its_row(
    browser: Browser, signer: Signer, ambient: FrozenAmbient
) -> None:
    for _ in range(20):
        # signed anew each time: another text, the same meaning
        assert deliver(browser, BODY, signer.sign(BODY)).status_code == 200
        ambient.advance(seconds=1)
    (event,) = events()
    assert event.times_seen == 20
    assert event.last_seen_at - event.first_seen_at == dt.timedelta(seconds=19)


def test_forged_ones_all_get_the_same_answer_and_leave_only_a_count(
    browser: Browser, signer: Signer, ambient: FrozenAmbient, plaid: Running
) -> None:
    ambient.advance(days=1)
    now = ambient.now()
    good = signer.sign(BODY, at=now)
    answers = [
        deliver(browser, BODY, None),
        deliver(browser, BODY, "x.y.z"),
        deliver(browser, BODY + b" ", good),
        deliver(browser, BODY, good[:-12] + "AAAAAAAAAAAA"),
        deliver(browser, BODY, signer.sign(BODY, at=now - dt.timedelta(minutes=6))),
        deliver(browser, BODY, signer.sign(BODY, at=now + dt.timedelta(minutes=2))),
        deliver(browser, BODY, signer.sign(BODY, at=now, header={"alg": "none"})),
        deliver(browser, BODY, signer.sign(BODY, at=now, header={"alg": "HS256"})),
        deliver(browser, BODY, Signer().sign(BODY, at=now)),
    ]
    texts = {answer.get_json()["error"]["message"] for answer in answers}
    assert {answer.status_code for answer in answers} == {401}
    assert len(texts) == 1
    assert events() == []
    ambient.advance(seconds=11)
    deliver(browser, BODY, None)
    counts = {row.reason: row.count for row in db.session.scalars(select(WebhookRefusal))}
    assert counts == {
        "missing": 2,
        "malformed": 1,
        "body": 1,
        "signature": 1,
        "time": 2,
        "algorithm": 2,
        "unknown_key": 1,
    }


def test_a_webhook_for_another_environment_is_refused_but_shown(
    browser: Browser, signer: Signer, jobs: InlineJobs
) -> None:
    body = BODY.replace(b'"sandbox"', b'"production"')
    assert deliver(browser, body, signer.sign(body)).status_code == 401
    assert [event.state for event in events()] == [EventState.REFUSED]
    assert not jobs.nudges


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"null", b'{"webhook_type": 5}', b"\xff\xfe", b"[" * 50_000]
)
def test_what_is_signed_but_unreadable_is_kept(browser: Browser, signer: Signer, body: bytes) -> None:
    assert deliver(browser, body, signer.sign(body)).status_code == 200
    (event,) = events()
    assert (event.state, event.body) == (EventState.UNREADABLE, body)


def test_tokens_are_never_kept_in_clear(browser: Browser, signer: Signer) -> None:
    token = "public-sandbox-43a50e24-63ff-44e6-8a36-3120e4db9f9e"
    body = hook(
        "LINK", "SESSION_FINISHED", None, link_token="link-sandbox-4034605a-491e", public_tokens=[token]
    )
    deliver(browser, body, signer.sign(body))
    (event,) = events()
    assert b"43a50e24" not in event.body
    assert b"4034605a" not in event.body
    assert event.link_token_hash


def test_a_huge_body_is_refused_at_once(browser: Browser, signer: Signer) -> None:
    body = b"x" * (300 * 1024)
    assert deliver(browser, body, signer.sign(body)).status_code == 413
    assert browser.get(URL).status_code == 405


def test_nothing_is_acknowledged_that_is_not_durable(
    browser: Browser, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        msg = "insert"
        raise OperationalError(msg, {}, OSError("disk full"))

    monkeypatch.setattr("mingus.webhooks.scribe.Scribe._commit", refuse)
    assert deliver(browser, BODY, signer.sign(BODY)).status_code == 503


def test_plaids_own_webhook_is_believed_with_the_key_that_plaid_gives(
    browser: Browser, wired: Services, plaid: Running, receiver: Receiver, ambient: FrozenAmbient
) -> None:
    token = wired.gateway.exchange(public_token(plaid, webhook=receiver.url)).access_token
    wired.gateway.set_webhook(token, receiver.url)
    first = receiver.wait_for("WEBHOOK_UPDATE_ACKNOWLEDGED")
    claims = jwt.decode(str(first.verification), options={"verify_signature": False})
    ambient.at = dt.datetime.fromtimestamp(claims["iat"], dt.UTC)  # other tests moved Plaid's clock
    for _ in range(3):
        assert deliver(browser, first.body, first.verification).status_code == 200
    assert calls_for_keys() == 1


def test_while_the_key_endpoint_is_down_known_keys_go_on_and_unknown_ones_wait(
    browser: Browser, signer: Signer, plaid: Running, ambient: FrozenAmbient
) -> None:
    break_calls(plaid, "html_502", "/webhook_verification_key/get")
    ambient.advance(days=6)
    assert deliver(browser, BODY, signer.sign(BODY, at=ambient.now())).status_code == 200
    stranger = deliver(browser, BODY, Signer().sign(BODY, at=ambient.now()))
    assert stranger.status_code == 503
    assert stranger.headers["Retry-After"]
    ambient.advance(days=2)
    assert deliver(browser, BODY, signer.sign(BODY, at=ambient.now())).status_code == 503


def test_a_flood_of_made_up_keys_costs_few_look_ups_and_stops_nobody(
    browser: Browser, signer: Signer, plaid: Running
) -> None:
    for _ in range(100):
        stranger = Signer().sign(BODY)
        assert deliver(browser, BODY, stranger).status_code in {401, 429, 503}
        assert deliver(browser, BODY, stranger).status_code in {401, 429, 503}
    assert 0 < calls_for_keys() <= 30
    assert deliver(browser, BODY, signer.sign(BODY)).status_code == 200


def test_a_sender_of_forged_ones_is_held_back_before_any_work_and_let_in_again(
    browser: Browser, signer: Signer, ambient: FrozenAmbient, query_count: list[str]
) -> None:
    told = [deliver(browser, BODY, "x.y.z").status_code for _ in range(60)]
    assert set(told) == {401}
    late = deliver(browser, BODY, "x.y.z")
    assert late.status_code == 429
    seconds = int(late.headers["Retry-After"])
    assert 1 <= seconds <= 60
    query_count.clear()
    assert (
        deliver(browser, b"x" * (300 * 1024), Signer().sign(BODY)).status_code == 429
    )  # not 413: nobody read it
    assert deliver(browser, BODY, None).status_code == 429
    assert query_count == []
    ambient.advance(seconds=seconds)
    assert deliver(browser, BODY, None).status_code == 401


def test_what_verifies_is_never_held_back_whoever_sends_beside_it(
    browser: Browser, signer: Signer, ambient: FrozenAmbient
) -> None:
    for number in range(100):
        status = deliver(browser, BODY, Signer().sign(BODY)).status_code
        assert status in {401, 503} if number < 60 else status == 429
        body = hook("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", f"item-{number}")
        assert deliver(browser, body, signer.sign(body)).status_code == 200
    assert len(events()) == 100


def test_forged_ones_under_a_real_keys_name_are_held_back_too(browser: Browser, signer: Signer) -> None:
    forger = Signer()
    forger.kid = signer.kid
    told = [deliver(browser, BODY, forger.sign(BODY)).status_code for _ in range(62)]
    assert told == [401] * 60 + [429] * 2


def test_another_process_knows_who_is_held_back_and_other_senders_go_on(
    browser: Browser, signer: Signer, wired: Services
) -> None:
    for _ in range(61):
        deliver(browser, BODY, None)
    wired.inbox.forget_held()  # as in a process that has not met this sender
    assert deliver(browser, BODY, None).status_code == 429
    elsewhere = browser.post(URL, data=BODY, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert elsewhere.status_code == 401


def test_an_expired_key_is_refused(browser: Browser, wired: Services) -> None:
    old = Signer().make_known(expired_at=NOON - dt.timedelta(seconds=1))
    assert deliver(browser, BODY, old.sign(BODY)).status_code == 401


def test_keys_are_read_anew_to_learn_that_they_expired(
    app: Flask, browser: Browser, signer: Signer, ambient: FrozenAmbient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expired(*_: object) -> WireKey:
        return WireKey(**signer.jwk, expired_at=int(ambient.now().timestamp()) - 1)

    assert deliver(browser, BODY, signer.sign(BODY)).status_code == 200
    ambient.advance(hours=7)
    monkeypatch.setattr(PlaidGateway, "webhook_key", expired)
    services().webhook_keys.read_anew()
    assert deliver(browser, BODY, signer.sign(BODY, at=ambient.now())).status_code == 401


def test_a_key_that_can_not_be_read_anew_stays_as_it_was(
    browser: Browser, signer: Signer, ambient: FrozenAmbient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> WireKey:
        msg = "INTERNAL_SERVER_ERROR"
        raise PlaidFailure(msg)

    monkeypatch.setattr(PlaidGateway, "webhook_key", fails)
    ambient.advance(hours=7)
    services().webhook_keys.read_anew()
    assert deliver(browser, BODY, signer.sign(BODY, at=ambient.now())).status_code == 200


@pytest.mark.parametrize(
    ("seconds_late", "level", "told"),
    [
        (2, "ok", "agrees"),
        (90, "fail", "90 s ahead of"),  # our clock is fast: every webhook looks late
        (-40, "ok", "agrees"),
    ],
)
def test_the_doctor_reads_the_clock_off_the_webhooks(
    browser: Browser, signer: Signer, wired: Services, seconds_late: int, level: str, told: str
) -> None:
    at = NOON - dt.timedelta(seconds=seconds_late)
    assert deliver(browser, BODY, signer.sign(BODY, at=at)).status_code == 200
    found = doctor._signing_times(wired)
    assert found.level == level
    assert told in found.words
    assert browser.get("/readyz").get_json()["clock_lead_seconds"] == seconds_late


def test_the_doctor_says_that_webhooks_are_refused_for_their_time(
    browser: Browser, signer: Signer, wired: Services, ambient: FrozenAmbient
) -> None:
    for _ in range(2):  # what is turned away is told every ten seconds
        ambient.advance(seconds=11)
        assert deliver(browser, BODY, signer.sign(BODY, at=NOON + dt.timedelta(minutes=3))).status_code == 401
    found = doctor._signing_times(wired)
    assert found.level == "fail"
    assert "refused for their time" in found.words
