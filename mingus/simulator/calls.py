"""The recent calls of Plaid's API, for people who watch."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

KEPT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call and how it ended; never its tokens or data."""

    number: int
    at: datetime
    request_id: str
    endpoint: str
    status: int
    milliseconds: float
    item_id: str | None = None
    error_code: str | None = None
    fault: str | None = None


class CallLog:
    """The last calls, oldest first; gone at a restart."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._count = 0

    def next_number(self) -> int:
        """The number of the next call; numbers rise without end."""
        self._count += 1
        return self._count

    def add(self, call: Call) -> None:
        """Keep a finished call."""
        self._calls.append(call)

    def recent(self, *, after: int = 0, limit: int = 100) -> list[Call]:
        """At most `limit` newest calls with a number above `after`, oldest first."""
        return [call for call in list(self._calls) if call.number > after][-limit:]

    def clear(self) -> None:
        """Forget all calls."""
        self._calls.clear()
