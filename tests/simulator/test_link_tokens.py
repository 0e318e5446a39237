"""Link tokens over raw HTTP, where Plaid's strictness shows, and through plaid-python with its types on."""

from __future__ import annotations

import http.client
import json
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from typing import TYPE_CHECKING
from typing import Any

import plaid
import pytest
from plaid.api import plaid_api

from mingus.simulator.config import Config
from tests.simulator.judged import judged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator.judged import Running

START = "2026-05-04T12:00:00Z"
BODY = {
    "client_name": "MINGUS",
    "language": "en",
    "country_codes": ["US"],
    "user": {"client_user_id": "user-7f3a"},
    "products": ["transactions"],
}


@pytest.fixture(scope="module")
def plain() -> Iterator[Running]:
    with judged(Config(clock=f"frozen:{START}")) as simulator:
        yield simulator


def post(simulator: Running, path: str, body: Any) -> tuple[int, dict[str, Any]]:
    host = simulator.base_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    headers = {
        "Content-Type": "application/json",
        "PLAID-CLIENT-ID": "simulator",
        "PLAID-SECRET": "simulator",
    }
    connection.request("POST", path, json.dumps(body), headers)
    response = connection.getresponse()
    answer: dict[str, Any] = json.loads(response.read())
    connection.close()
    return response.status, answer


def create(simulator: Running, **changes: Any) -> tuple[int, dict[str, Any]]:
    body = {**BODY, **changes}
    return post(
        simulator, "/link/token/create", {key: value for key, value in body.items() if value is not ...}
    )


def refused(simulator: Running, **changes: Any) -> tuple[str, str]:
    status, answer = create(simulator, **changes)
    assert status == 400, answer
    return answer["error_code"], answer["error_message"]


def access_token(simulator: Running) -> str:
    _, made = post(
        simulator,
        "/sandbox/public_token/create",
        {"institution_id": "ins_109508", "initial_products": ["transactions"]},
    )
    _, exchanged = post(simulator, "/item/public_token/exchange", {"public_token": made["public_token"]})
    return str(exchanged["access_token"])


def test_token_lives_four_hours_and_can_be_read_back(plain: Running) -> None:
    status, made = create(
        plain, webhook="https://mingus.example/hook", redirect_uri="http://localhost:5000/back"
    )
    assert status == 200
    assert made["expiration"] == "2026-05-04T16:00:00Z"
    assert made["link_token"].startswith("link-sandbox-")
    assert "hosted_link_url" not in made
    status, found = post(plain, "/link/token/get", {"link_token": made["link_token"]})
    assert status == 200
    assert found["created_at"] == START
    assert found["metadata"] == {
        "initial_products": ["transactions"],
        "webhook": "https://mingus.example/hook",
        "country_codes": ["US"],
        "language": "en",
        "redirect_uri": "http://localhost:5000/back",
        "client_name": "MINGUS",
    }
    assert found["link_sessions"] == []


def test_update_mode_token_lives_thirty_minutes_and_needs_no_products(plain: Running) -> None:
    status, made = create(plain, access_token=access_token(plain), products=...)
    assert status == 200
    assert made["expiration"] == "2026-05-04T12:30:00Z"


@pytest.mark.parametrize(
    ("hosted", "seconds"),
    [
        ({}, 1800),
        ({"delivery_method": "sms"}, 86_400),
        ({"delivery_method": "email"}, 604_800),
        ({"url_lifetime_seconds": 60}, 60),
    ],
)
def test_hosted_token_lives_as_long_as_its_address(
    plain: Running, hosted: dict[str, Any], seconds: int
) -> None:
    user = {"client_user_id": "u", "phone_number": "+14155550010", "email_address": "ada@example.com"}
    _, made = create(plain, hosted_link=hosted, user=user)
    expected = datetime.fromisoformat(START) + timedelta(seconds=seconds)
    assert made["expiration"] == expected.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert made["hosted_link_url"].startswith(f"{plain.base_url}/hl/")


@pytest.mark.parametrize("field", ["client_name", "language", "country_codes", "user", "products"])
def test_missing_field_is_named(plain: Running, field: str) -> None:
    code, message = refused(plain, **{field: ...})
    assert code == "MISSING_FIELDS"
    assert field in message


