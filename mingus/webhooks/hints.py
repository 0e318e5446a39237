"""What a webhook says, read with care: only texts are taken, and everything may be missing."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from mingus.plaid.wire import clean

TOKEN = re.compile(rb"\b(public|link|access|processor)-(?:sandbox|development|production)-[0-9A-Za-z_-]+")
TYPE_LENGTH = 64
CODE_LENGTH = 80
ITEM_LENGTH = 128


class UnreadableHint(Exception):
    """The body is not a JSON object with a type and a code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Where to look, and for some codes a date."""

    webhook_type: str
    webhook_code: str
    environment: str | None
    plaid_item_id: str | None
    link_token_hash: str | None
    disconnect_at: dt.datetime | None


def read_hint(body: bytes) -> Hint:
    """The hint in a body; raises UnreadableHint."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise UnreadableHint from err
    if not isinstance(found, dict):
        raise UnreadableHint
    kind, code = _text(found, "webhook_type", TYPE_LENGTH), _text(found, "webhook_code", CODE_LENGTH)
    if not kind or not code:
        raise UnreadableHint
    link_token = found.get("link_token")
    return Hint(
        webhook_type=kind,
        webhook_code=code,
        environment=_text(found, "environment", TYPE_LENGTH),
        plaid_item_id=_text(found, "item_id", ITEM_LENGTH),
        link_token_hash=hashlib.sha256(link_token.encode("utf-8", "replace")).hexdigest()
        if isinstance(link_token, str)
        else None,
        disconnect_at=_instant(found.get("disconnect_time") or found.get("consent_expiration_time")),
    )


def without_tokens(body: bytes) -> bytes:
    """The body as it may be kept: Link's and Plaid's tokens blanked, all else to the byte."""
    return TOKEN.sub(rb"\1-<blanked>", body)


def _text(found: dict[str, Any], name: str, length: int) -> str | None:
    value = found.get(name)
    return clean(value, length) or None if isinstance(value, str) else None


def _instant(value: object) -> dt.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
