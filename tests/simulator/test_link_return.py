"""The way back from an OAuth bank: once, with the same token, to the same address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
import urllib3

from tests.simulator.link_browser import make_token
from tests.simulator.link_steps import OAUTH_BANK
from tests.simulator.link_steps import RETURN
from tests.simulator.link_steps import Link
from tests.simulator.link_steps import item_of
from tests.simulator.link_steps import redirected
from tests.simulator.link_steps import sessions
from tests.simulator.link_steps import update_token

if TYPE_CHECKING:
    from tests.simulator.judged import Running


def test_bank_sends_the_browser_back_and_link_goes_on_in_the_same_session(simulator: Running) -> None:
    token, before = redirected(simulator)
    address = before.visit_bank()
    assert address.startswith(f"{RETURN}?oauth_state_id=")
    after = Link(simulator, token, received_redirect_uri=address)
    assert (after.session, after.pane) == (before.session, "connected")
    item = item_of(simulator, after.act()["outcome"]["public_token"])
    assert item.institution_id == OAUTH_BANK
    (session,) = sessions(simulator, token)
    assert [event["event_name"] for event in session["events"]].count("CLOSE_OAUTH") == 1


def test_return_address_is_good_for_one_time(simulator: Running) -> None:
    token, link = redirected(simulator)
    address = link.visit_bank()
    Link(simulator, token, received_redirect_uri=address)
    replay = Link(simulator, token, received_redirect_uri=address)
    assert replay.status == 208
    assert replay.act("exit")["outcome"]["error"]["error_code"] == "OAUTH_STATE_ID_ALREADY_PROCESSED"
    assert len(list(simulator.sim.items.all())) == 1


def test_return_needs_the_link_token_it_began_with(simulator: Running) -> None:
    token, link = redirected(simulator)
    address = link.visit_bank()
    other = Link(simulator, make_token(simulator, redirect_uri=RETURN), received_redirect_uri=address)
    assert other.act("exit")["outcome"]["error"]["error_code"] == "INCORRECT_LINK_TOKEN"
    assert Link(simulator, token, received_redirect_uri=address).pane == "connected"


@pytest.mark.parametrize("spoilt", ["{address}&utm=1", "{address}#top", "https://elsewhere.example/?{query}"])
def test_return_address_must_arrive_untouched(simulator: Running, spoilt: str) -> None:
    token, link = redirected(simulator)
    address = link.visit_bank()
    changed = spoilt.format(address=address, query=address.partition("?")[2])
    refused = Link(simulator, token, received_redirect_uri=changed)
    assert refused.act("exit")["outcome"]["error"]["error_code"] == "INCORRECT_OAUTH_NONCE"


def test_unknown_state_is_not_found(simulator: Running) -> None:
    token, _ = redirected(simulator)
    lost = Link(simulator, token, received_redirect_uri=f"{RETURN}?oauth_state_id=nothing")
    assert lost.status == 404
    assert lost.act("exit")["outcome"]["error"]["error_code"] == "OAUTH_STATE_ID_NOT_FOUND"


def test_refusal_at_the_bank_comes_back_as_insufficient_credentials(simulator: Running) -> None:
    token, link = redirected(simulator)
    after = Link(simulator, token, received_redirect_uri=link.visit_bank(allow=False))
    assert "FAIL_OAUTH" in after.events
    assert after.act("exit")["outcome"]["error"]["error_code"] == "INSUFFICIENT_CREDENTIALS"


def test_update_mode_at_an_oauth_bank_heals_after_the_return(simulator: Running) -> None:
    token, link = redirected(simulator)
    after = Link(simulator, token, received_redirect_uri=link.visit_bank())
    item = item_of(simulator, after.act()["outcome"]["public_token"])
    item.error_code = "ITEM_LOGIN_REQUIRED"
    token = update_token(simulator, item, redirect_uri=RETURN)
    link = Link(simulator, token, oauth="redirect")
    link.act("oauth-open")
    other = Link(simulator, token, received_redirect_uri=link.visit_bank("user_yuppie"))
    assert other.act("exit")["outcome"]["error"]["error_code"] == "INVALID_UPDATED_USERNAME"
    link = Link(simulator, token, oauth="redirect")
    link.act("oauth-open")
    healed = Link(simulator, token, received_redirect_uri=link.visit_bank())
    assert healed.act()["outcome"]["kind"] == "success"
    assert item.error_code is None


def test_two_people_at_one_bank_s_page_get_an_item_each(simulator: Running) -> None:
    (token, one), (second_token, other) = redirected(simulator), redirected(simulator)
    addresses = [link.visit_bank() for link in (one, other)]
    ends = [
        Link(simulator, token, received_redirect_uri=address)
        for token, address in zip((token, second_token), addresses, strict=True)
    ]
    assert [link.pane for link in ends] == ["connected", "connected"]


def test_bank_s_form_sent_twice_changes_nothing_the_second_time(simulator: Running) -> None:
    token, link = redirected(simulator)
    address = link.visit_bank()
    page = f"{simulator.base_url}{link.step['outcome']['url']}"
    form = urlencode({"action": "deny"})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    again = urllib3.request("POST", page, body=form, headers=headers, redirect=False)
    assert again.status == 200
    assert Link(simulator, token, received_redirect_uri=address).pane == "connected"