@pytest.mark.parametrize("changes", [{"produts": []}, {"user": {"client_user_id": "u", "mail": "x"}}])
def test_unknown_field_is_named(plain: Running, changes: dict[str, Any]) -> None:
    code, message = refused(plain, **changes)
    assert code == "UNKNOWN_FIELDS"
    assert "produts" in message or "user.mail" in message


@pytest.mark.parametrize(
    "changes",
    [
        {"client_name": ""},
        {"client_name": 7},
        {"language": "tlh"},
        {"language": "EN"},
        {"country_codes": []},
        {"country_codes": ["ZZ"]},
        {"country_codes": "US"},
        {"products": []},
        {"products": "transactions"},
        {"user": {"client_user_id": ""}},
        {"user": {"client_user_id": "ada@example.com"}},
        {"user": {"client_user_id": "+1 415 555 0010"}},
        {"user": {"client_user_id": "415-555-0010"}},
        {"user": {"client_user_id": "u", "phone_number": "555"}},
        {"webhook": "not a url"},
        {"webhook": "ftp://example.com/"},
        {"redirect_uri": "http://mingus.example/back"},
        {"redirect_uri": "https://mingus.example/back?x=1"},
        {"redirect_uri": "https://mingus.example/back#top"},
        {"redirect_uri": "https://mingus.example:99999/back"},
        {"transactions": {"days_requested": 0}},
        {"transactions": {"days_requested": 731}},
        {"transactions": {"days_requested": "90"}},
        {"account_filters": {}},
        {"account_filters": {"depository": {"account_subtypes": []}}},
        {"account_filters": {"depository": {"account_subtypes": ["credit card"]}}},
        {"account_filters": {"credit": {"account_subtypes": ["all", "paypal"]}}},
        {"optional_products": ["transactions"]},
        {"required_if_supported_products": ["auth"], "additional_consented_products": ["auth"]},
        {"hosted_link": {"url_lifetime_seconds": 21 * 86_400 + 1}},
        {"hosted_link": {"delivery_method": "sms"}},
        {"hosted_link": {"completion_redirect_uri": "javascript:alert(1)"}},
        {"update": {"account_selection_enabled": True}},
        {"enable_multi_item_link": True},
    ],
    ids=str,
)
def test_field_that_does_not_fit_is_refused(plain: Running, changes: dict[str, Any]) -> None:
    code, message = refused(plain, **changes)
    assert code == "INVALID_FIELD"
    assert next(iter(changes)).split("_")[0] in message or "overlap" in message


@pytest.mark.parametrize(
    "product", ["balance", "recurring_transactions", "investments_refresh", "monitor", "nonsense"]
)
def test_product_that_link_cannot_start_is_refused(plain: Running, product: str) -> None:
    assert refused(plain, products=[product])[0] == "INVALID_PRODUCT"


def test_personal_data_is_told_from_an_opaque_number(plain: Running) -> None:
    assert create(plain, user={"client_user_id": "4155550010"})[0] == 200


def test_update_mode_refuses_products_and_stray_filters(plain: Running) -> None:
    token, filters = access_token(plain), {"depository": {"account_subtypes": ["checking"]}}
    assert refused(plain, access_token=token)[0] == "INVALID_FIELD"
    assert refused(plain, access_token=token, products=..., account_filters=filters)[0] == "INVALID_FIELD"
    chosen = {"account_selection_enabled": True}
    status, _ = create(plain, access_token=token, products=..., account_filters=filters, update=chosen)
    assert status == 200


def test_update_mode_needs_an_item_that_exists(plain: Running) -> None:
    assert refused(plain, access_token="access-sandbox-none", products=...)[0] == "INVALID_ACCESS_TOKEN"
    token = access_token(plain)
    post(plain, "/item/remove", {"access_token": token})
    assert refused(plain, access_token=token, products=...)[0] == "ITEM_NOT_FOUND"


def test_institution_must_exist_and_offer_the_products(plain: Running) -> None:
    assert refused(plain, institution_id="ins_0")[0] == "INVALID_INSTITUTION"
    assert create(plain, institution_id="ins_109508")[0] == 200


