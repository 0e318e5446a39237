"""The world: the same from the same seed, full of life, and as odd as real banks are."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.simulator import simulator as package
from mingus.simulator.transactions import PRIMARIES
from tests.simulator.judged import pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.judged import Running

SOURCES = Path(package.__file__).parent
CUSTOM = {
    "version": "2",
    "seed": "spring",
    "override_accounts": [
        {
            "type": "depository",
            "subtype": "checking",
            "starting_balance": 1500,
            "meta": {"name": "Everyday", "official_name": "Everyday Checking", "mask": "4821"},
            "numbers": {"account": "1112223334821", "ach_routing": "123456789"},
            "identity": {"names": ["Ada Example"]},
            "transactions": [
                {
                    "date_transacted": "2026-04-28",
                    "date_posted": "2026-04-30",
                    "amount": 42.5,
                    "description": "GROCERY",
                },
                {
                    "date_transacted": "2026-05-03",
                    "date_posted": "2026-05-06",
                    "amount": 9.25,
                    "description": "CAFE",
                },
                {
                    "date_transacted": "2026-05-09",
                    "date_posted": "2026-05-09",
                    "amount": -2100,
                    "description": "PAYROLL",
                },
            ],
        },
        {
            "type": "investment",
            "subtype": "brokerage",
            "holdings": {
                "quantity": 3,
                "institution_price": 20.5,
                "currency": "USD",
                "security": {"ticker_symbol": "ABC", "name": "Abc"},
            },
        },
        {"type": "credit", "subtype": "credit card", "liability": {"type": "credit", "purchase_apr": 19.9}},
        {
            "type": "depository",
            "subtype": "savings",
            "currency": "EUR",
            "inflow_model": {
                "type": "monthly-income",
                "income_amount": 300,
                "payment_day_of_month": 7,
                "transaction_name": "ALLOWANCE",
            },
        },
    ],
}


def rows(simulator: Running, token: str) -> list[dict[str, Any]]:
    return [row for page in simulator.read_all(token)[0] for row in page["added"]]


def test_nothing_of_the_application_is_imported() -> None:
    for path in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            ours = [name for name in names if name.partition(".")[0] == "mingus"]
            assert all(name.startswith("mingus.simulator") for name in ours), f"{path}: {ours}"
            assert not {"flask", "sqlalchemy", "plaid"} & {name.partition(".")[0] for name in names}, path


def test_the_same_seed_makes_the_same_world_and_another_another(start: Callable[..., Running]) -> None:
    worlds = [
        rows(simulator, simulator.link("user_household")) for simulator in (start(), start(), start(seed=2))
    ]
    bare = [
        [
            {**row, "logo_url": None, "counterparties": None, "personal_finance_category_icon_url": None}
            for row in world
        ]
        for world in worlds
    ]
    assert bare[0] == bare[1]
    assert [row["amount"] for row in bare[0]] != [row["amount"] for row in bare[2]]


def test_a_household_lives_in_every_category(simulator: Running) -> None:
    found = rows(simulator, simulator.link("user_household"))
    assert {row["personal_finance_category"]["primary"] for row in found} == set(PRIMARIES)
    assert any(row["location"]["city"] for row in found)
    assert any(row["amount"] < 0 and row["merchant_name"] for row in found), "a refund"
    assert any(row["pending"] for row in found)
    assert {row["payment_channel"] for row in found} == {"online", "in store", "other"}
    paid = [row for row in found if row["personal_finance_category"]["detailed"] == "INCOME_SALARY"]
    assert len(paid) > 90
    assert all(row["amount"] < 0 for row in paid)


def test_logos_are_pictures(simulator: Running) -> None:
    found = rows(simulator, simulator.link("user_household"))
    logo = next(row["logo_url"] for row in found if row["logo_url"])
    assert logo.startswith(simulator.base_url)
    for url in (logo, found[0]["personal_finance_category_icon_url"]):
        response = pool.request("GET", url)
        assert (response.status, response.data[:4]) == (200, b"\x89PNG")


def test_currencies_are_as_odd_as_in_life(simulator: Running) -> None:
    token = simulator.link("user_international")
    accounts = {
        row["name"]: row for row in simulator.ok("/accounts/get", {"access_token": token})["accounts"]
    }
    assert accounts["Coin Wallet"]["balances"]["unofficial_currency_code"] == "BTC"
    assert accounts["Pence Savings"]["mask"] is None
    unknown = accounts["Unlabelled Account"]["balances"]
    assert unknown["iso_currency_code"] is unknown["unofficial_currency_code"] is None
    found = rows(simulator, token)
    assert {"USD", "EUR", "JPY", "KWD", None} <= {row["iso_currency_code"] for row in found}
    assert {12000.0, 21.375, 0.00412} <= {row["amount"] for row in found}


def test_dynamic_users_have_crooked_amounts_and_refresh_into_motion(simulator: Running) -> None:
    token = simulator.link("user_transactions_dynamic")
    found = rows(simulator, token)
    assert 30 <= len(found) <= 90
    assert any(round(row["amount"], 2) != row["amount"] for row in found)
    _, cursor = simulator.read_all(token)
    for _ in range(2):
        simulator.ok("/transactions/refresh", {"access_token": token})
        page = simulator.read_all(token, cursor)[0][0]
        cursor = page["next_cursor"]
    assert page["added"]
    assert page["modified"]
    assert page["removed"]


def test_limited_purpose_checking_has_no_balances(simulator: Running) -> None:
    token = simulator.link("user_limited_purpose_checking")
    balances = simulator.ok("/accounts/get", {"access_token": token})["accounts"][0]["balances"]
    assert balances["current"] is balances["available"] is None


@pytest.mark.parametrize(
    "username", ["user_yuppie", "user_ewa_user", "user_small_business", "user_student", "user_retiree"]
)
def test_personas_have_lives(simulator: Running, username: str) -> None:
    token = simulator.link(username, override_password="anything")
    assert len(rows(simulator, token)) > 60


def test_balances_of_the_standard_user_never_move(simulator: Running) -> None:
    token = simulator.link()
    before = simulator.ok("/accounts/get", {"access_token": token})["accounts"]
    simulator.do(token, "burst")
    simulator.travel(40 * 86_400)
    assert simulator.ok("/accounts/get", {"access_token": token})["accounts"] == before
    assert len(rows(simulator, token)) > 390


@pytest.mark.parametrize("size", [10, 999])
def test_large_users_have_just_so_many_posted_transactions(simulator: Running, size: int) -> None:
    posted = [row for row in rows(simulator, simulator.link(f"user_large_{size}")) if not row["pending"]]
    assert len(posted) == size


def test_a_custom_user_is_as_described(simulator: Running) -> None:
    products = ["transactions", "auth", "identity", "liabilities", "investments"]
    token = simulator.link("user_custom", override_password=json.dumps(CUSTOM), products=products)
    accounts = simulator.ok("/accounts/get", {"access_token": token})["accounts"]
    assert (accounts[0]["name"], accounts[0]["mask"]) == ("Everyday", "4821")
    assert accounts[3]["balances"]["iso_currency_code"] == "EUR"
    mine = [row for row in rows(simulator, token) if row["account_id"] == accounts[0]["account_id"]]
    assert [(row["name"], row["amount"], row["pending"]) for row in mine] == [
        ("CAFE", 9.25, True),
        ("GROCERY", 42.5, False),
    ]
    body = {"access_token": token}
    ach = simulator.ok("/auth/get", body)["numbers"]["ach"][0]
    assert (ach["account"], ach["routing"]) == ("1112223334821", "123456789")
    assert simulator.ok("/identity/get", body)["accounts"][0]["owners"][0]["names"] == ["Ada Example"]
    holding = simulator.ok("/investments/holdings/get", body)["holdings"][0]
    assert (holding["quantity"], holding["institution_price"]) == (3, 20.5)
    aprs = simulator.ok("/liabilities/get", body)["liabilities"]["credit"][0]["aprs"]
    assert aprs[0]["apr_percentage"] == 19.9


def test_a_custom_users_future_arrives(simulator: Running) -> None:
    token = simulator.link("user_custom", override_password=json.dumps(CUSTOM))
    first = rows(simulator, token)
    pending = next(row for row in first if row["name"] == "CAFE")
    _, cursor = simulator.read_all(token)
    simulator.travel(6 * 86_400)
    page = simulator.read_all(token, cursor)[0][0]
    names = {row["name"]: row for row in page["added"]}
    assert names["CAFE"]["pending_transaction_id"] == pending["transaction_id"]
    assert (names["PAYROLL"]["amount"], names["ALLOWANCE"]["amount"]) == (-2100, -300)
    assert pending["transaction_id"] in {row["transaction_id"] for row in page["removed"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        '{"override_accounts": 7}',
        '{"override_accounts": [7]}',
        '{"override_accounts": [' + "{}," * 10 + "{}]}",
    ],
)
def test_what_is_no_custom_user_is_refused(shared: Running, text: str) -> None:
    body = {
        "institution_id": "ins_109508",
        "initial_products": ["transactions"],
        "options": {"override_username": "user_custom", "override_password": text or " "},
    }
    assert shared.error("/sandbox/public_token/create", body) == "INVALID_CREDENTIALS"


@pytest.mark.parametrize(
    "account",
    [
        {},
        {"type": "depository", "transactions": [{}, {"amount": "x", "date_posted": "never"}, 7]},
        {"type": "nonsense", "subtype": "nonsense", "meta": [], "identity": [], "numbers": 7, "liability": 1},
        {"type": "investment", "holdings": [{}], "investment_transactions": [{"date": "never"}, {}]},
        {"type": "loan", "subtype": "student", "liability": {"type": "student", "loan_status": 7}},
        {
            "type": "depository",
            "currency": "DOGE",
            "has_null_available_balance": True,
            "inflow_model": {"income_amount": "x"},
        },
    ],
)
def test_sloppy_custom_users_are_read_leniently(simulator: Running, account: dict[str, Any]) -> None:
    password = json.dumps({"override_accounts": [account, {"type": "depository", "subtype": "checking"}]})
    products = ["transactions", "auth", "identity", "liabilities", "investments"]
    body = {"access_token": simulator.link("user_custom", override_password=password, products=products)}
    assert len(simulator.ok("/accounts/get", body)["accounts"]) == 2
    assert rows(simulator, body["access_token"])
    for path in ("/auth/get", "/identity/get", "/liabilities/get", "/investments/holdings/get"):
        assert simulator.post(path, body)[0] in (200, 400)
    simulator.travel(40 * 86_400)


def test_a_custom_user_may_force_an_error(simulator: Running) -> None:
    options = {"override_username": "user_custom", "override_password": '{"force_error": "ITEM_LOCKED"}'}
    body = {"institution_id": "ins_109508", "initial_products": ["transactions"], "options": options}
    assert simulator.error("/sandbox/public_token/create", body) == "ITEM_LOCKED"


@pytest.mark.parametrize(
    ("password", "answers"),
    [
        ("mfa_device", [["Text message to ••• ••• 0100"], ["1234"]]),
        ("mfa_questions_2_2", [["answer_0_0", "answer_0_1"], ["answer_1_0", "answer_1_1"]]),
        ("mfa_selections", [["Yes"]]),
        ("mfa_selections_1_2_3", [["Option 1", "Option 1"]]),
    ],
)
def test_second_factors_know_their_answers(shared: Running, password: str, answers: list[list[str]]) -> None:
    bank = shared.sim.institutions.get("ins_109508")
    login = shared.sim.logins.check(bank, "user_good", password)
    assert login.outcome == "ok"
    assert len(login.mfa) == len(answers)
    for asked, given in zip(login.mfa, answers, strict=True):
        assert asked.accepts(given)
        assert not asked.accepts(["wrong"] * len(given))
        assert not asked.accepts([])


@pytest.mark.parametrize(
    ("bank", "username", "password", "code"),
    [
        ("ins_109508", "user_good", "wrong", "INVALID_CREDENTIALS"),
        ("ins_109508", "user_bad", "pass_good", "INVALID_CREDENTIALS"),
        ("ins_109508", "user_good", "error_MFA_NOT_SUPPORTED", "MFA_NOT_SUPPORTED"),
        ("ins_109508", "user_good", '{"recaptcha":"bad"}', "RECAPTCHA_BAD"),
        ("ins_109508", "user_large_2000000", "pass_good", "INVALID_CREDENTIALS"),
        ("ins_127287", "user_transactions_dynamic", "pass_good", "INVALID_CREDENTIALS"),
        ("ins_132361", "user_good", "pass_good", "INSTITUTION_DOWN"),
    ],
)
def test_logins_that_banks_refuse(
    shared: Running, bank: str, username: str, password: str, code: str
) -> None:
    login = shared.sim.logins.check(shared.sim.institutions.get(bank), username, password)
    assert (login.outcome, login.error_code) == ("error", code)


def test_foreign_pages_cannot_move_the_simulator(shared: Running) -> None:
    url = f"{shared.base_url}/control/reset"
    rebound = {"Origin": "http://evil.example", "Host": "evil.example"}
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}, rebound):
        assert pool.request("POST", url, headers=headers).status == 403
    assert pool.request("POST", url, headers={"Origin": shared.base_url}).status == 200


def test_actions_are_listed_and_unknown_ones_refused(simulator: Running) -> None:
    listed = {row["name"] for row in simulator.get("/control/actions")["actions"]}
    assert {"spend", "get_paid", "break_login", "fire_webhook"} <= listed
    item_id = simulator.sim.items.by_access_token(simulator.link()).item_id
    assert simulator.error(f"/control/items/{item_id}/do/explode") == "NOT_FOUND"
    assert simulator.error(f"/control/items/{item_id}/do/spend", {"amount": "much"}) == "INVALID_FIELD"
    assert simulator.error("/control/items/nobody/do/spend") == "ITEM_NOT_FOUND"


def test_calls_are_logged_without_their_secrets(simulator: Running) -> None:
    token = simulator.link()
    simulator.error("/accounts/get", {"access_token": token, "options": {"account_ids": ["x"]}})
    text = json.dumps(simulator.get("/control/calls"))
    last = json.loads(text)["calls"][-1]
    assert (last["endpoint"], last["status"], last["error_code"]) == (
        "/accounts/get",
        400,
        "INVALID_ACCOUNT_ID",
    )
    assert last["item_id"] == simulator.sim.items.by_access_token(token).item_id
    assert token not in text
