"""Is this body from Plaid, whole and fresh? Pure: the key and the time are given."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import jwt

ALGORITHM = "ES256"
TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{86}", re.ASCII)  # the last part is 64 bytes
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
HASH = re.compile(r"[0-9a-f]{64}")
LONGEST_TOKEN = 2000
OLDEST = dt.timedelta(minutes=5)
MOST_AHEAD = dt.timedelta(minutes=1)


class Reason(StrEnum):
    """Why a webhook is turned away; for counts and logs, never for the sender."""

    MISSING = "missing"
    MALFORMED = "malformed"
    ALGORITHM = "algorithm"
    UNKNOWN_KEY = "unknown_key"
    EXPIRED_KEY = "expired_key"
    SIGNATURE = "signature"
    TIME = "time"
    BODY = "body"
    ENVIRONMENT = "environment"
    TOO_MANY = "too_many"  # from a sender that is held back: not looked at


class Forged(Exception):
    """Not a webhook of Plaid's, or not one for us."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature that holds."""

    signed_at: dt.datetime
    body_hash: str


def key_id_of(token: str | None) -> str:
    """The key that the token names; everything about it is still untrusted. Raises Forged."""
    if not token:
        raise Forged(Reason.MISSING)
    if len(token) > LONGEST_TOKEN or token.count(".") != 2:
        raise Forged(Reason.MALFORMED)
    return _key_id_in(token[: token.index(".")])


@lru_cache(maxsize=64)  # Plaid's webhooks all begin alike for as long as a key lives
def _key_id_in(head: str) -> str:
    try:
        header = jwt.get_unverified_header(f"{head}..")
    except (jwt.InvalidTokenError, binascii.Error, ValueError) as err:
        raise Forged(Reason.MALFORMED) from err
    if header.get("alg") != ALGORITHM:
        raise Forged(Reason.ALGORITHM)
    key_id = header.get("kid")
    if not isinstance(key_id, str) or not KEY_ID.fullmatch(key_id):
        raise Forged(Reason.MALFORMED)
    return key_id


def verify(token: str, body: bytes, key: jwt.PyJWK, *, now: dt.datetime) -> Signed:
    """Signature, age and body, in Plaid's order; raises Forged."""
    claims = _claims(token, key)
    signed_at = _instant(claims.get("iat"))
    if not -MOST_AHEAD <= now - signed_at <= OLDEST:
        raise Forged(Reason.TIME)
    claimed = claims.get("request_body_sha256")
    actual = hashlib.sha256(body).hexdigest()
    if (
        not isinstance(claimed, str)
        or not HASH.fullmatch(claimed)
        or not hmac.compare_digest(claimed, actual)
    ):
        raise Forged(Reason.BODY)
    return Signed(signed_at=signed_at, body_hash=actual)


def _claims(token: str, key: jwt.PyJWK) -> dict[str, Any]:
    """What the token says, once its signature holds; its head was judged by `key_id_of`."""
    if not TOKEN.fullmatch(token):
        raise Forged(Reason.SIGNATURE)
    signed, _, signature = token.rpartition(".")
    try:
        if not key.Algorithm.verify(signed.encode(), key.key, _decoded(signature)):
            raise Forged(Reason.SIGNATURE)
        claims = json.loads(_decoded(signed.partition(".")[2]))
    except ValueError as err:
        raise Forged(Reason.SIGNATURE) from err
    if not isinstance(claims, dict):
        raise Forged(Reason.SIGNATURE)
    return claims


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def public_key(jwk: dict[str, Any]) -> jwt.PyJWK:
    """Plaid's key in the form that verifies; raises ValueError for anything but a P-256 public key."""
    if (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
        message = "not a P-256 key"
        raise ValueError(message)
    point = {name: jwk.get(name) for name in ("kty", "crv", "x", "y")}
    try:
        return jwt.PyJWK.from_dict(point, algorithm=ALGORITHM)
    except (jwt.PyJWTError, TypeError) as err:
        message = "not a public key"
        raise ValueError(message) from err


def _instant(iat: object) -> dt.datetime:
    if isinstance(iat, bool) or not isinstance(iat, int | float):
        raise Forged(Reason.TIME)
    try:
        return dt.datetime.fromtimestamp(iat, dt.UTC)
    except (ValueError, OverflowError, OSError) as err:
        raise Forged(Reason.TIME) from err
