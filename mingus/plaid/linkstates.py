"""The steps of a link session, and what the browser says of the accounts it showed."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mingus.errors import MingusError
from mingus.plaid.wire import clean

MOST_ACCOUNTS = 50


class LinkState(StrEnum):
    """How far a session came."""

    ISSUED = "issued"  # Link may be open
    RECEIVED = "received"  # the public token is here
    EXCHANGING = "exchanging"  # somebody asks Plaid
    EXCHANGED = "exchanged"  # the access token is safe
    CONNECTED = "connected"  # done; for update mode too
    EXITED = "exited"  # the person left
    EXPIRED = "expired"
    FAILED = "failed"  # Plaid refused the public token
    LOST = "lost"  # exchanged perhaps, but the answer never came: an item may live on at Plaid


class Stuck(MingusError):
    """A connection could not be finished; the people who run this MINGUS can see why."""

    code = "link_stuck"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAccount:
    """An account as Link showed it: for the duplicate guard only, since it comes from the browser."""

    name: str
    mask: str | None
    subtype: str | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def shown_accounts(metadata: dict[str, Any]) -> tuple[str | None, str | None, list[ShownAccount]]:
    """Institution id, its name and the accounts of Link's metadata; whatever is odd is left out."""
    institution = metadata.get("institution")
    institution = institution if isinstance(institution, dict) else {}
    accounts = metadata.get("accounts")
    accounts = accounts if isinstance(accounts, list) else []
    return (
        _text(institution.get("institution_id"), 64),
        _text(institution.get("name"), 200),
        [
            ShownAccount(
                name=_text(account.get("name"), 200) or "",
                mask=_text(account.get("mask"), 16),
                subtype=_text(account.get("subtype"), 80),
            )
            for account in accounts[:MOST_ACCOUNTS]
            if isinstance(account, dict)
        ],
    )


def _text(value: object, length: int) -> str | None:
    return clean(value, length) or None if isinstance(value, str) else None
