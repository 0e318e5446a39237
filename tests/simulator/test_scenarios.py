"""Each scenario file is told to an item, and comes out as its text says."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.simulator import scenes
from tests.simulator.receiver import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.judged import Running
    from tests.simulator.receiver import Receiver

DAY = 86_400
TOLD = {
    "bank_down",
    "consent_expires",
    "first_import",
    "key_rotates",
    "late_removal",
    "login_expires",
    "moves_mid_page",
    "new_account",
    "plaid_stumbles",
    "posts_differently",
    "tip_changes",
    "webhook_storm",
}


def told(simulator: Running, name: str, **more: Any) -> str:
    simulator.ok(f"/control/scenarios/{name}")
    return simulator.link(scenes.scenario(name).username, **more)


def changes(simulator: Running, token: str, cursor: str) -> tuple[dict[str, list[dict[str, Any]]], str]:
    pages, cursor = simulator.read_all(token, cursor)
    return {
        key: [row for page in pages for row in page[key]] for key in ("added", "modified", "removed")
    }, cursor


def test_every_scenario_file_is_told_here() -> None:
    assert set(scenes.names()) == TOLD
    assert all(scenes.scenario(name).about for name in TOLD)


def test_tip_changes(simulator: Running) -> None:
    token = told(simulator, "tip_changes")
    simulator.travel(30)
    _, cursor = simulator.read_all(token)
    simulator.travel(300)
    news, _ = changes(simulator, token, cursor)
    assert [(row["amount"], row["merchant_name"]) for row in news["modified"]] == [(57.6, "Olive & Ash")]


def test_login_expires(simulator: Running, receiver: Receiver) -> None:
    token = told(simulator, "login_expires", webhook=receiver.url)
    simulator.travel(3 * DAY - 60)
    simulator.ok("/accounts/get", {"access_token": token})
    simulator.travel(120)
    assert simulator.error("/accounts/get", {"access_token": token}) == "ITEM_LOGIN_REQUIRED"
    receiver.wait_for("ERROR")


def test_moves_mid_page(simulator: Running) -> None:
    token = told(simulator, "moves_mid_page")
    first = simulator.ok("/transactions/sync", {"access_token": token, "count": 50})
    body = {"access_token": token, "count": 50, "cursor": first["next_cursor"]}
    code = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
    assert simulator.error("/transactions/sync", body) == code
    news, _ = changes(simulator, token, "")
    assert 77.77 in [row["amount"] for row in news["added"]]


def test_posts_differently(simulator: Running) -> None:
    token = told(simulator, "posts_differently")
    simulator.travel(30)
    news, cursor = changes(simulator, token, "")
    (pending,) = [row for row in news["added"] if row["pending"] and row["amount"] == 1.0]
    simulator.travel(3600)
    news, _ = changes(simulator, token, cursor)
    (posted,) = [row for row in news["added"] if row["pending_transaction_id"] == pending["transaction_id"]]
    assert (posted["amount"], posted["pending"]) == (52.4, False)
    assert pending["transaction_id"] in {row["transaction_id"] for row in news["removed"]}


def test_late_removal(simulator: Running) -> None:
    token = told(simulator, "late_removal")
    _, cursor = simulator.read_all(token)
    simulator.travel(2 * DAY + 60)
    news, cursor = changes(simulator, token, cursor)
    assert news["removed"]
    simulator.travel(DAY)
    news, _ = changes(simulator, token, cursor)
    assert any(not row["pending"] for row in news["added"])


def test_new_account(simulator: Running, receiver: Receiver) -> None:
    token = told(simulator, "new_account", webhook=receiver.url)
    simulator.travel(3601)
    receiver.wait_for("NEW_ACCOUNTS_AVAILABLE")
    simulator.travel(3601)
    listed = {row["account_id"] for row in simulator.ok("/accounts/get", {"access_token": token})["accounts"]}
    news, _ = changes(simulator, token, "")
    assert {row["account_id"] for row in news["added"]} - listed
    simulator.travel(700)
    listed = {row["account_id"] for row in simulator.ok("/accounts/get", {"access_token": token})["accounts"]}
    assert not {row["account_id"] for row in news["added"]} - listed


def test_webhook_storm(simulator: Running, receiver: Receiver) -> None:
    token = told(simulator, "webhook_storm", webhook=receiver.url)
    simulator.read_all(token)
    simulator.travel(25)
    until(simulator.sim.webhooks.idle, "an idle sender", seconds=30)
    assert receiver.codes().count("SYNC_UPDATES_AVAILABLE") >= 60
    simulator.travel(600)
    assert simulator.get("/control/state")["webhooks"]["manners"]["copies"] == 1


def test_bank_down(simulator: Running) -> None:
    token = told(simulator, "bank_down")
    simulator.travel(31 * 60)
    assert simulator.error("/accounts/balance/get", {"access_token": token}) == "INSTITUTION_DOWN"
    simulator.travel(60 * 60)
    assert simulator.ok("/accounts/balance/get", {"access_token": token})["accounts"]


def test_first_import(simulator: Running) -> None:
    token = told(simulator, "first_import")
    first = simulator.ok("/transactions/sync", {"access_token": token, "count": 500})
    assert (len(first["added"]), first["has_more"]) == (500, True)
    body = {"access_token": token, "start_date": "2024-01-01", "end_date": "2026-05-04"}
    total = simulator.ok("/transactions/get", {**body, "options": {"count": 1}})["total_transactions"]
    assert 100_000 <= total < 100_050
    book = simulator.sim.updates.book(simulator.sim.items.by_access_token(token))
    assert len({row["transaction_id"] for row in book.live()}) == total


def test_consent_expires(simulator: Running, receiver: Receiver) -> None:
    token = told(simulator, "consent_expires", webhook=receiver.url)
    simulator.travel(4 * DAY)
    receiver.wait_for("PENDING_DISCONNECT")
    simulator.travel(7 * DAY)
    assert simulator.error("/accounts/get", {"access_token": token}) == "ITEM_LOGIN_REQUIRED"


def test_plaid_stumbles(simulator: Running) -> None:
    token = told(simulator, "plaid_stumbles")
    simulator.travel(3601)
    kinds = [fault["kind"] for fault in simulator.get("/control/faults")["faults"]]
    assert kinds == ["html_502", "truncated", "empty", "error"]
    assert simulator.sim.items.by_access_token(token).error_code is None


def test_key_rotates(simulator: Running, receiver: Receiver) -> None:
    former = simulator.sim.keys.current
    told(simulator, "key_rotates", webhook=receiver.url)
    simulator.travel(26 * 3600)
    assert simulator.sim.keys.current != former
    assert simulator.ok("/webhook_verification_key/get", {"key_id": former})["key"]["expired_at"]


def test_a_story_can_be_told_to_an_item_that_is_there(simulator: Running) -> None:
    token = simulator.link("user_household")
    item_id = simulator.sim.items.by_access_token(token).item_id
    simulator.ok("/control/scenarios/bank_down", {"item_id": item_id})
    simulator.travel(31 * 60)
    assert simulator.error("/accounts/balance/get", {"access_token": token}) == "INSTITUTION_DOWN"


def test_an_unknown_story_is_refused(simulator: Running, start: Callable[..., Running]) -> None:
    status, answer = simulator.post("/control/scenarios/atlantis")
    assert (status, answer["error_code"]) == (404, "NOT_FOUND")
    with pytest.raises(scenes.ScenarioRefused, match="tip_changes"):
        start(scenario="atlantis")
