"""Webhooks: what comes when, signed so that a careful receiver believes it, repeated by Plaid's rules."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from typing import TYPE_CHECKING
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from mingus.simulator.signing import SIGNATURES
from tests.simulator.receiver import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.judged import Running
    from tests.simulator.receiver import Received
    from tests.simulator.receiver import Receiver

EVERYTHING = ["transactions", "auth", "identity", "liabilities", "investments"]


def part(token: str | None, number: int) -> dict[str, Any]:
    """Header (0) or claims (1) of a signature, unverified."""
    doc: dict[str, Any] = json.loads(decoded(str(token).split(".")[number]))
    return doc


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def accepts(simulator: Running, received: Received) -> bool:
    """Verification as Plaid's documentation asks for it."""
    if received.verification is None or part(received.verification, 0)["alg"] != "ES256":
        return False
    kid = part(received.verification, 0)["kid"]
    status, answer = simulator.post("/webhook_verification_key/get", {"key_id": kid})
    if status != 200 or (answer["key"]["expired_at"] or time.time() + 1) < time.time():
        return False
    claims = part(received.verification, 1)
    fresh = time.time() - 300 < claims["iat"] < time.time() + 60
    whole = bool(claims["request_body_sha256"] == hashlib.sha256(received.body).hexdigest())
    return fresh and whole and signed_by(answer["key"], received.verification)


