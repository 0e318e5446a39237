"""Custom users: a bank login described by JSON typed as the password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

MAX_BYTES = 60_000
MAX_ACCOUNTS = 10


class CustomUserRefused(Exception):
    """The text is not a custom user; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomUser:
    """What the JSON said; parts that it left out are made up from its seed."""

    text: str
    seed: str
    accounts: tuple[dict[str, Any], ...]
    mfa: dict[str, Any]
    recaptcha: str | None
    force_error: str | None


def parse(text: str) -> CustomUser:
    """Read a custom user leniently, as the published samples need; raises CustomUserRefused."""
    if len(text.encode(errors="replace")) > MAX_BYTES:
        _refuse(f"a custom user has at most {MAX_BYTES} bytes")
    try:
        doc = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        _refuse("a custom user must be JSON")
    if not isinstance(doc, dict):
        _refuse("a custom user must be a JSON object")
    return CustomUser(
        text=text,
        seed=str(doc.get("seed") or ""),
        accounts=_accounts(doc.get("override_accounts")),
        mfa=doc["mfa"] if isinstance(doc.get("mfa"), dict) else {},
        recaptcha=doc.get("recaptcha"),
        force_error=doc.get("force_error"),
    )


def _accounts(value: Any) -> tuple[dict[str, Any], ...]:
    rows = value or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        _refuse("override_accounts must be a list of objects")
    if len(rows) > MAX_ACCOUNTS:
        _refuse(f"a custom user has at most {MAX_ACCOUNTS} accounts")
    return tuple(rows)


def _refuse(why: str) -> Any:
    raise CustomUserRefused(why)
