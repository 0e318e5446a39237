"""The change log: pages, cursors, replays, mutation, phases, and a ledger that always comes out right."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from typing import Any

import pytest

if TYPE_CHECKING:
    from tests.simulator.judged import Running

Page = dict[str, Any]


class Ledger:
    """What a client that follows the rules would have."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}

    def apply(self, pages: list[Page]) -> None:
        for page in pages:
            for row in [*page["added"], *page["modified"]]:
                self.rows[row["transaction_id"]] = row
            for row in page["removed"]:
                self.rows.pop(row["transaction_id"], None)


def truth(simulator: Running, token: str) -> dict[str, dict[str, Any]]:
    item_id = simulator.sim.items.by_access_token(token).item_id
    rows = simulator.get(f"/control/items/{item_id}/truth")["transactions"]
    return {row["transaction_id"]: row for row in rows}


def synced(simulator: Running, token: str) -> tuple[Ledger, str]:
    ledger = Ledger()
    pages, cursor = simulator.read_all(token)
    ledger.apply(pages)
    return ledger, cursor


def test_pages_hold_as_many_changes_as_asked_for_and_no_row_twice(simulator: Running) -> None:
    token = simulator.link("user_household")
    pages, _ = simulator.read_all(token, count=500)
    sizes = [len(page["added"]) + len(page["modified"]) + len(page["removed"]) for page in pages]
    assert set(sizes[:-1]) == {500}
    assert 0 < sizes[-1] <= 500
    ids = [row["transaction_id"] for page in pages for row in page["added"]]
    assert len(ids) == len(set(ids)) == len(truth(simulator, token))
    touched = {row["account_id"] for row in pages[0]["added"]}
    assert {account["account_id"] for account in pages[0]["accounts"]} == touched


def test_a_cursor_can_be_replayed(simulator: Running) -> None:
    token = simulator.link("user_household")
    first = simulator.ok("/transactions/sync", {"access_token": token, "count": 50})
    follow = {"access_token": token, "count": 50, "cursor": first["next_cursor"]}
    one, two = (simulator.ok("/transactions/sync", follow) for _ in range(2))
    assert one["added"] == two["added"]


def test_a_settled_cursor_stays_the_same_and_brings_nothing(simulator: Running) -> None:
    token = simulator.link()
    _, cursor = simulator.read_all(token)
    page = simulator.ok("/transactions/sync", {"access_token": token, "cursor": cursor})
    assert page["next_cursor"] == cursor
    assert page["added"] == page["modified"] == page["removed"] == page["accounts"] == []


def test_phases_bring_thirty_days_first_and_then_the_rest(simulator: Running) -> None:
    token = simulator.link("user_household", import_all=False)
    assert simulator.read_all(token)[0][0]["next_cursor"] == ""
    simulator.travel(1.5)
    pages, cursor = simulator.read_all(token)
    assert pages[-1]["transactions_update_status"] == "INITIAL_UPDATE_COMPLETE"
    recent = [row["date"] for page in pages for row in page["added"]]
    assert min(recent) >= "2026-04-05"
    simulator.travel(5)
    pages, _ = simulator.read_all(token, cursor)
    assert pages[-1]["transactions_update_status"] == "HISTORICAL_UPDATE_COMPLETE"
    older = [row["date"] for page in pages for row in page["added"]]
    assert max(older) < "2026-04-05"
    assert min(older) < "2024-05-20"


def test_pending_posts_as_removed_and_added_under_a_new_id(simulator: Running) -> None:
    token = simulator.link("user_household")
    _, cursor = synced(simulator, token)
    made = simulator.do(token, "spend", amount=20.0, whom="olive_ash")["transaction"]
    pages, cursor = simulator.read_all(token, cursor)
    assert [row["transaction_id"] for row in pages[0]["added"]] == [made["transaction_id"]]
    simulator.do(token, "post_pending", transaction_id=made["transaction_id"], amount=24.0)
    page = simulator.read_all(token, cursor)[0][0]
    assert [row["transaction_id"] for row in page["removed"]] == [made["transaction_id"]]
    (posted,) = page["added"]
    assert (posted["amount"], posted["pending"]) == (24.0, False)
    assert posted["pending_transaction_id"] == made["transaction_id"] != posted["transaction_id"]


def test_a_correction_is_modified_to_those_who_knew_and_added_to_those_who_did_not(
    simulator: Running,
) -> None:
    token = simulator.link("user_household")
    _, cursor = simulator.read_all(token)
    changed = simulator.do(token, "change", amount=123.45)["transaction"]
    page = simulator.read_all(token, cursor)[0][0]
    assert [row["amount"] for row in page["modified"]] == [123.45]
    fresh, _ = synced(simulator, token)
    assert fresh.rows[changed["transaction_id"]]["amount"] == 123.45
    pages, _ = simulator.read_all(token)
    assert all(page["modified"] == [] for page in pages)


