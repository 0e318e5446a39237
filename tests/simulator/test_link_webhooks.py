"""Webhooks about Link's own sessions: hosted ones, those with several banks, and all where switched on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.link.settings import change_settings
from mingus.simulator.link.users import user_create
from tests.simulator.link_browser import make_token
from tests.simulator.link_browser import until
from tests.simulator.link_steps import Link
from tests.simulator.link_steps import sessions

if TYPE_CHECKING:
    from tests.simulator.judged import Running
    from tests.simulator.receiver import Receiver


def link_webhooks(receiver: Receiver) -> list[dict[str, Any]]:
    return [received.json for received in receiver.received if received.json["webhook_type"] == "LINK"]


def test_hosted_session_tells_its_end_by_webhook(simulator: Running, receiver: Receiver) -> None:
    token = make_token(simulator, hosted_link={}, webhook=receiver.url)
    outcome = Link(simulator, token, hosted=True).connect()
    until(lambda: len(link_webhooks(receiver)) == 2)
    finished, events = link_webhooks(receiver)
    assert (finished["webhook_code"], finished["status"]) == ("SESSION_FINISHED", "SUCCESS")
    assert finished["public_tokens"] == [outcome["public_token"]]
    assert finished["link_token"] == token
    assert events["events"][-1]["event_name"] == "HANDOFF"


def test_hosted_session_that_is_left_says_so(simulator: Running, receiver: Receiver) -> None:
    token = make_token(simulator, hosted_link={}, webhook=receiver.url)
    Link(simulator, token, hosted=True).act("exit")
    until(lambda: len(link_webhooks(receiver)) == 2)
    assert link_webhooks(receiver)[0]["status"] == "EXITED"
    assert link_webhooks(receiver)[0]["public_tokens"] == []


def test_multi_item_session_tells_each_item_and_hands_off_without_token(
    simulator: Running, receiver: Receiver
) -> None:
    user = user_create(simulator.sim, {"client_user_id": "ada"})["user_id"]
    token = make_token(simulator, enable_multi_item_link=True, user_id=user, webhook=receiver.url)
    link = Link(simulator, token).to_login()
    link.act(username="user_good", password="pass_good")
    link.act(account=link.account_ids())
    link.act("another")
    link.act("pick", institution="ins_109509")
    link.act(username="user_good", password="pass_good")
    link.act(account=link.account_ids())
    outcome = link.act()["outcome"]
    until(lambda: len(link_webhooks(receiver)) == 4)
    codes = [payload["webhook_code"] for payload in link_webhooks(receiver)]
    assert codes == ["ITEM_ADD_RESULT", "ITEM_ADD_RESULT", "SESSION_FINISHED", "EVENTS"]
    assert outcome["public_token"] == ""
    assert len(link_webhooks(receiver)[2]["public_tokens"]) == 2
    assert len(sessions(simulator, token)[0]["results"]["item_add_results"]) == 2


def test_hosted_session_that_is_walked_away_from_tells_its_events(
    simulator: Running, receiver: Receiver
) -> None:
    link = Link(simulator, make_token(simulator, hosted_link={}, webhook=receiver.url), hosted=True)
    simulator.sim.scheduler.travel(simulator.sim.clock.now() + timedelta(minutes=11))
    until(lambda: link_webhooks(receiver))
    assert [payload["webhook_code"] for payload in link_webhooks(receiver)] == ["EVENTS"]
    assert link_webhooks(receiver)[0]["link_session_id"] == link.session
    assert [event["event_name"] for event in link_webhooks(receiver)[0]["events"]] == [
        "OPEN",
        "TRANSITION_VIEW",
    ]


def test_ordinary_session_sends_no_webhook_unless_enabled(simulator: Running, receiver: Receiver) -> None:
    Link(simulator, make_token(simulator, webhook=receiver.url)).act("exit")
    change_settings(simulator.sim, {"webhooks_for_every_session": True})
    Link(simulator, make_token(simulator, webhook=receiver.url)).act("exit")
    until(lambda: len(link_webhooks(receiver)) == 2)
    assert len({payload["link_session_id"] for payload in link_webhooks(receiver)}) == 1
