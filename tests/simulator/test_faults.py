"""Faults on demand: each spoils the call in its own way, and only the calls that it was ordered for."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from typing import Any

import pytest
import urllib3

from tests.simulator.judged import HEADERS
from tests.simulator.judged import pool

if TYPE_CHECKING:
    from tests.simulator.judged import Running

SYNC = "/transactions/sync"


def call(simulator: Running, token: str, timeout: float = 10, **more: Any) -> urllib3.BaseHTTPResponse:
    body = json.dumps({"access_token": token, "count": 20, **more})
    url = simulator.base_url + SYNC
    return pool.request("POST", url, body=body, headers=HEADERS, timeout=timeout, redirect=False)


def order(simulator: Running, **fault: Any) -> None:
    simulator.ok("/control/faults", {"endpoint": SYNC, "count": 1, **fault})


@pytest.fixture
def token(simulator: Running) -> str:
    return simulator.link("user_household")


def spoilt(simulator: Running, token: str, kind: str) -> dict[str, Any]:
    order(simulator, kind=kind)
    page: dict[str, Any] = json.loads(call(simulator, token).data)
    assert call(simulator, token).headers.get("X-Simulator-Fault") is None
    return page


def test_the_wire_can_be_cut_before_and_after_the_work(simulator: Running, token: str) -> None:
    for kind in ("reset_before", "reset_after"):
        order(simulator, kind=kind)
        with pytest.raises(urllib3.exceptions.ProtocolError):
            call(simulator, token)
    assert [c.fault for c in simulator.sim.log.recent(limit=2)] == ["reset_before", "reset_after"]
    assert call(simulator, token).status == 200


def test_work_is_done_before_a_late_reset(simulator: Running) -> None:
    body = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    public_token = simulator.ok("/sandbox/public_token/create", body)["public_token"]
    path = "/item/public_token/exchange"
    simulator.ok("/control/faults", {"endpoint": path, "count": 1, "kind": "reset_after"})
    with pytest.raises(urllib3.exceptions.ProtocolError):
        simulator.post(path, {"public_token": public_token})
    assert simulator.error(path, {"public_token": public_token}) == "INVALID_PUBLIC_TOKEN"


def test_answers_can_be_late(simulator: Running, token: str) -> None:
    order(simulator, kind="delay", seconds=5)
    started = time.monotonic()
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        call(simulator, token, timeout=0.3)
    assert time.monotonic() - started < 4
    order(simulator, kind="delay", seconds=0.3)
    assert call(simulator, token).status == 200


def test_answers_can_drip(simulator: Running, token: str) -> None:
    simulator.ok("/control/faults", {"endpoint": "/item/get", "count": 1, "kind": "drip", "seconds": 0.5})
    started = time.monotonic()
    assert simulator.ok("/item/get", {"access_token": token})["item"]
    assert time.monotonic() - started > 0.4


def test_answers_can_be_cut_short_empty_or_no_json(simulator: Running, token: str) -> None:
    order(simulator, kind="truncated")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        call(simulator, token)
    order(simulator, kind="empty")
    assert call(simulator, token).data == b""
    order(simulator, kind="invalid_json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(call(simulator, token).data)


def test_answers_can_come_from_a_broken_proxy(simulator: Running, token: str) -> None:
    order(simulator, kind="html_502")
    page = call(simulator, token)
    assert (page.status, page.headers["Content-Type"].split(";")[0]) == (502, "text/html")
    order(simulator, kind="redirect", location="http://127.0.0.1:9/")
    away = call(simulator, token)
    assert (away.status, away.headers["Location"]) == (302, "http://127.0.0.1:9/")


def test_answers_can_be_huge(simulator: Running, token: str) -> None:
    order(simulator, kind="huge", megabytes=5)
    page = json.loads(call(simulator, token).data)
    assert len(page["padding"]) == 5_000_000


def test_contents_can_be_odd(simulator: Running, token: str) -> None:
    assert "field_of_tomorrow" in spoilt(simulator, token, "unknown_fields")["added"][0]
    assert spoilt(simulator, token, "unknown_enums")["added"][0]["payment_channel"] == "telepathy"
    assert "has_more" not in spoilt(simulator, token, "missing_fields")
    assert spoilt(simulator, token, "wrong_types")["added"] == {"not": "a list"}
    amounts = [row["amount"] for row in spoilt(simulator, token, "odd_numbers")["added"]]
    assert any(value != value for value in amounts)
    assert {1e15, None, "12.50"} <= {value for value in amounts if value == value}
    assert {"1900-01-01", "9999-12-31", None} <= {
        r["date"] for r in spoilt(simulator, token, "odd_dates")["added"]
    }
    names = [row["name"] for row in spoilt(simulator, token, "hostile_names")["added"]]
    assert any("<script>" in name for name in names)
    assert any("\0" in name for name in names)
    assert max(map(len, names)) == 100_000


def test_streams_can_be_odd(simulator: Running, token: str) -> None:
    _, cursor = simulator.read_all(token)
    order(simulator, kind="has_more_forever", count=3)
    for _ in range(3):
        page = json.loads(call(simulator, token, cursor=cursor).data)
        assert (page["has_more"], page["added"], page["next_cursor"]) == (True, [], cursor)
    known = {row["transaction_id"] for page in simulator.read_all(token)[0] for row in page["added"]}
    assert spoilt(simulator, token, "unknown_removed")["removed"][0]["transaction_id"] not in known
    assert spoilt(simulator, token, "unknown_modified")["modified"][0]["transaction_id"] not in known
    ids = [row["transaction_id"] for row in spoilt(simulator, token, "repeated")["added"]]
    assert len(ids) == len(set(ids)) + 3
    empty = spoilt(simulator, token, "empty_page")
    assert (empty["added"], empty["has_more"]) == ([], True)


def test_a_spoilt_answer_leaves_the_world_whole(simulator: Running, token: str) -> None:
    before = simulator.ok(SYNC, {"access_token": token, "count": 20})
    for kind in ("odd_numbers", "hostile_names", "missing_fields"):
        spoilt(simulator, token, kind)
    after = simulator.ok(SYNC, {"access_token": token, "count": 20})
    assert before["added"] == after["added"]


def test_faults_fall_on_their_endpoint_item_share_and_count_only(simulator: Running, token: str) -> None:
    other = simulator.link()
    item_id = simulator.sim.items.by_access_token(token).item_id
    order(simulator, kind="error", code="TRANSACTIONS_SYNC_LIMIT", item_id=item_id, skip=1, count=2)
    assert simulator.ok("/accounts/get", {"access_token": token})
    assert simulator.ok(SYNC, {"access_token": other})
    statuses = [simulator.post(SYNC, {"access_token": token})[0] for _ in range(4)]
    assert statuses == [200, 429, 429, 200]
    simulator.ok("/control/faults", {"kind": "error", "endpoint": "/item/get", "share": 0.5})
    codes = [simulator.post("/item/get", {"access_token": token})[0] for _ in range(60)]
    assert 10 < codes.count(500) < 50
    assert simulator.get("/control/faults")["faults"][0]["hits"] == codes.count(500)


def test_faults_are_listed_and_taken_back(simulator: Running) -> None:
    number = simulator.ok("/control/faults", {"kind": "error"})["number"]
    response = pool.request("DELETE", f"{simulator.base_url}/control/faults/{number}")
    assert response.status == 200
    assert simulator.get("/control/faults")["faults"] == []
    assert pool.request("DELETE", f"{simulator.base_url}/control/faults/{number}").status == 404


def test_the_key_endpoint_can_be_down(simulator: Running) -> None:
    path = "/webhook_verification_key/get"
    simulator.ok("/control/faults", {"kind": "error", "endpoint": path, "code": "INTERNAL_SERVER_ERROR"})
    assert simulator.error(path, {"key_id": simulator.sim.keys.current}) == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "sabotage"},
        {"kind": "error", "code": "NO_SUCH_CODE"},
        {"kind": "error", "share": 0},
        {"kind": "error", "share": 2},
        {"kind": "delay", "seconds": -1},
        {"kind": "huge", "megabytes": 100_000},
        {"kind": "error", "colour": "red"},
        {},
    ],
)
def test_orders_that_make_no_sense_are_refused(shared: Running, order: dict[str, Any]) -> None:
    assert shared.error("/control/faults", order) in ("INVALID_FIELD", "UNKNOWN_FIELDS", "MISSING_FIELDS")
    assert shared.get("/control/faults")["faults"] == []