def test_a_row_of_a_page_already_given_that_changes_voids_the_run(simulator: Running) -> None:
    token = simulator.link("user_household")
    first = simulator.ok("/transactions/sync", {"access_token": token, "count": 100})
    victim = next(row for row in first["added"] if not row["pending"])
    simulator.do(token, "change", transaction_id=victim["transaction_id"], amount=7.0)
    follow = {"access_token": token, "count": 100, "cursor": first["next_cursor"]}
    for _ in range(2):
        status, answer = simulator.post("/transactions/sync", follow)
        assert (status, answer["error_type"]) == (400, "TRANSACTIONS_ERROR")
        assert answer["error_code"] == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
    ledger, _ = synced(simulator, token)
    assert ledger.rows == truth(simulator, token)


def test_new_rows_and_changes_elsewhere_do_not_void_the_run(simulator: Running) -> None:
    token = simulator.link("user_household")
    first = simulator.ok("/transactions/sync", {"access_token": token, "count": 100})
    simulator.do(token, "spend")
    last = min(truth(simulator, token).values(), key=lambda row: row["date"])
    simulator.do(token, "change", transaction_id=last["transaction_id"], amount=9.0)
    ledger = Ledger()
    ledger.apply([first])
    ledger.apply(simulator.read_all(token, first["next_cursor"])[0])
    assert ledger.rows == truth(simulator, token)


def test_removed_rows_leave_and_may_come_back(simulator: Running) -> None:
    token = simulator.link("user_household")
    _, cursor = synced(simulator, token)
    gone = simulator.do(token, "remove_transaction")["transaction"]
    pages, cursor = simulator.read_all(token, cursor)
    assert [row["transaction_id"] for row in pages[0]["removed"]] == [gone["transaction_id"]]
    back = simulator.do(token, "remove_and_return")["transaction"]
    pages, _ = simulator.read_all(token, cursor)
    assert back["transaction_id"] in {row["transaction_id"] for row in pages[0]["added"]}
    fresh, _ = synced(simulator, token)
    assert gone["transaction_id"] not in fresh.rows
    assert fresh.rows == truth(simulator, token)


def test_each_account_has_a_stream_of_its_own(simulator: Running) -> None:
    token = simulator.link("user_household")
    page = simulator.ok("/transactions/sync", {"access_token": token, "count": 10})
    account_id = page["added"][0]["account_id"]
    options = {"account_id": account_id}
    mine = simulator.ok("/transactions/sync", {"access_token": token, "count": 500, "options": options})
    assert {row["account_id"] for row in mine["added"]} == {account_id}
    foreign = {"access_token": token, "cursor": mine["next_cursor"]}
    assert simulator.error("/transactions/sync", foreign) == "INVALID_FIELD"
    unknown = {"access_token": token, "options": {"account_id": "nobody"}}
    assert simulator.error("/transactions/sync", unknown) == "INVALID_FIELD"


@pytest.mark.parametrize(
    "cursor", ["rubbish", "AAAA", "é", "CAESJW6hK4ioRZBEKGA90doPHFW2l37olLxn2z8mXskC9hJ9GFSvzUlKBrm="]
)
def test_cursors_that_were_never_given_are_refused(simulator: Running, cursor: str) -> None:
    token = simulator.link()
    assert simulator.error("/transactions/sync", {"access_token": token, "cursor": cursor}) == "INVALID_FIELD"


def test_another_items_cursor_is_refused(simulator: Running) -> None:
    _, cursor = simulator.read_all(simulator.link())
    assert (
        simulator.error("/transactions/sync", {"access_token": simulator.link(), "cursor": cursor})
        == "INVALID_FIELD"
    )


def test_a_cursor_is_good_for_a_year_and_no_longer(simulator: Running) -> None:
    token = simulator.link("user_retiree")
    _, cursor = simulator.read_all(token)
    simulator.travel(364 * 86_400)
    assert simulator.read_all(token, cursor)[0][0]["added"]
    simulator.travel(3 * 86_400)
    assert simulator.error("/transactions/sync", {"access_token": token, "cursor": cursor}) == "INVALID_FIELD"


def test_now_skips_history(simulator: Running) -> None:
    token = simulator.link("user_household")
    page = simulator.ok("/transactions/sync", {"access_token": token, "cursor": "now"})
    assert page["added"] == []
    simulator.do(token, "spend", amount=3.5)
    assert [row["amount"] for row in simulator.read_all(token, page["next_cursor"])[0][0]["added"]] == [3.5]


