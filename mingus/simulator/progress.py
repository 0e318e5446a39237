"""How far the first import of an item's transactions has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - msgspec reads the annotation at run time

NOT_READY = "NOT_READY"
INITIAL = "INITIAL_UPDATE_COMPLETE"
HISTORICAL = "HISTORICAL_UPDATE_COMPLETE"


@dataclass(slots=True, kw_only=True)
class Progress:
    """Kept per item; days are ordinals, `accounts` the keys of those that the computed history is about."""

    phase: str = NOT_READY
    first_day: int
    last_day: int
    accounts: list[str]
    initial_at: datetime
    historical_at: datetime
    # The last day that the bank was asked about, and when it will be asked again.
    checked_day: int
    next_check_at: datetime
