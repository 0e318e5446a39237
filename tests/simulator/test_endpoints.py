"""Every endpoint through Plaid's own SDK, which checks the type of each field of each answer."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from typing import Any

import plaid
import pytest

if TYPE_CHECKING:
    from plaid.api.plaid_api import PlaidApi

    from tests.simulator.judged import Running

EVERYTHING = ["transactions", "auth", "identity", "liabilities", "investments"]


@pytest.fixture
def token(simulator: Running) -> str:
    return simulator.link(products=EVERYTHING)


def test_a_public_token_becomes_an_item(simulator: Running, api: PlaidApi) -> None:
    made = api.sandbox_public_token_create(
        {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    )
    exchanged = api.item_public_token_exchange({"public_token": made.public_token})
    assert exchanged.access_token.startswith("access-sandbox-")
    item = api.item_get({"access_token": exchanged.access_token}).item
    assert (item.item_id, item.institution_name) == (exchanged.item_id, "First Platypus Bank")
    assert item.error is None


def test_a_public_token_works_once(simulator: Running) -> None:
    body = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    public_token = simulator.ok("/sandbox/public_token/create", body)
    exchange = {"public_token": public_token["public_token"]}
    simulator.ok("/item/public_token/exchange", exchange)
    assert simulator.error("/item/public_token/exchange", exchange) == "INVALID_PUBLIC_TOKEN"


def test_a_public_token_lives_half_an_hour(simulator: Running) -> None:
    body = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    exchange = {"public_token": simulator.ok("/sandbox/public_token/create", body)["public_token"]}
    simulator.travel(31 * 60)
    assert simulator.error("/item/public_token/exchange", exchange) == "INVALID_PUBLIC_TOKEN"


def test_a_removed_item_answers_item_not_found(api: PlaidApi, token: str) -> None:
    assert api.item_remove({"access_token": token}).request_id
    for call in (api.item_remove, api.item_get, api.accounts_get, api.transactions_sync):
        with pytest.raises(plaid.ApiException) as error:
            call({"access_token": token})
        assert "ITEM_NOT_FOUND" in error.value.body


def test_an_invalidated_token_is_dead_at_once(api: PlaidApi, token: str) -> None:
    fresh = api.item_access_token_invalidate({"access_token": token}).new_access_token
    assert api.accounts_get({"access_token": fresh}).accounts
    with pytest.raises(plaid.ApiException) as error:
        api.accounts_get({"access_token": token})
    assert "INVALID_ACCESS_TOKEN" in error.value.body


def test_a_webhook_url_is_changed_and_taken_away(api: PlaidApi, token: str) -> None:
    changed = api.item_webhook_update({"access_token": token, "webhook": "http://127.0.0.1:9/new"})
    assert changed.item.webhook == "http://127.0.0.1:9/new"
    assert api.item_webhook_update({"access_token": token, "webhook": None}).item.webhook == ""


def test_an_item_can_be_imported(api: PlaidApi) -> None:
    answer = api.item_import(
        {"products": ["identity", "auth"], "user_auth": {"user_id": "u", "auth_token": "t"}}
    )
    assert api.identity_get({"access_token": answer.access_token}).accounts


def test_user_good_has_the_documented_accounts(api: PlaidApi, token: str) -> None:
    accounts = api.accounts_get({"access_token": token}).accounts
    assert len(accounts) == 12
    checking, card = accounts[0], accounts[3]
    assert (checking.name, checking.mask, checking.balances.current, checking.balances.available) == (
        "Plaid Checking",
        "0000",
        110,
        100,
    )
    assert (str(card.type), str(card.subtype), card.balances.limit) == ("credit", "credit card", 2000)


def test_accounts_can_be_asked_for_by_id(api: PlaidApi, token: str) -> None:
    wanted = api.accounts_get({"access_token": token}).accounts[1].account_id
    only = api.accounts_balance_get({"access_token": token, "options": {"account_ids": [wanted]}}).accounts
    assert [account.account_id for account in only] == [wanted]
    with pytest.raises(plaid.ApiException) as error:
        api.accounts_get({"access_token": token, "options": {"account_ids": ["nobody"]}})
    assert "INVALID_ACCOUNT_ID" in error.value.body


def test_account_numbers_end_in_their_masks(api: PlaidApi, token: str) -> None:
    answer = api.auth_get({"access_token": token})
    masks = {account.account_id: account.mask for account in answer.accounts}
    assert answer.numbers.ach
    assert all(number.account.endswith(masks[number.account_id]) for number in answer.numbers.ach)


def test_owners_are_the_same_every_time(api: PlaidApi, token: str) -> None:
    first, second = (api.identity_get({"access_token": token}).accounts for _ in range(2))
    assert first[0].owners[0].names == second[0].owners[0].names
    assert first[0].owners[0].emails[0].data.endswith("@example.com")


def test_the_first_sync_says_not_ready_with_an_empty_cursor(simulator: Running, api: PlaidApi) -> None:
    page = api.transactions_sync({"access_token": simulator.link(import_all=False)})
    assert (str(page.transactions_update_status), page.next_cursor, page.has_more) == ("NOT_READY", "", False)


def test_sync_gives_the_cycle_of_user_good(api: PlaidApi, token: str) -> None:
    page = api.transactions_sync({"access_token": token, "count": 40})
    assert page.has_more
    assert str(page.transactions_update_status) == "HISTORICAL_UPDATE_COMPLETE"
    pay = [row for row in page.added if row.name.startswith("GUSTO PAY")]
    assert {row.amount for row in pay} == {5850.0}


def test_transactions_get_pages_newest_first(api: PlaidApi, token: str) -> None:
    request: dict[str, Any] = {
        "access_token": token,
        "start_date": date(2024, 5, 6),
        "end_date": date(2026, 5, 4),
    }
    whole = api.transactions_get({**request, "options": {"count": 40}})
    days = [row.date for row in whole.transactions]
    assert days == sorted(days, reverse=True)
    part = api.transactions_get({**request, "options": {"count": 7, "offset": 30}})
    assert [row.transaction_id for row in part.transactions] == [
        row.transaction_id for row in whole.transactions[30:37]
    ]
    assert part.total_transactions == whole.total_transactions > 370


def test_transactions_get_before_the_first_import_is_not_ready(simulator: Running, api: PlaidApi) -> None:
    token = simulator.link(import_all=False)
    with pytest.raises(plaid.ApiException) as error:
        api.transactions_get(
            {"access_token": token, "start_date": date(2026, 1, 1), "end_date": date(2026, 5, 1)}
        )
    assert "PRODUCT_NOT_READY" in error.value.body


def test_transactions_get_of_one_account_and_the_first_taxonomy(api: PlaidApi, token: str) -> None:
    card = api.accounts_get({"access_token": token}).accounts[3].account_id
    found = api.transactions_get(
        {
            "access_token": token,
            "start_date": date(2026, 3, 1),
            "end_date": date(2026, 5, 4),
            "options": {
                "account_ids": [card],
                "personal_finance_category_version": "v1",
                "include_original_description": True,
            },
        }
    ).transactions
    assert {row.account_id for row in found} == {card}
    assert {row.personal_finance_category.to_dict()["version"] for row in found} == {"v1"}
    assert all(row.original_description for row in found)


def test_recurring_streams_are_found(simulator: Running, api: PlaidApi) -> None:
    token = simulator.link("user_household")
    answer = api.transactions_recurring_get({"access_token": token})
    outgoing = {stream.merchant_name: str(stream.frequency) for stream in answer.outflow_streams}
    assert outgoing["StreamNest"] == "MONTHLY"
    assert all(stream.average_amount.amount < 0 for stream in answer.inflow_streams)
    assert any(stream.description.startswith("NORTHWIND LABS") for stream in answer.inflow_streams)


def test_categories_need_no_credentials(api: PlaidApi) -> None:
    assert "13005032" in {row.category_id for row in api.categories_get({}).categories}


def test_institutions_are_listed_found_and_described(api: PlaidApi) -> None:
    listed = api.institutions_get({"count": 500, "offset": 0, "country_codes": ["US"]})
    assert listed.total == len(listed.institutions) > 300
    found = api.institutions_search({"query": "houndstooth", "country_codes": ["US"], "products": ["auth"]})
    assert [row.institution_id for row in found.institutions] == ["ins_109512"]
    bank = api.institutions_get_by_id(
        {
            "institution_id": "ins_132363",
            "country_codes": ["US"],
            "options": {
                "include_status": True,
                "include_optional_metadata": True,
                "include_auth_metadata": True,
            },
        }
    ).institution
    assert str(bank.status.item_logins.status) == "DEGRADED"
    assert bank.logo.startswith("iVBORw0KGgo")


def test_an_unsupported_institution_is_told_by_id_only(simulator: Running, api: PlaidApi) -> None:
    bank = api.institutions_get_by_id({"institution_id": "ins_133402", "country_codes": ["US"]}).institution
    assert bank.to_dict()["connection_availability"] == "NOT_SUPPORTED"
    found = api.institutions_search({"query": "Pato", "country_codes": ["US"]}).institutions
    assert "ins_133402" not in {row.institution_id for row in found}


def test_liabilities_name_cards_mortgages_and_student_loans(api: PlaidApi, token: str) -> None:
    owed = api.liabilities_get({"access_token": token}).liabilities
    assert (len(owed.credit), len(owed.mortgage), len(owed.student)) == (2, 1, 1)


def test_holdings_add_up_to_the_balance(api: PlaidApi, token: str) -> None:
    answer = api.investments_holdings_get({"access_token": token}).to_dict()
    for account in answer["accounts"]:
        mine = [row for row in answer["holdings"] if row["account_id"] == account["account_id"]]
        held = sum(row["institution_value"] for row in mine)
        assert held == pytest.approx(account["balances"]["current"], rel=0.001)
    known = {row["security_id"] for row in answer["securities"]}
    assert {row["security_id"] for row in answer["holdings"]} == known


def test_investment_transactions_page_and_may_come_later(
    simulator: Running, api: PlaidApi, token: str
) -> None:
    request: dict[str, Any] = {
        "access_token": token,
        "start_date": date(2025, 5, 1),
        "end_date": date(2026, 5, 4),
    }
    answer = api.investments_transactions_get({**request, "options": {"count": 5}})
    assert len(answer.investment_transactions) == 5 < answer.total_investment_transactions
    later = {**request, "options": {"async_update": True}}
    with pytest.raises(plaid.ApiException) as error:
        api.investments_transactions_get(later)
    assert "PRODUCT_NOT_READY" in error.value.body
    simulator.travel(10)
    assert api.investments_transactions_get(later).investment_transactions


def test_refreshes_answer_with_a_request_id_only(api: PlaidApi, token: str) -> None:
    assert set(api.transactions_refresh({"access_token": token}).to_dict()) == {"request_id"}
    assert set(api.investments_refresh({"access_token": token}).to_dict()) == {"request_id"}


def test_the_webhook_key_is_told_and_an_unknown_one_refused(simulator: Running, api: PlaidApi) -> None:
    key = api.webhook_verification_key_get({"key_id": simulator.sim.keys.current}).key
    assert (key.alg, key.crv, key.expired_at) == ("ES256", "P-256", None)
    with pytest.raises(plaid.ApiException) as error:
        api.webhook_verification_key_get({"key_id": "nobody"})
    assert "INVALID_WEBHOOK_VERIFICATION_KEY_ID" in error.value.body


def test_sandbox_transactions_are_synced(simulator: Running, api: PlaidApi, token: str) -> None:
    _, cursor = simulator.read_all(token)
    made = {
        "date_transacted": date(2026, 5, 1),
        "date_posted": date(2026, 5, 2),
        "amount": 12.345,
        "description": "X",
    }
    api.sandbox_transactions_create({"access_token": token, "transactions": [made]})
    page = api.transactions_sync({"access_token": token, "cursor": cursor})
    assert [(row.amount, row.date, row.name) for row in page.added] == [(12.345, date(2026, 5, 2), "X")]


def test_reset_login_breaks_the_item_until_it_is_repaired(
    simulator: Running, api: PlaidApi, token: str
) -> None:
    assert api.sandbox_item_reset_login({"access_token": token}).reset_login
    assert str(api.item_get({"access_token": token}).item.error.error_code) == "ITEM_LOGIN_REQUIRED"
    with pytest.raises(plaid.ApiException) as error:
        api.transactions_sync({"access_token": token})
    assert "ITEM_LOGIN_REQUIRED" in error.value.body
    simulator.sim.items.repair(simulator.sim.items.by_access_token(token))
    assert api.item_get({"access_token": token}).item.error is None


def test_a_verification_status_is_set(simulator: Running, api: PlaidApi, token: str) -> None:
    account_id = api.accounts_get({"access_token": token}).accounts[0].account_id
    request = {
        "access_token": token,
        "account_id": account_id,
        "verification_status": "automatically_verified",
    }
    api.sandbox_item_set_verification_status(request)
    status = api.accounts_get({"access_token": token}).accounts[0].verification_status
    assert status == "automatically_verified"
