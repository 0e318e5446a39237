"""What befalls items: errors, consent, revocation, accounts that come and go, banks that fall over."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.simulator.errors import CATALOGUE
from tests.simulator.receiver import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.judged import Running
    from tests.simulator.receiver import Receiver

DAY = 86_400


@pytest.mark.parametrize(
    "code", ["ITEM_LOCKED", "USER_SETUP_REQUIRED", "ACCESS_NOT_GRANTED", "INSTITUTION_DOWN"]
)
def test_an_item_in_error_says_so_until_it_is_healed(
    simulator: Running, receiver: Receiver, code: str
) -> None:
    token = simulator.link(webhook=receiver.url)
    simulator.do(token, "error", code=code)
    assert simulator.error("/transactions/sync", {"access_token": token}) == code
    assert simulator.ok("/item/get", {"access_token": token})["item"]["error"]["error_code"] == code
    assert receiver.wait_for("ERROR").json["error"]["status"] == CATALOGUE[code].status
    simulator.do(token, "heal")
    receiver.wait_for("LOGIN_REPAIRED")
    assert simulator.ok("/transactions/sync", {"access_token": token})["added"]


def test_an_item_in_error_brings_nothing_new_and_catches_up_when_repaired(simulator: Running) -> None:
    token = simulator.link("user_household")
    _, cursor = simulator.read_all(token)
    simulator.do(token, "break_login", reason="OAUTH_USER_REVOKED")
    simulator.travel(5 * DAY)
    shown = simulator.ok("/item/get", {"access_token": token})
    assert shown["item"]["error"]["error_code_reason"] == "OAUTH_USER_REVOKED"
    assert shown["status"]["transactions"]["last_failed_update"].startswith("2026-05-09")
    item = simulator.sim.items.by_access_token(token)
    simulator.sim.items.repair(item)
    assert len(simulator.read_all(token, cursor)[0][0]["added"]) > 5


def test_a_bank_that_is_down_stops_live_calls_and_updates_only(simulator: Running) -> None:
    token = simulator.link("user_household")
    simulator.ok("/control/institutions/ins_109508", {"status": "DOWN"})
    assert simulator.error("/accounts/balance/get", {"access_token": token}) == "INSTITUTION_DOWN"
    assert simulator.error("/transactions/refresh", {"access_token": token}) == "INSTITUTION_DOWN"
    assert simulator.ok("/accounts/get", {"access_token": token})["accounts"]
    _, cursor = simulator.read_all(token)
    simulator.travel(2 * DAY)
    assert simulator.read_all(token, cursor)[0][0]["added"] == []
    simulator.ok("/control/institutions/ins_109508", {"status": "HEALTHY"})
    simulator.travel(DAY)
    assert simulator.read_all(token, cursor)[0][0]["added"]


def test_a_first_import_waits_for_a_bank_that_is_down(simulator: Running) -> None:
    token = simulator.link("user_household", import_all=False)
    simulator.ok("/control/institutions/ins_109508", {"status": "DOWN"})
    simulator.travel(60)
    assert simulator.read_all(token)[0][0]["transactions_update_status"] == "NOT_READY"
    simulator.ok("/control/institutions/ins_109508", {"status": "HEALTHY"})
    simulator.travel(1200)
    assert simulator.read_all(token)[0][-1]["transactions_update_status"] == "HISTORICAL_UPDATE_COMPLETE"


def test_consent_gives_a_weeks_notice_and_then_ends(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link(webhook=receiver.url)
    simulator.do(token, "expire_consent", in_days=10)
    simulator.travel(3 * DAY + 60)
    notice = receiver.wait_for("PENDING_DISCONNECT").json
    assert notice["disconnect_time"] == "2026-05-14T12:00:00Z"
    shown = simulator.ok("/item/get", {"access_token": token})["item"]
    assert (shown["error"], shown["consent_expiration_time"]) == (None, "2026-05-14T12:00:00Z")
    simulator.travel(7 * DAY)
    receiver.wait_for("ERROR")
    error = simulator.ok("/item/get", {"access_token": token})["item"]["error"]
    assert error["error_code_reason"] == "OAUTH_CONSENT_EXPIRED"


def test_british_banks_tell_of_pending_expiration(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link(bank="ins_117650", webhook=receiver.url)
    shown = simulator.ok("/item/get", {"access_token": token})["item"]
    assert shown["consent_expiration_time"].startswith("2026-10-31")
    simulator.travel(174 * DAY)
    receiver.wait_for("PENDING_EXPIRATION")


def test_renewed_consent_outlives_the_former_end(simulator: Running) -> None:
    token = simulator.link(bank="ins_127287")
    simulator.travel(300 * DAY)
    simulator.sim.items.repair(simulator.sim.items.by_access_token(token))
    simulator.travel(100 * DAY)
    assert simulator.ok("/item/get", {"access_token": token})["item"]["error"] is None


def test_logins_can_be_made_to_need_renewal_like_sandbox_items(start: Callable[..., Running]) -> None:
    simulator = start(login_days=30)
    token = simulator.link()
    simulator.travel(29 * DAY)
    simulator.ok("/accounts/get", {"access_token": token})
    simulator.travel(2 * DAY)
    assert simulator.error("/accounts/get", {"access_token": token}) == "ITEM_LOGIN_REQUIRED"


def test_a_revoked_item_and_a_revoked_account_are_told(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link(webhook=receiver.url)
    accounts = simulator.ok("/accounts/get", {"access_token": token})["accounts"]
    gone = accounts[2]["account_id"]
    simulator.do(token, "revoke_account", account_id=gone)
    assert receiver.wait_for("USER_ACCOUNT_REVOKED").json["account_id"] == gone
    left = simulator.ok("/accounts/get", {"access_token": token})["accounts"]
    assert {row["account_id"] for row in left} == {row["account_id"] for row in accounts} - {gone}
    simulator.do(token, "revoke")
    receiver.wait_for("USER_PERMISSION_REVOKED")
    assert simulator.error("/transactions/sync", {"access_token": token}) == "USER_PERMISSION_REVOKED"
    simulator.ok("/item/remove", {"access_token": token})


def test_a_new_account_is_offered_and_shared_by_update_mode(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link("user_household", webhook=receiver.url)
    _, cursor = simulator.read_all(token)
    opened = simulator.do(token, "open_account", name="Holiday", balance=99.5)["account"]
    receiver.wait_for("NEW_ACCOUNTS_AVAILABLE")
    item = simulator.sim.items.by_access_token(token)
    before = [row["account_id"] for row in simulator.ok("/accounts/get", {"access_token": token})["accounts"]]
    assert opened["account_id"] not in before
    assert opened["account_id"] in {row["account_id"] for row in simulator.sim.items.candidate_accounts(item)}
    simulator.sim.items.repair(item, account_ids=[*before, opened["account_id"]])
    after = simulator.ok("/accounts/get", {"access_token": token})["accounts"]
    assert [row["name"] for row in after][-1] == "Holiday"
    pages, _ = simulator.read_all(token, cursor)
    assert opened["account_id"] in {row["account_id"] for page in pages for row in page["added"]}


def test_a_late_accounts_transactions_come_before_the_account(simulator: Running) -> None:
    token = simulator.link("user_household")
    _, cursor = simulator.read_all(token)
    late = simulator.do(token, "late_account", seconds=300)["account"]["account_id"]
    page = simulator.read_all(token, cursor)[0][0]
    assert [row["account_id"] for row in page["added"]] == [late]
    assert page["accounts"] == []
    listed = simulator.ok("/accounts/get", {"access_token": token})["accounts"]
    assert late not in {row["account_id"] for row in listed}
    simulator.travel(301)
    listed = simulator.ok("/accounts/get", {"access_token": token})["accounts"]
    assert late in {row["account_id"] for row in listed}


def test_a_closed_account_leaves_the_list_and_spends_no_more(simulator: Running) -> None:
    token = simulator.link("user_household")
    card = simulator.ok("/accounts/get", {"access_token": token})["accounts"][2]["account_id"]
    _, cursor = simulator.read_all(token)
    simulator.do(token, "close_account", account_id=card)
    simulator.travel(5 * DAY)
    listed = simulator.ok("/accounts/get", {"access_token": token})["accounts"]
    assert card not in {row["account_id"] for row in listed}
    pages, _ = simulator.read_all(token, cursor)
    assert card not in {
        row["account_id"] for page in pages for row in page["added"] if row["date"] > "2026-05-05"
    }


def test_linking_again_gives_new_ids_and_the_same_past(simulator: Running) -> None:
    one, two = (
        simulator.link("user_household", bank="ins_127287"),
        simulator.link("user_household", bank="ins_127287"),
    )
    first, second = (
        simulator.ok("/accounts/get", {"access_token": token})["accounts"] for token in (one, two)
    )
    assert {row["account_id"] for row in first}.isdisjoint({row["account_id"] for row in second})
    assert [row["persistent_account_id"] for row in first] == [row["persistent_account_id"] for row in second]
    pasts = [simulator.read_all(token)[0] for token in (one, two)]
    rows = [[(r["date"], r["amount"], r["name"]) for page in past for r in page["added"]] for past in pasts]
    assert rows[0] == rows[1]


def test_accounts_shown_before_linking_have_the_ids_that_they_get(simulator: Running) -> None:
    sim = simulator.sim
    login = sim.logins.check(sim.institutions.get("ins_109508"), "user_good", "pass_good")
    shown = sim.items.preview_accounts("ins_109508", login, ["transactions"])
    also_shown = sim.items.preview_accounts("ins_109508", login, ["transactions"])
    assert shown == also_shown
    chosen = [shown[0]["account_id"], shown[3]["account_id"]]
    wanted: dict[str, Any] = {
        "institution_id": "ins_109508",
        "login": login,
        "products": ["transactions"],
        "account_ids": chosen,
    }
    item = sim.items.create(**wanted)
    assert [row.account_id for row in item.visible_accounts()] == chosen
    # Another Link of the same login was open meanwhile; its choice is understood too.
    other = sim.items.create(**wanted)
    assert [row.plan.mask for row in other.visible_accounts()] == ["0000", "3333"]
    assert not {row.account_id for row in other.accounts} & set(chosen)


def test_filters_drop_types_that_they_do_not_name(simulator: Running) -> None:
    sim = simulator.sim
    login = sim.logins.check(sim.institutions.get("ins_109508"), "user_good", "pass_good")
    filters = {
        "depository": {"account_subtypes": ["checking", "savings"]},
        "credit": {"account_subtypes": ["all"]},
    }
    item = sim.items.create(
        institution_id="ins_109508", login=login, products=["transactions"], account_filters=filters
    )
    assert [row.plan.mask for row in item.visible_accounts()] == ["0000", "1111", "3333", "9999"]


def test_many_items_live_side_by_side(simulator: Running) -> None:
    tokens = [simulator.link("user_student") for _ in range(20)]
    simulator.travel(2 * DAY)
    until(simulator.sim.webhooks.idle, "an idle sender")
    assert len(simulator.get("/control/items")["items"]) == 20
    assert all(simulator.read_all(token)[0][0]["added"] for token in tokens)
