"""How long to wait before what failed is tried again: longer each time, and not for all at the same moment."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

MOST_DOUBLINGS = 16
SPREAD_SHARE = 0.2  # so much sooner at most: what failed together does not come back together


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Twice as long each time, up to a limit."""

    first: dt.timedelta
    longest: dt.timedelta

    def after(self, tries: int, *, of: str) -> dt.timedelta:
        """The wait after so many failed tries of the thing of this id."""
        doublings = min(max(tries - 1, 0), MOST_DOUBLINGS)
        whole = min(self.first * (1 << doublings), self.longest)
        return whole - share_of(f"{of} {tries}", whole * SPREAD_SHARE)


def share_of(text: str, span: dt.timedelta) -> dt.timedelta:
    """A share of `span` that differs from text to text and is the same in every process."""
    return span * (zlib.crc32(text.encode()) / 2**32)