def test_unknown_customization_is_refused(plain: Running) -> None:
    assert refused(plain, link_customization_name="nowhere")[0] == "INVALID_LINK_CUSTOMIZATION"
    assert create(plain, link_customization_name="default")[0] == 200


def test_redirect_uri_must_be_on_the_list_to_the_letter() -> None:
    allowed = "https://mingus.example/plaid/callback"
    with judged(Config(redirect_uris=(allowed,))) as simulator:
        assert create(simulator, redirect_uri=allowed)[0] == 200
        assert refused(simulator, redirect_uri=f"{allowed}/")[0] == "INVALID_FIELD"


def test_unknown_link_token_is_refused(plain: Running) -> None:
    for text in ("link-sandbox-none", "link-production-4034605a-491e-4424-bb22-76219fb1d300", "x" * 100_000):
        status, answer = post(plain, "/link/token/get", {"link_token": text})
        assert (status, answer["error_code"]) == (400, "INVALID_LINK_TOKEN")


def test_user_is_the_same_whenever_asked_for_and_must_exist(plain: Running) -> None:
    first, again = (post(plain, "/user/create", {"client_user_id": "ada"})[1] for _ in range(2))
    assert first["user_id"] == again["user_id"]
    assert first["user_id"].startswith("usr_")
    status, made = create(plain, user=..., user_id=first["user_id"], enable_multi_item_link=True)
    assert (status, made["user_id"]) == (200, first["user_id"])
    assert create(plain, user_token=first["user_token"], enable_multi_item_link=True)[0] == 200
    assert refused(plain, user_id="usr_nobody")[0] == "INVALID_USER_ID"
    assert refused(plain, user_token="user-sandbox-nobody")[0] == "INVALID_USER_TOKEN"


def test_settings_of_link_can_be_changed_and_survive(tmp_path: Any) -> None:
    config = Config(state=tmp_path / "state.db", port=0)
    with judged(config) as simulator:
        made = create(simulator)[1]["link_token"]
        assert post(simulator, "/control/link/settings", {"oauth": "redirect"})[0] == 200
        assert post(simulator, "/control/link/settings", {"oauth": "sideways"})[0] == 400
        assert post(simulator, "/control/link/settings", {"colour": "blue"})[0] == 400
    with judged(config) as simulator:
        assert post(simulator, "/control/link/settings", {})[1]["oauth"] == "redirect"
        assert post(simulator, "/link/token/get", {"link_token": made})[0] == 200


@pytest.fixture
def sdk(plain: Running) -> plaid_api.PlaidApi:
    keys = {"clientId": "simulator", "secret": "simulator"}
    return plaid_api.PlaidApi(plaid.ApiClient(plaid.Configuration(host=plain.base_url, api_key=keys)))


def test_sdk_makes_and_reads_a_token_with_every_option(sdk: plaid_api.PlaidApi) -> None:
    made = sdk.link_token_create(
        {
            **BODY,
            "user": {"client_user_id": "u", "legal_name": "Ada L", "phone_number": "+1 415 555 0010"},
            "optional_products": ["identity"],
            "additional_consented_products": ["liabilities", "investments"],
            "link_customization_name": "default",
            "webhook": "https://mingus.example/hook",
            "android_package_name": "example.mingus",
            "account_filters": {
                "depository": {"account_subtypes": ["checking", "savings"]},
                "credit": {"account_subtypes": ["all"]},
            },
            "transactions": {"days_requested": 730},
            "hosted_link": {"completion_redirect_uri": "https://mingus.example/done"},
        }
    )
    assert made.expiration > datetime(2026, 5, 4, tzinfo=UTC)
    found = sdk.link_token_get({"link_token": made.link_token})
    assert [str(product) for product in found.metadata.initial_products] == ["transactions"]
    assert found.metadata.account_filters.depository.account_subtypes.value[0].value == "checking"


def test_sdk_sees_a_refusal_as_plaid_s_error(sdk: plaid_api.PlaidApi) -> None:
    with pytest.raises(plaid.ApiException) as caught:
        sdk.link_token_create({**BODY, "products": ["balance"]})
    assert json.loads(caught.value.body)["error_code"] == "INVALID_PRODUCT"
