"""Plaid's signature: only the right key, algorithm, time and body pass."""

from __future__ import annotations

import base64
import datetime as dt
import json
import random

import pytest

from mingus.webhooks.verify import Forged
from mingus.webhooks.verify import Reason
from mingus.webhooks.verify import key_id_of
from mingus.webhooks.verify import public_key
from mingus.webhooks.verify import verify
from tests.support.ambient import NOON
from tests.support.signing import Signer
from tests.support.signing import hook

BODY = hook("ITEM", "LOGIN_REPAIRED", "item-1")
# the example of Plaid's key endpoint with a body signed by its private half
VECTOR_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "Svbd2-JQafQkZ3x70O6BQgFL1g7199jWVWrBA9lh-6U",
    "y": "HTB0ayxxhG-ulYE1VQpbyS93VBnzWopjWFEWvhykwSk",
}
VECTOR_TOKEN = (
    "eyJhbGciOiJFUzI1NiIsImtpZCI6IjU2YWJmYTk2LWY1OTUtNDU0Yi1iN2I0LWU5YTIwM2MxZDhlMyIsInR5cCI6IkpXVCJ9."
    "eyJpYXQiOjE3Nzc4OTYwMDAsInJlcXVlc3RfYm9keV9zaGEyNTYiOiJmZGQ5NjVjMGYyNDBiMGM2MzA3YjRiZTE5YzhmN2QzMWUxMzQ2MmE4"
    "NDU1MTM1OWJiNDY1MTE1ODVkNzExYjJiIn0."
    "xHEafK6qvt92kCiDw-o6CjRpmp2tK3rnfnGL4OLDBBD2uMXdkvMBBfclXorFxYuy-PkeV1FgCCNMcq2BGIbjLg"
)
VECTOR_BODY = b"""{
  "environment": "sandbox",
  "item_id": "dlttcMcxBmMTcuRuxLi2OQBPxz9lKJx8IG7k0",
  "webhook_code": "LOGIN_REPAIRED",
  "webhook_type": "ITEM"
}"""


def reason_of(token: str, body: bytes = BODY, *, signer: Signer, now: dt.datetime = NOON) -> Reason | None:
    try:
        key_id_of(token)
        verify(token, body, public_key(signer.jwk), now=now)
    except Forged as err:
        return err.reason
    return None


@pytest.fixture
def signer() -> Signer:
    return Signer()


def test_the_known_example_holds_until_five_minutes_have_passed() -> None:
    key = public_key(VECTOR_KEY)
    at = dt.datetime(2026, 5, 4, 12, 0, tzinfo=dt.UTC)
    assert key_id_of(VECTOR_TOKEN) == "56abfa96-f595-454b-b7b4-e9a203c1d8e3"
    assert verify(VECTOR_TOKEN, VECTOR_BODY, key, now=at + dt.timedelta(minutes=5)).signed_at == at
    for body, now in (
        (VECTOR_BODY + b"\n", at),
        (json.dumps(json.loads(VECTOR_BODY)).encode(), at),
        (VECTOR_BODY, at + dt.timedelta(minutes=5, seconds=1)),
    ):
        with pytest.raises(Forged):
            verify(VECTOR_TOKEN, body, key, now=now)


@pytest.mark.parametrize(
    ("seconds", "holds"), [(-61, False), (-60, True), (0, True), (300, True), (301, False)]
)
def test_a_signature_is_good_for_five_minutes_and_a_minute_ahead(
    signer: Signer, seconds: int, holds: bool
) -> None:
    now = NOON + dt.timedelta(seconds=seconds)
    assert reason_of(signer.sign(BODY), signer=signer, now=now) == (None if holds else Reason.TIME)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS256", "ES384", "es256", "", None, 7])
def test_only_es256_is_read_at_all(signer: Signer, algorithm: object) -> None:
    token = signer.sign(BODY, header={"alg": algorithm})
    assert reason_of(token, signer=signer) in {Reason.ALGORITHM, Reason.MALFORMED}


@pytest.mark.parametrize("key_id", [None, 5, "", "x" * 65, "../../etc", "a b", {"a": 1}])
def test_a_key_id_that_can_not_be_one_is_never_looked_up(signer: Signer, key_id: object) -> None:
    assert reason_of(signer.sign(BODY, header={"kid": key_id}), signer=signer) == Reason.MALFORMED


@pytest.mark.parametrize(
    "token", ["x", "a.b", "a.b.c", "....", "." * 2, "é.é.é", "e30.e30.e30", "x" * 5000, "W10.e30.x"]
)
def test_what_is_no_token_is_malformed(signer: Signer, token: str) -> None:
    assert reason_of(token, signer=signer) in {Reason.MALFORMED, Reason.ALGORITHM}


@pytest.mark.parametrize("iat", [None, "1777896000", True, float("nan"), 1e30, -1e30, [], {}])
def test_a_time_that_is_none_is_refused(signer: Signer, iat: object) -> None:
    assert reason_of(signer.sign(BODY, iat=iat), signer=signer) in {Reason.TIME, Reason.SIGNATURE}


@pytest.mark.parametrize("said", [None, "", "0" * 64, 5, "A" * 64, ["x"]])
def test_a_hash_of_another_body_is_refused(signer: Signer, said: object) -> None:
    assert reason_of(signer.sign(BODY, request_body_sha256=said), signer=signer) == Reason.BODY


def test_another_key_does_not_sign_for_this_one(signer: Signer) -> None:
    assert reason_of(Signer().sign(BODY), signer=signer) == Reason.SIGNATURE


def test_no_altered_token_or_body_ever_passes(signer: Signer) -> None:
    chance = random.Random(6)
    good = signer.sign(BODY)
    assert reason_of(good, signer=signer) is None
    for _ in range(10_000):
        token, body = good, bytearray(BODY)
        if chance.random() < 0.7:
            at = chance.randrange(len(token))
            token = token[:at] + chance.choice("ABCxyz019-_.") + token[at + 1 :]
        else:
            body[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
        same = body == BODY and bytes_of(token) == bytes_of(good)
        assert same or reason_of(token, bytes(body), signer=signer) is not None


def bytes_of(token: str) -> list[bytes]:
    """What a token's parts decode to: two texts may spell the same bytes."""
    try:
        return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]
    except ValueError:
        return []


@pytest.mark.parametrize(
    "jwk", [{}, {"kty": "RSA", "crv": "P-256"}, {"kty": "EC", "crv": "P-384"}, {"kty": "EC", "crv": "P-256"}]
)
def test_a_key_of_another_kind_is_no_key(jwk: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="key"):
        public_key(jwk)
