"""Time that stands still until a test moves it, and ids that count."""

from __future__ import annotations

import datetime as dt
import secrets
import threading
from zoneinfo import ZoneInfo

NOON = dt.datetime(2026, 5, 4, 12, 0, tzinfo=dt.UTC)


class FrozenAmbient:
    """The clock stands at noon of 4 May 2026."""

    def __init__(self) -> None:
        self.at = NOON
        self._count = 0
        self._lock = threading.Lock()

    def reset(self) -> None:
        self.at = NOON

    def advance(self, **duration: float) -> None:
        self.at += dt.timedelta(**duration)

    def now(self) -> dt.datetime:
        return self.at

    def today(self, zone: str) -> dt.date:
        return self.at.astimezone(ZoneInfo(zone)).date()

    def new_id(self, kind: str) -> str:
        with self._lock:
            self._count += 1
            return f"{kind}_{self._count:026d}"

    def token(self) -> str:
        return secrets.token_urlsafe(32)
