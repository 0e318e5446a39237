"""Signs webhooks as Plaid does, or as somebody who would like to be Plaid."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import TYPE_CHECKING
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from mingus.db import unit_of_work
from mingus.webhooks.models import WebhookKey
from tests.support.ambient import NOON

if TYPE_CHECKING:
    import datetime as dt

    from werkzeug.test import TestResponse

    from tests.support.browser import Browser

URL = "/api/plaid/webhook"


class Signer:
    """A P-256 key with an id of its own."""

    def __init__(self) -> None:
        self.kid = secrets.token_hex(16)
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self) -> dict[str, str]:
        numbers = self._key.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": _b64(numbers.x.to_bytes(32)),
            "y": _b64(numbers.y.to_bytes(32)),
        }

    def make_known(self, *, at: dt.datetime = NOON, expired_at: dt.datetime | None = None) -> Signer:
        """Put the key where keys of Plaid's are kept."""
        with unit_of_work() as unit:
            unit.session.add(WebhookKey(kid=self.kid, jwk=self.jwk, fetched_at=at, expired_at=expired_at))
        return self

    def sign(
        self, body: bytes, *, at: dt.datetime = NOON, header: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        words = {"alg": "ES256", "kid": self.kid, "typ": "JWT", **(header or {})}
        said = {"iat": int(at.timestamp()), "request_body_sha256": hashlib.sha256(body).hexdigest(), **claims}
        text = f"{_part(words)}.{_part(said)}"
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_b64(r.to_bytes(32) + s.to_bytes(32))}"


def hook(kind: str, code: str, item_id: str | None, **more: Any) -> bytes:
    """A webhook's body as Plaid writes it."""
    subject = {"item_id": item_id} if item_id is not None else {}
    words = {"webhook_type": kind, "webhook_code": code, **subject, "environment": "sandbox", **more}
    return json.dumps(words, indent=2).encode()


def deliver(browser: Browser, body: bytes, token: str | None) -> TestResponse:
    """Deliver as Plaid does."""
    headers = {"Content-Type": "application/json", "User-Agent": "Plaid"}
    if token is not None:
        headers["Plaid-Verification"] = token
    return browser.post(URL, data=body, headers=headers)


def _part(words: dict[str, Any]) -> str:
    return _b64(json.dumps(words).encode())


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
