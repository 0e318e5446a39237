"""The keys that sign webhooks: ES256, rotated and expired at will, and signed wrongly on demand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from datetime import UTC
from datetime import datetime
from datetime import timedelta
from typing import TYPE_CHECKING
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from mingus.simulator.errors import refuse

if TYPE_CHECKING:
    from mingus.simulator.clock import Clock
    from mingus.simulator.store import Doc
    from mingus.simulator.store import Store

# Plaid's own SDK tests ask for this key by its id, so there is one.
KNOWN_KID = "6c5516e1-92dc-479e-a8ff-5a51992e0001"
SIGNATURES = (
    "good",
    "missing",
    "alg_none",
    "hs256",
    "wrong_body",
    "old",
    "future",
    "unknown_key",
    "foreign_key",
)


class Keys:
    """Signing keys by id; one of them signs, the others stay readable until they are forgotten."""

    def __init__(self, store: Store, clock: Clock, *, signing_time: str) -> None:
        self._store = store
        self._clock = clock
        self._signing_time = signing_time
        if store.get("key", KNOWN_KID) is None:
            self._make(KNOWN_KID)
        if store.get("signing", "key") is None:
            self.rotate()

    def now(self) -> datetime:
        """The time that signatures carry: that of their receivers unless configured otherwise."""
        return self._clock.now() if self._signing_time == "virtual" else datetime.now(UTC)

    @property
    def current(self) -> str:
        """The id of the key that signs."""
        doc = self._store.get("signing", "key")
        return str(doc["kid"]) if doc else KNOWN_KID

    def rotate(self) -> str:
        """Sign with a new key from now on; the former stays valid until it is expired. Gives the new id."""
        kid = str(uuid.uuid4())
        with self._store.lock:
            self._make(kid)
            self._store.put("signing", "key", {"kid": kid})
        return kid

    def expire(self, kid: str) -> None:
        """Say from now on that the key has expired, even if it still signs."""
        doc = self._doc(kid)
        self._store.put("key", kid, {**doc, "expired_at": int(self.now().timestamp()) - 1})

    def jwk(self, kid: str) -> dict[str, Any]:
        """The public key as /webhook_verification_key/get shows it."""
        doc = self._doc(kid)
        numbers = _private(doc).public_key().public_numbers()
        return {
            "alg": "ES256",
            "created_at": doc["created_at"],
            "crv": "P-256",
            "expired_at": doc["expired_at"],
            "kid": kid,
            "kty": "EC",
            "use": "sig",
            "x": _b64(numbers.x.to_bytes(32)),
            "y": _b64(numbers.y.to_bytes(32)),
        }

    def all(self) -> list[dict[str, Any]]:
        """Every key with its dates, for people who watch."""
        return [
            {
                "kid": kid,
                "created_at": doc["created_at"],
                "expired_at": doc["expired_at"],
                "signs": kid == self.current,
            }
            for kid, doc in self._store.all("key")
        ]

    def sign(self, body: bytes, signature: str = "good") -> str | None:
        """The Plaid-Verification header for the body; None when it is to be missing."""
        if signature == "missing":
            return None
        kid = self.current
        shift = {"old": timedelta(minutes=-6), "future": timedelta(minutes=10)}.get(signature, timedelta())
        signed = body + b" " if signature == "wrong_body" else body
        claims = {
            "iat": int((self.now() + shift).timestamp()),
            "request_body_sha256": hashlib.sha256(signed).hexdigest(),
        }
        if signature == "unknown_key":
            kid = str(uuid.uuid4())
        alg = {"alg_none": "none", "hs256": "HS256"}.get(signature, "ES256")
        head = f"{_part({'alg': alg, 'kid': kid, 'typ': 'JWT'})}.{_part(claims)}"
        return f"{head}.{_b64(self._seal(head.encode(), signature))}"

    def _seal(self, text: bytes, signature: str) -> bytes:
        if signature == "alg_none":
            return b""
        if signature == "hs256":
            # The classic confusion: a public value used as the secret of a symmetric signature.
            return hmac.digest(self.jwk(self.current)["x"].encode(), text, "sha256")
        own = _private(self._doc(self.current))
        key = ec.generate_private_key(ec.SECP256R1()) if signature in ("unknown_key", "foreign_key") else own
        r, s = decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    def _make(self, kid: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        created_at = int(self.now().timestamp())
        self._store.put("key", kid, {"pem": pem.decode(), "created_at": created_at, "expired_at": None})

    def _doc(self, kid: str) -> Doc:
        doc = self._store.get("key", kid)
        if doc is None:
            refuse("INVALID_WEBHOOK_VERIFICATION_KEY_ID")
        return doc


def _private(doc: Doc) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(doc["pem"].encode(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        message = "a signing key in the state file is of another kind"
        raise TypeError(message)
    return key


def _part(doc: dict[str, Any]) -> str:
    return _b64(msgspec.json.encode(doc))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
