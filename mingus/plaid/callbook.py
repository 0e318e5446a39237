"""The calls of one sync: tokens taken ahead, and records that are written together with what the calls brought."""

from __future__ import annotations

import math
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy import insert
from sqlalchemy import select

from mingus.plaid.failures import PlaidFailure
from mingus.plaid.models import PlaidCall
from mingus.plaid.models import PlaidConnection

if TYPE_CHECKING:
    import datetime as dt

AHEAD = 8  # a sync of many pages takes tokens for so many calls at once


# the connection's owner may have left while Plaid was asked: then the call was about none
KNOWN = select(PlaidConnection.id).where(PlaidConnection.id == bindparam("about_id")).scalar_subquery()
NEW_CALL = insert(PlaidCall.__table__).values(connection_id=KNOWN)  # type: ignore[arg-type]  # a table


@dataclass(slots=True, kw_only=True)
class CallBook:
    """Of one sync, for as long as it lasts."""

    bank_failures: int = 0  # of its bank in a row, as the sync began
    bank_rests_until: dt.datetime | None = None
    made: dict[str, int] = field(default_factory=dict)  # calls by endpoint
    tokens: dict[str, int] = field(default_factory=dict)  # in hand, by endpoint
    records: list[dict[str, Any]] = field(default_factory=list)  # not written yet

    @property
    def is_open(self) -> bool:
        """True while something is to be written or given back."""
        return bool(self.records or any(self.tokens.values()))

    def check_bank(self, now: dt.datetime) -> None:
        """Raise PlaidFailure BANK_RESTS while the bank is left alone."""
        left = (self.bank_rests_until - now).total_seconds() if self.bank_rests_until is not None else 0
        if left > 0:
            msg = "BANK_RESTS"
            raise PlaidFailure(msg, error_type="INSTITUTION_ERROR", retry_after_seconds=math.ceil(left))

    def spend(self, endpoint: str) -> bool:
        """Spend a token that is in hand; False when there is none."""
        left = self.tokens.get(endpoint, 0)
        self.tokens[endpoint] = max(0, left - 1)
        return left > 0

    def wanted(self, endpoint: str) -> int:
        """How many tokens to take now: what is asked for again and again is taken ahead."""
        self.made[endpoint] = self.made.get(endpoint, 0) + 1
        return AHEAD if self.made[endpoint] > 1 else 1
