"""Faults on demand: which call gets which, chosen by endpoint, item, share and count of calls."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from mingus.simulator.errors import CATALOGUE

# What each kind does; documented in docs/simulator.md.
BEFORE = ("error", "reset_before")
CONTENT = (
    "unknown_fields",
    "unknown_enums",
    "missing_fields",
    "wrong_types",
    "odd_numbers",
    "odd_dates",
    "hostile_names",
    "has_more_forever",
    "unknown_removed",
    "unknown_modified",
    "repeated",
    "empty_page",
)
WIRE = (
    "delay",
    "drip",
    "reset_after",
    "truncated",
    "invalid_json",
    "html_502",
    "empty",
    "redirect",
    "huge",
)
KINDS = (*BEFORE, *CONTENT, *WIRE)


@dataclass(slots=True, kw_only=True)
class Fault:
    """One order to misbehave; `count` calls are left for it, None is without end."""

    kind: str
    endpoint: str = "*"
    item_id: str | None = None
    share: float = 1.0
    count: int | None = None
    skip: int = 0
    code: str = "INTERNAL_SERVER_ERROR"
    seconds: float = 60.0
    megabytes: int = 50
    location: str = "http://127.0.0.1:9/elsewhere"
    number: int = 0
    hits: int = field(default=0)

    def __post_init__(self) -> None:
        for valid, message in (
            (self.kind in KINDS, f"kind must be one of {', '.join(KINDS)}"),
            (self.code in CATALOGUE, "code must be one of Plaid's error codes"),
            (0 < self.share <= 1, "share must be above 0 and at most 1"),
            (self.count is None or self.count >= 1, "count must be at least 1"),
            (0 <= self.seconds <= 3600, "seconds must be between 0 and 3600"),
            (1 <= self.megabytes <= 200, "megabytes must be between 1 and 200"),
        ):
            if not valid:
                raise ValueError(message)


class Faults:
    """The orders in force, oldest first."""

    def __init__(self, seed: int) -> None:
        self._orders: list[Fault] = []
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._count = 0

    def add(self, **order: Any) -> Fault:
        """Misbehave like this from now on; ValueError or TypeError for an order that makes no sense."""
        fault = Fault(**order)
        with self._lock:
            self._count += 1
            fault.number = self._count
            self._orders.append(fault)
        return fault

    def all(self) -> list[Fault]:
        """The orders in force."""
        return list(self._orders)

    def remove(self, number: int) -> bool:
        """Take one order back; False when there is none of that number."""
        with self._lock:
            kept = [order for order in self._orders if order.number != number]
            found = len(kept) < len(self._orders)
            self._orders = kept
        return found

    def clear(self) -> None:
        """Take all orders back."""
        with self._lock:
            self._orders = []

    def pick(self, endpoint: str, item_id: str | None) -> list[Fault]:
        """The orders that this call falls under; each call uses up counts."""
        if not self._orders:
            return []
        with self._lock:
            hit = [order for order in self._orders if self._falls(order, endpoint, item_id)]
            self._orders = [order for order in self._orders if order.count != 0]
        return hit

    def _falls(self, order: Fault, endpoint: str, item_id: str | None) -> bool:
        if order.endpoint not in ("*", endpoint) or (order.item_id and order.item_id != item_id):
            return False
        if order.skip > 0:
            order.skip -= 1
            return False
        if self._chance.random() >= order.share:
            return False
        order.hits += 1
        if order.count is not None:
            order.count -= 1
        return True