def signed_by(key: dict[str, Any], token: str) -> bool:
    x, y = (int.from_bytes(decoded(key[name])) for name in ("x", "y"))
    text, _, seal = token.rpartition(".")
    r, s = (int.from_bytes(half) for half in (decoded(seal)[:32], decoded(seal)[32:]))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    try:
        public.verify(encode_dss_signature(r, s), text.encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def test_a_new_item_tells_its_phases_in_order(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link("user_household", import_all=False, webhook=receiver.url)
    simulator.ok("/transactions/sync", {"access_token": token})
    simulator.travel(2)
    simulator.travel(5)
    receiver.wait_for("SYNC_UPDATES_AVAILABLE", 2)
    wanted = ["INITIAL_UPDATE", "SYNC_UPDATES_AVAILABLE", "HISTORICAL_UPDATE", "SYNC_UPDATES_AVAILABLE"]
    assert receiver.codes() == wanted
    first, second = (row.json for row in receiver.received if row.code == "SYNC_UPDATES_AVAILABLE")
    assert (first["initial_update_complete"], first["historical_update_complete"]) == (True, False)
    assert (second["initial_update_complete"], second["historical_update_complete"]) == (True, True)
    status = simulator.ok("/item/get", {"access_token": token})["status"]
    assert status["last_webhook"]["code_sent"] == "SYNC_UPDATES_AVAILABLE"


def test_sync_updates_are_told_only_after_the_first_sync(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link("user_household", webhook=receiver.url)
    simulator.do(token, "spend")
    receiver.wait_for("DEFAULT_UPDATE")
    until(simulator.sim.webhooks.idle, "an idle sender")
    assert "SYNC_UPDATES_AVAILABLE" not in receiver.codes()


def test_bodies_are_indented_by_two_and_signatures_hold(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link(webhook=receiver.url)
    simulator.do(token, "fire_webhook", webhook_code="LOGIN_REPAIRED")
    received = receiver.wait_for("LOGIN_REPAIRED")
    assert received.body.decode() == json.dumps(received.json, indent=2)
    assert received.content_type == "application/json"
    assert (received.json["environment"], received.json["webhook_type"]) == ("sandbox", "ITEM")
    assert accepts(simulator, received)


@pytest.mark.parametrize("signature", [name for name in SIGNATURES if name != "good"])
def test_wrong_signatures_on_demand_are_wrong(simulator: Running, receiver: Receiver, signature: str) -> None:
    token = simulator.link(webhook=receiver.url)
    simulator.ok("/control/webhooks", {"signature": signature})
    simulator.do(token, "fire_webhook", webhook_code="LOGIN_REPAIRED")
    assert not accepts(simulator, receiver.wait_for("LOGIN_REPAIRED"))


def test_keys_rotate_and_expire(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link(webhook=receiver.url)
    simulator.do(token, "fire_webhook", webhook_code="LOGIN_REPAIRED")
    old = receiver.wait_for("LOGIN_REPAIRED")
    former = simulator.sim.keys.current
    kid = simulator.ok("/control/keys/rotate")["kid"]
    simulator.do(token, "fire_webhook", webhook_code="LOGIN_REPAIRED")
    new = receiver.wait_for("LOGIN_REPAIRED", 2)
    assert part(new.verification, 0)["kid"] == kid != former
    assert accepts(simulator, old)
    assert accepts(simulator, new)
    simulator.ok(f"/control/keys/{former}/expire")
    assert not accepts(simulator, old)


def test_signatures_carry_virtual_time_when_asked(start: Callable[..., Running], receiver: Receiver) -> None:
    simulator = start(signing_time="virtual")
    token = simulator.link(webhook=receiver.url)
    simulator.do(token, "fire_webhook", webhook_code="LOGIN_REPAIRED")
    received = receiver.wait_for("LOGIN_REPAIRED")
    assert part(received.verification, 1)["iat"] == 1777896000


def test_a_failed_delivery_is_retried_on_plaids_schedule(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link(webhook=receiver.url)
    until(simulator.sim.webhooks.idle, "an idle sender")
    receiver.received.clear()
    receiver.status = 503
    simulator.do(token, "fire_webhook", webhook_code="LOGIN_REPAIRED")
    receiver.wait_for("LOGIN_REPAIRED", 1)
    for attempt, delay in enumerate((30, 120, 480, 1920), start=2):
        until(simulator.sim.webhooks.idle, "an idle sender")
        simulator.travel(delay - 1)
        until(simulator.sim.webhooks.idle, "an idle sender")
        assert len(receiver.received) == attempt - 1
        simulator.travel(1)
        receiver.wait_for("LOGIN_REPAIRED", attempt)
    receiver.status = 200
    until(simulator.sim.webhooks.idle, "an idle sender")
    simulator.travel(7680)
    last = receiver.wait_for("LOGIN_REPAIRED", 6)
    until(simulator.sim.webhooks.idle, "an idle sender")
    simulator.travel(90_000)
    assert receiver.codes().count("LOGIN_REPAIRED") == 6
    assert accepts(simulator, last)
    [delivery] = [row for row in simulator.sim.webhooks.recent() if row.webhook_code == "LOGIN_REPAIRED"]
    assert delivery.state == "delivered"


@pytest.mark.parametrize("status", [201, 204, 302, 500])
def test_only_exactly_200_counts(simulator: Running, receiver: Receiver, status: int) -> None:
    receiver.status = status
    simulator.sim.webhooks.send(
        receiver.url,
        {"webhook_type": "ITEM", "webhook_code": "LOGIN_REPAIRED", "item_id": "i", "environment": "sandbox"},
    )
    receiver.wait_for("LOGIN_REPAIRED")
    until(lambda: bool(simulator.sim.webhooks.recent()[-1].attempts), "an attempt")
    assert simulator.sim.webhooks.recent()[-1].state == "waiting"


def test_a_receiver_that_rejects_nearly_all_is_not_retried(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link(webhook=receiver.url)
    receiver.status = 500
    simulator.do(token, "fire_webhook", webhook_code="LOGIN_REPAIRED", times=30)
    until(lambda: len(receiver.received) >= 30, "30 deliveries")
    until(simulator.sim.webhooks.idle, "an idle sender")
    assert simulator.sim.webhooks.recent()[-1].state == "abandoned"


def test_a_dead_receiver_harms_nobody_else(simulator: Running, receiver: Receiver) -> None:
    simulator.link(webhook="http://127.0.0.1:9/nobody")
    simulator.link(webhook=receiver.url)
    receiver.wait_for("HISTORICAL_UPDATE")


def test_duplicates_swaps_and_losses_on_demand(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link(webhook=receiver.url)
    until(simulator.sim.webhooks.idle, "an idle sender")
    receiver.received.clear()
    simulator.ok("/control/webhooks", {"copies": 3})
    simulator.do(token, "fire_webhook", webhook_code="LOGIN_REPAIRED")
    receiver.wait_for("LOGIN_REPAIRED", 3)
    simulator.ok("/control/webhooks", {"copies": 1, "swap": True})
    simulator.do(token, "fire_webhook", webhook_code="NEW_ACCOUNTS_AVAILABLE")
    simulator.do(token, "fire_webhook", webhook_code="PENDING_DISCONNECT")
    receiver.wait_for("NEW_ACCOUNTS_AVAILABLE")
    assert receiver.codes()[-2:] == ["PENDING_DISCONNECT", "NEW_ACCOUNTS_AVAILABLE"]
    simulator.ok("/control/webhooks", {"swap": False, "lose": 1.0})
    simulator.do(token, "fire_webhook", webhook_code="USER_PERMISSION_REVOKED")
    assert simulator.sim.webhooks.recent()[-1].state == "lost"
    number = simulator.sim.webhooks.recent()[-1].number
    simulator.ok("/control/webhooks", {"lose": 0})
    simulator.ok(f"/control/deliveries/{number}/resend")
    receiver.wait_for("USER_PERMISSION_REVOKED")


def test_manners_that_make_no_sense_are_refused(simulator: Running) -> None:
    for body in ({"signature": "perfect"}, {"copies": 0}, {"lose": 2}, {"nice": True}):
        assert simulator.error("/control/webhooks", body) in ("INVALID_FIELD", "UNKNOWN_FIELDS")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("TRANSACTIONS", "DEFAULT_UPDATE"),
        ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"),
        ("TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE"),
        ("ITEM", "NEW_ACCOUNTS_AVAILABLE"),
        ("ITEM", "LOGIN_REPAIRED"),
        ("ITEM", "PENDING_DISCONNECT"),
        ("ITEM", "USER_PERMISSION_REVOKED"),
        ("ITEM", "USER_ACCOUNT_REVOKED"),
        ("AUTH", "DEFAULT_UPDATE"),
        ("AUTH", "SMS_MICRODEPOSITS_VERIFICATION"),
        ("HOLDINGS", "DEFAULT_UPDATE"),
        ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE"),
        ("LIABILITIES", "DEFAULT_UPDATE"),
    ],
)
def test_webhooks_can_be_fired(simulator: Running, receiver: Receiver, kind: str, code: str) -> None:
    token = simulator.link(products=EVERYTHING, webhook=receiver.url)
    body = {"access_token": token, "webhook_type": kind, "webhook_code": code}
    assert simulator.ok("/sandbox/item/fire_webhook", body)["webhook_fired"]
    until(
        lambda: any((r.json["webhook_type"], r.code) == (kind, code) for r in receiver.received),
        f"{kind}/{code}",
    )
    assert simulator.ok("/item/get", {"access_token": token})["item"]["error"] is None


def test_webhooks_without_an_address_or_a_product_are_not_fired(
    simulator: Running, receiver: Receiver
) -> None:
    body: dict[str, Any] = {"webhook_code": "DEFAULT_UPDATE", "webhook_type": "HOLDINGS"}
    silent, deaf = simulator.link(), simulator.link(webhook=receiver.url)
    fire = "/sandbox/item/fire_webhook"
    assert simulator.error(fire, {**body, "access_token": silent}) == "SANDBOX_WEBHOOK_INVALID"
    assert simulator.error(fire, {**body, "access_token": deaf}) == "SANDBOX_PRODUCT_NOT_ENABLED"
    assert simulator.error(fire, {**body, "access_token": deaf, "webhook_code": "X"}) == "INVALID_FIELD"


def test_effects_bring_their_webhooks(simulator: Running, receiver: Receiver) -> None:
    token = simulator.link("user_dynamic", products=["transactions", "auth"], webhook=receiver.url)
    simulator.read_all(token)
    simulator.ok("/transactions/refresh", {"access_token": token})
    simulator.ok("/transactions/refresh", {"access_token": token})
    receiver.wait_for("TRANSACTIONS_REMOVED")
    receiver.wait_for("SYNC_UPDATES_AVAILABLE", 2)
    simulator.ok("/sandbox/item/reset_login", {"access_token": token})
    assert receiver.wait_for("ERROR").json["error"]["error_code"] == "ITEM_LOGIN_REQUIRED"
    simulator.ok("/item/webhook/update", {"access_token": token, "webhook": receiver.url + "/v2"})
    assert receiver.wait_for("WEBHOOK_UPDATE_ACKNOWLEDGED").json["new_webhook_url"].endswith("/v2")


def test_missing_permissions_are_told_when_the_operator_wants_it(
    simulator: Running, receiver: Receiver
) -> None:
    token = simulator.link(webhook=receiver.url, products=["auth", "transactions"])
    simulator.do(token, "fire_webhook", webhook_code="PRODUCT_PERMISSIONS_REQUIRED")
    received = receiver.wait_for("PRODUCT_PERMISSIONS_REQUIRED")
    assert received.json["webhook_type"] == "AUTH"
