"""What Link's server decides, step by step over HTTP: sessions, errors and lifetimes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from typing import Any

import pytest
import urllib3

from mingus.simulator.config import Config
from mingus.simulator.link.settings import change_settings
from tests.simulator.judged import judged
from tests.simulator.link_browser import make_token
from tests.simulator.link_steps import FIRST_PLATYPUS
from tests.simulator.link_steps import Link
from tests.simulator.link_steps import item_of
from tests.simulator.link_steps import sessions

if TYPE_CHECKING:
    from pathlib import Path

    from plaid.api import plaid_api

    from tests.simulator.judged import Running


def test_finished_session_of_an_ordinary_token_can_be_recovered(simulator: Running) -> None:
    token = make_token(simulator)
    link = Link(simulator, token)
    outcome = link.connect()
    (session,) = sessions(simulator, token)
    assert session["link_session_id"] == link.session
    assert session["finished_at"] is not None
    assert session["exit"] is None
    (added,) = session["results"]["item_add_results"]
    assert added["public_token"] == outcome["public_token"] == session["on_success"]["public_token"]
    assert added["institution"] == {"name": "First Platypus Bank", "institution_id": FIRST_PLATYPUS}
    assert added["accounts"] == outcome["metadata"]["accounts"]
    assert [event["event_name"] for event in session["events"]][-1] == "HANDOFF"


def test_tab_closed_after_success_leaves_its_public_token_to_find(simulator: Running) -> None:
    token = make_token(simulator)
    link = Link(simulator, token)
    link.to_login()
    link.act(username="user_good", password="pass_good")
    link.act(account=link.account_ids()[:2])
    assert link.pane == "connected"
    (session,) = sessions(simulator, token)
    (added,) = session["results"]["item_add_results"]
    assert item_of(simulator, added["public_token"]).institution_id == FIRST_PLATYPUS
    assert len(added["accounts"]) == 2


def test_session_data_is_gone_after_six_hours_and_hidden_when_switched_off(simulator: Running) -> None:
    token = make_token(simulator)
    Link(simulator, token).connect()
    change_settings(simulator.sim, {"results_for_every_session": False})
    with pytest.raises(KeyError):
        sessions(simulator, token)
    change_settings(simulator.sim, {"results_for_every_session": True})
    simulator.sim.clock.set(simulator.sim.clock.now() + timedelta(hours=6, seconds=1))
    assert sessions(simulator, token) == []


def test_item_shares_the_ticked_accounts_and_remembers_what_the_token_asked(simulator: Running) -> None:
    token = make_token(
        simulator,
        webhook="https://127.0.0.1:1/hook",
        transactions={"days_requested": 30},
        additional_consented_products=["liabilities"],
        optional_products=["identity"],
        account_filters={"depository": {"account_subtypes": ["checking", "savings"]}},
    )
    link = Link(simulator, token).to_login()
    link.act(username="user_good", password="pass_good")
    checking, _ = link.account_ids()
    link.act(account=[checking, "an-account-of-nobody"])
    item = item_of(simulator, link.act()["outcome"]["public_token"])
    assert [account.account_id for account in item.visible_accounts()] == [checking]
    assert (item.days_requested, item.webhook) == (30, "https://127.0.0.1:1/hook")
    assert {"transactions", "identity"} <= set(item.products)
    assert item.consented_products == ["liabilities"]
    assert item.client_user_id == "ada"


def test_no_account_ticked_is_said_and_nothing_is_made(simulator: Running) -> None:
    link = Link(simulator, make_token(simulator)).to_login()
    link.act(username="user_good", password="pass_good")
    link.act(account=[])
    assert link.pane == "accounts"
    assert "Choose at least one account" in link.html
    assert list(simulator.sim.items.all()) == []


def test_filters_that_leave_nothing_end_in_no_accounts(simulator: Running) -> None:
    token = make_token(simulator, account_filters={"other": {"account_subtypes": ["all"]}})
    link = Link(simulator, token).to_login()
    link.act(username="user_good", password="pass_good")
    outcome = link.act("exit")["outcome"]
    assert outcome["error"]["error_code"] == "NO_ACCOUNTS"


@pytest.mark.parametrize(
    "code", ["ITEM_LOCKED", "INSTITUTION_NOT_RESPONDING", "MFA_NOT_SUPPORTED", "INTERNAL_SERVER_ERROR"]
)
def test_error_user_ends_with_that_error_in_session_and_exit(simulator: Running, code: str) -> None:
    token = make_token(simulator)
    link = Link(simulator, token).to_login()
    link.act(username="user_good", password=f"error_{code}")
    assert link.pane == "error"
    outcome = link.act("exit")["outcome"]
    assert outcome["error"]["error_code"] == code
    assert outcome["metadata"]["status"] == "requires_credentials"
    assert outcome["event"]["metadata"]["error_code"] == code
    (session,) = sessions(simulator, token)
    assert session["exit"]["error"]["error_code"] == code
    assert session["results"] is None


def test_error_is_forgotten_once_the_login_works(simulator: Running) -> None:
    link = Link(simulator, make_token(simulator)).to_login()
    link.act(username="user_good", password="wrong")
    assert "not correct" in link.html
    link.act(username="user_good", password="pass_good")
    outcome = link.act("exit")["outcome"]
    assert outcome["error"] is None
    assert outcome["metadata"]["status"] == "requires_account_selection"


def test_five_wrong_logins_end_the_link_token(simulator: Running) -> None:
    token = make_token(simulator)
    link = Link(simulator, token).to_login()
    for _ in range(5):
        link.act(username="user_good", password="wrong")
    assert link.act("exit")["outcome"]["error"]["error_code"] == "INVALID_LINK_TOKEN"
    assert Link(simulator, token).status == 400


def test_answer_after_five_minutes_is_too_late(simulator: Running) -> None:
    link = Link(simulator, make_token(simulator)).to_login()
    link.act(username="user_good", password="mfa_device")
    simulator.sim.clock.set(simulator.sim.clock.now() + timedelta(minutes=5, seconds=1))
    link.act(answer_0="Text message to ••• ••• 0100")
    assert link.act("exit")["outcome"]["error"]["error_code"] == "USER_INPUT_TIMEOUT"


def test_token_that_expires_in_mid_session_ends_it(simulator: Running) -> None:
    link = Link(simulator, make_token(simulator)).to_login()
    simulator.sim.clock.set(simulator.sim.clock.now() + timedelta(hours=4))
    link.act(username="user_good", password="pass_good")
    assert link.act("exit")["outcome"]["error"]["error_code"] == "INVALID_LINK_TOKEN"


def test_token_can_be_used_again_unless_switched_to_single_use(simulator: Running) -> None:
    token = make_token(simulator)
    Link(simulator, token).connect()
    assert Link(simulator, token).pane == "consent"
    change_settings(simulator.sim, {"single_use_tokens": True})
    refused = Link(simulator, token)
    assert refused.status == 400
    assert refused.act("exit")["outcome"]["error"]["error_code"] == "INVALID_LINK_TOKEN"


def test_unknown_token_still_reports_a_session_and_its_error(simulator: Running) -> None:
    link = Link(simulator, "link-sandbox-nobody")
    assert (link.status, link.pane) == (400, "error")
    outcome = link.act("exit")["outcome"]
    assert outcome["error"]["error_type"] == "INVALID_INPUT"
    assert outcome["metadata"]["link_session_id"] == link.session


@pytest.mark.parametrize("action", ["pick", "saved", "oauth-check", "no-such-thing"])
def test_action_of_another_pane_changes_nothing(simulator: Running, action: str) -> None:
    link = Link(simulator, make_token(simulator))
    step = link.act(action, institution=FIRST_PLATYPUS)
    assert step["pane"] is None
    assert step["events"] == []
    link.act()
    assert link.pane == "phone"


def test_second_finish_makes_no_second_item(simulator: Running) -> None:
    token = make_token(simulator)
    link = Link(simulator, token)
    link.connect()
    assert link.act()["outcome"] is None
    assert len(list(simulator.sim.items.all())) == 1


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("text/plain", b"{}"), ("application/json", b"[1]"), ("application/json", b"{")],
)
def test_step_takes_nothing_but_a_json_object(simulator: Running, content_type: str, body: bytes) -> None:
    url = f"{simulator.base_url}/link/flow"
    answer = urllib3.request("POST", url, body=body, headers={"Content-Type": content_type})
    assert answer.status == 400


@pytest.mark.parametrize("nonsense", [None, 7, "", "http://[", "\u202e", [], {"a": [1]}], ids=repr)
@pytest.mark.parametrize("field", ["token", "received_redirect_uri", "oauth", "hosted"])
def test_opening_with_nonsense_never_breaks(simulator: Running, field: str, nonsense: Any) -> None:
    body = {"token": make_token(simulator), field: nonsense}
    answer = urllib3.request("POST", f"{simulator.base_url}/link/flow", json=body)
    assert answer.status in {200, 400, 404}
    assert answer.json()["events"][0]["name"] == "OPEN"


def test_fields_of_the_wrong_kind_are_taken_for_empty(simulator: Running) -> None:
    link = Link(simulator, make_token(simulator)).to_login()
    link._take(f"/link/flow/{link.session}/submit", {"username": 7, "password": {"a": 1}})
    assert link.pane == "credentials"
    assert "Enter both" in link.html


def test_hostile_names_stay_text(simulator: Running) -> None:
    link = Link(simulator, make_token(simulator, client_name="<script>x</script>"))
    assert "<script" not in link.html
    link.to_login().act("back")
    link.act("search", query="<img src=x onerror=y>")
    assert "<img src=x" not in link.step["region"]["html"]


def test_phone_number_is_checked_and_brings_back_its_banks(simulator: Running) -> None:
    link = Link(simulator, make_token(simulator))
    link.act()
    link.act(phone="212-555-1234")
    assert (link.pane, "ERROR" in link.events) == ("phone", True)
    link.act(phone="415-555-0011")
    link.act(code="000000")
    assert link.pane == "code"
    link.act(code="123456")
    assert "Connected before" in link.html
    link.act("saved", institution=FIRST_PLATYPUS)
    assert link.pane == "accounts"
    assert "MATCHED_SELECT_INSTITUTION" in link.events


def test_two_people_linking_one_login_at_once_get_an_item_each(simulator: Running) -> None:
    one, other = (Link(simulator, make_token(simulator)).to_login() for _ in range(2))
    for link in (one, other):
        link.act(username="user_good", password="pass_good")
    for link in (one, other):
        link.act(account=link.account_ids()[:2])
    tokens = [link.act()["outcome"]["public_token"] for link in (one, other)]
    first, second = (item_of(simulator, token) for token in tokens)
    assert first.item_id != second.item_id
    names = [[account.shape()["name"] for account in item.visible_accounts()] for item in (first, second)]
    assert names[0] == names[1]
    assert len(names[0]) == 2


def test_session_goes_on_after_a_restart(tmp_path: Path) -> None:
    config = Config(state=tmp_path / "state.db")
    with judged(config) as before:
        link = Link(before, make_token(before)).to_login()
        link.act(username="user_good", password="mfa_device")
    with judged(config) as after:
        link.url = after.base_url
        link.act(answer_0="Text message to ••• ••• 0100")
        link.act(answer_0="1234")
        link.act(account=link.account_ids())
        assert item_of(after, link.act()["outcome"]["public_token"]).institution_id == FIRST_PLATYPUS


def test_sdk_reads_every_kind_of_session(simulator: Running, api: plaid_api.PlaidApi) -> None:
    token = make_token(simulator)
    Link(simulator, token).connect()
    Link(simulator, token).act("exit")
    failed = Link(simulator, token).to_login()
    failed.act(username="user_good", password="error_ITEM_LOCKED")
    failed.act("exit")
    Link(simulator, token)
    done, left, locked, begun = api.link_token_get({"link_token": token}).link_sessions
    assert str(done.results.item_add_results[0].institution.name) == "First Platypus Bank"
    assert (left.exit.error, left.results) == (None, None)
    assert locked.exit.error.error_code == "ITEM_LOCKED"
    assert str(locked.exit.metadata.status) == "requires_credentials"
    assert begun.finished_at is None
