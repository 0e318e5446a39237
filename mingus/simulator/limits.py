"""Plaid's published sandbox rate limits, counted over a rolling minute of wall time."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections import deque
from typing import NamedTuple

from mingus.simulator.errors import refuse

WINDOW_SECONDS = 60.0


class Limit(NamedTuple):
    """Calls per minute for one item and for the client; None: no figure is published."""

    item: int | None
    client: int
    item_code: str = "RATE_LIMIT"
    client_code: str | None = None


LIMITS = {
    "/accounts/get": Limit(100, 5000, "ACCOUNTS_LIMIT"),
    "/accounts/balance/get": Limit(25, 100, "BALANCE_LIMIT", "ACCOUNTS_BALANCE_GET_LIMIT"),
    "/auth/get": Limit(100, 500, "AUTH_LIMIT"),
    "/identity/get": Limit(100, 1000, "IDENTITY_LIMIT"),
    "/institutions/get": Limit(None, 10, "INSTITUTIONS_GET_LIMIT"),
    "/institutions/get_by_id": Limit(None, 400, "INSTITUTIONS_GET_BY_ID_LIMIT"),
    "/investments/holdings/get": Limit(100, 1000, "INVESTMENT_HOLDINGS_GET_LIMIT"),
    "/investments/transactions/get": Limit(100, 1000, "INVESTMENT_TRANSACTIONS_LIMIT"),
    "/investments/refresh": Limit(1, 100),
    "/item/get": Limit(40, 5000, "ITEM_GET_LIMIT"),
    "/item/remove": Limit(100, 500),
    "/liabilities/get": Limit(10, 1000),
    "/transactions/get": Limit(80, 1000, "TRANSACTIONS_LIMIT"),
    "/transactions/sync": Limit(50, 1000, "TRANSACTIONS_SYNC_LIMIT"),
    "/transactions/refresh": Limit(2, 100, "TRANSACTIONS_REFRESH_LIMIT"),
    "/transactions/recurring/get": Limit(20, 1000),
    "/sandbox/transactions/create": Limit(2, 50),
}


class Limits:
    """Counts calls and refuses those beyond the table; refused calls count too."""

    def __init__(self, *, enabled: bool) -> None:
        self.enabled = enabled
        self._calls: dict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def spend(self, endpoint: str, item_id: str | None) -> None:
        """Count one call; PlaidError of family RATE_LIMIT_EXCEEDED when it is one too many."""
        limit = LIMITS.get(endpoint) if self.enabled else None
        if limit is None:
            return
        if item_id and limit.item is not None and self._count(f"{endpoint} {item_id}") > limit.item:
            refuse(limit.item_code)
        if self._count(endpoint) > limit.client:
            refuse(limit.client_code or limit.item_code)

    def clear(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._calls.clear()

    def _count(self, key: str) -> int:
        now = time.monotonic()
        with self._lock:
            calls = self._calls[key]
            while calls and calls[0] <= now - WINDOW_SECONDS:
                calls.popleft()
            calls.append(now)
            return len(calls)