def test_new_days_bring_new_transactions_and_post_the_pending(simulator: Running) -> None:
    token = simulator.link("user_household")
    ledger, cursor = synced(simulator, token)
    before = len(ledger.rows)
    for _ in range(10):
        simulator.travel(86_400)
        pages, cursor = simulator.read_all(token, cursor)
        ledger.apply(pages)
    assert ledger.rows == truth(simulator, token)
    assert before + 20 < len(ledger.rows) < before + 90
    posted = [
        row for row in ledger.rows.values() if row["pending_transaction_id"] and row["date"] > "2026-05-07"
    ]
    assert posted
    assert all(row["pending_transaction_id"] not in ledger.rows for row in posted)


def test_balances_follow_what_posts(simulator: Running) -> None:
    token = simulator.link("user_household")

    def checking() -> dict[str, float]:
        balances: dict[str, float] = simulator.ok("/accounts/get", {"access_token": token})["accounts"][0][
            "balances"
        ]
        return balances

    before = checking()
    simulator.do(token, "spend", amount=40.0)
    held = checking()
    assert held["current"] == before["current"]
    assert held["available"] == pytest.approx(before["available"] - 40)
    simulator.do(token, "post_pending")
    simulator.do(token, "get_paid", amount=1000.0)
    assert checking()["current"] > before["current"] + 900


def test_the_older_list_agrees_with_the_stream(simulator: Running) -> None:
    token = simulator.link("user_household")
    for action in ("burst", "remove_transaction", "change"):
        simulator.do(token, action, **({"amount": 1.5} if action == "change" else {}))
    simulator.travel(3 * 86_400)
    wanted = truth(simulator, token)
    body = {"access_token": token, "start_date": "2020-01-01", "end_date": "2027-01-01"}
    found: dict[str, Any] = {}
    total = 1
    while len(found) < total:
        answer = simulator.ok("/transactions/get", {**body, "options": {"count": 500, "offset": len(found)}})
        total = answer["total_transactions"]
        found |= {row["transaction_id"]: row for row in answer["transactions"]}
        assert answer["transactions"]
    assert found == wanted


@pytest.mark.parametrize("seed", range(4))
def test_a_client_that_follows_the_rules_always_ends_with_the_truth(simulator: Running, seed: int) -> None:
    """Random acts between pages of random size, restarts from the first cursor, lost pages, replays."""
    chance = random.Random(seed)
    token = simulator.link("user_dynamic")
    ledger, settled = Ledger(), ""
    acts = ("spend", "post_pending", "change", "remove_transaction", "remove_and_return", "burst", "check")
    for _ in range(25):
        cursor = settled
        pages: list[Page] = []
        while True:
            body = {"access_token": token, "cursor": cursor, "count": chance.choice([1, 3, 20, 500])}
            status, page = simulator.post("/transactions/sync", body)
            if status == 400:
                assert page["error_code"] == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
                cursor, pages = settled, []
                continue
            pages.append(page)
            cursor = page["next_cursor"]
            if not page["has_more"]:
                break
            if chance.random() < 0.2:
                act(simulator, token, chance.choice(acts))
        if chance.random() < 0.8:
            ledger.apply(pages)
            settled = cursor
        act(simulator, token, chance.choice(acts))
        if chance.random() < 0.3:
            simulator.travel(chance.choice([3600, 86_400, 200_000]))
    ledger.apply(simulator.read_all(token, settled)[0])
    assert ledger.rows == truth(simulator, token)


def act(simulator: Running, token: str, action: str) -> None:
    item_id = simulator.sim.items.by_access_token(token).item_id
    arguments = {"amount": 4.25} if action in ("change", "spend") else {}
    simulator.post(f"/control/items/{item_id}/do/{action}", arguments)


def test_a_million_transactions_begin_at_once_and_need_no_memory(simulator: Running) -> None:
    token = simulator.link("user_large_1000000")
    page = simulator.ok("/transactions/sync", {"access_token": token, "count": 500})
    assert len(page["added"]) == 500
    body = {"access_token": token, "start_date": "2024-05-01", "end_date": "2026-05-04"}
    answer = simulator.ok("/transactions/get", {**body, "options": {"offset": 999_000, "count": 5}})
    assert answer["total_transactions"] == pytest.approx(1_000_000, abs=30)
    assert answer["transactions"][0]["date"] < "2024-05-10"
    book = simulator.sim.updates.book(simulator.sim.items.by_access_token(token))
    assert len(book.noted_docs()) < 50
