"""Update mode step by step: an item heals, shares other accounts, gives more consent, and stays the same item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulator.link_browser import make_token
from tests.simulator.link_steps import FIRST_PLATYPUS
from tests.simulator.link_steps import Link
from tests.simulator.link_steps import broken_item
from tests.simulator.link_steps import item_of
from tests.simulator.link_steps import sessions
from tests.simulator.link_steps import update_token

if TYPE_CHECKING:
    from tests.simulator.judged import Running


def test_update_mode_heals_and_keeps_item_and_token(simulator: Running) -> None:
    item = broken_item(simulator)
    link = Link(simulator, update_token(simulator, item))
    assert link.pane == "credentials"
    link.act(username="user_good", password="pass_good")
    outcome = link.act()["outcome"]
    assert outcome["kind"] == "success"
    assert item.error_code is None
    assert outcome["event"]["metadata"]["is_update_mode"] == "true"
    assert [account["id"] for account in outcome["metadata"]["accounts"]] == [
        account.account_id for account in item.visible_accounts()
    ]


def test_update_mode_session_adds_no_item_to_its_results(simulator: Running) -> None:
    item = broken_item(simulator)
    token = update_token(simulator, item)
    link = Link(simulator, token)
    link.act(username="user_good", password="pass_good")
    link.act()
    (session,) = sessions(simulator, token)
    assert session["results"]["item_add_results"] == []
    assert session["on_success"]["metadata"]["institution"]["institution_id"] == FIRST_PLATYPUS


def test_update_mode_refuses_another_login(simulator: Running) -> None:
    item = broken_item(simulator)
    link = Link(simulator, update_token(simulator, item))
    link.act(username="user_yuppie", password="pass_good")
    assert link.act("exit")["outcome"]["error"]["error_code"] == "INVALID_UPDATED_USERNAME"
    assert item.error_code == "ITEM_LOGIN_REQUIRED"


def test_account_selection_of_a_healthy_item_asks_for_no_password(simulator: Running) -> None:
    item = item_of(simulator, Link(simulator, make_token(simulator)).connect()["public_token"])
    link = Link(simulator, update_token(simulator, item, update={"account_selection_enabled": True}))
    assert link.pane == "accounts"
    keep = link.account_ids()[:3]
    link.act(account=keep)
    link.act()
    assert [account.account_id for account in item.visible_accounts()] == keep


def test_new_consent_in_update_mode_is_asked_and_kept(simulator: Running) -> None:
    item = item_of(simulator, Link(simulator, make_token(simulator)).connect()["public_token"])
    link = Link(simulator, update_token(simulator, item, additional_consented_products=["liabilities"]))
    assert link.pane == "consent"
    link.act()
    assert link.pane == "connected"
    assert item.consented_products == ["liabilities"]


def test_update_mode_of_a_removed_item_ends_at_once(simulator: Running) -> None:
    item = broken_item(simulator)
    token = update_token(simulator, item)
    simulator.sim.items.remove(item)
    link = Link(simulator, token)
    assert link.act("exit")["outcome"]["error"]["error_code"] == "ITEM_NOT_FOUND"
