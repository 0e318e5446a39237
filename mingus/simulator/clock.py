"""The simulator's own time: real, frozen, moved by hand, or running at another pace."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC
from datetime import date
from datetime import datetime
from datetime import timedelta
from typing import TYPE_CHECKING

from mingus.simulator.config import ConfigRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mingus.simulator.store import Store

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """At wall second `wall` the clock showed `shown`, and has run at `rate` ever since (0: it stands)."""

    wall: float
    shown: datetime
    rate: float


class Clock:
    """Aware UTC instants; every change is persisted and told to `on_change`."""

    def __init__(self, store: Store, mode: str = "real") -> None:
        self._store = store
        self._lock = threading.Lock()
        self.on_change: Callable[[], None] = lambda: None
        saved = store.get("clock", "clock")
        self._anchor = _restored(saved) if saved else _started(mode)

    def now(self) -> datetime:
        """The present, for everything that the simulated banks do."""
        anchor = self._anchor
        if anchor.rate == 0:
            return anchor.shown
        return anchor.shown + timedelta(seconds=(time.time() - anchor.wall) * anchor.rate)

    def today(self) -> date:
        """The present day in UTC, the only zone that the simulated banks keep."""
        return self.now().date()

    @property
    def rate(self) -> float:
        """Simulated seconds per wall second; 0 while the clock stands."""
        return self._anchor.rate

    def set(self, instant: datetime) -> None:
        """Show `instant` from now on; clamped to the years that the world can show."""
        self._replace(shown=min(max(instant, EARLIEST), LATEST), rate=self._anchor.rate)

    def run(self, rate: float) -> None:
        """Run at `rate` from the present on; 0 freezes."""
        self._replace(shown=self.now(), rate=rate)

    def _replace(self, *, shown: datetime, rate: float) -> None:
        with self._lock:
            self._anchor = Anchor(wall=time.time(), shown=shown, rate=rate)
            self._store.put("clock", "clock", _saved(self._anchor))
        self.on_change()


def iso(instant: datetime) -> str:
    """The instant as Plaid writes it: UTC, seconds, Z."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str) -> datetime:
    """An ISO date or date-time; without a zone it is UTC. Raises ValueError."""
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _started(mode: str) -> Anchor:
    if mode == "real":
        return Anchor(wall=time.time(), shown=datetime.now(UTC), rate=1.0)
    kind, _, instant = mode.partition(":")
    try:
        shown = parse_instant(instant)
    except ValueError:
        kind = ""
    if kind != "frozen":
        message = f"--clock must be 'real' or 'frozen:2026-05-04T12:00:00Z', not {mode!r}"
        raise ConfigRefused(message)
    return Anchor(wall=time.time(), shown=shown, rate=0.0)


def _saved(anchor: Anchor) -> dict[str, Any]:
    return {"wall": anchor.wall, "shown": anchor.shown.isoformat(), "rate": anchor.rate}


def _restored(doc: dict[str, Any]) -> Anchor:
    return Anchor(wall=doc["wall"], shown=datetime.fromisoformat(doc["shown"]), rate=doc["rate"])
