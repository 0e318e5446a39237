"""Time, ids and randomness: the only source of each, so that tests can hold them still."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import threading
from typing import Protocol
from zoneinfo import ZoneInfo

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
PAIRS = [first + second for first in ALPHABET for second in ALPHABET]  # ids are made by the million
TIME_CHARACTERS = 10
RANDOM_CHARACTERS = 16
RANDOM_BITS = RANDOM_CHARACTERS * 5


class Ambient(Protocol):
    """What services ask instead of the clock and the dice."""

    def now(self) -> dt.datetime: ...

    def today(self, zone: str) -> dt.date: ...

    def new_id(self, kind: str) -> str: ...

    def token(self) -> str: ...


class SystemAmbient:
    """The machine's clock and randomness; ids of one process rise strictly, so inserts stay in order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = (0, 0)
        self._stamp = ""  # the milliseconds of the last id, as it shows them

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def today(self, zone: str) -> dt.date:
        return self.now().astimezone(ZoneInfo(zone)).date()

    def new_id(self, kind: str) -> str:
        """`kind_` and 26 characters: milliseconds first, then 80 random bits."""
        milliseconds = int(self.now().timestamp() * 1000)
        with self._lock:
            last_milliseconds, last_tail = self._last
            # a step back of the clock must not give ids that sort before those already handed out
            if milliseconds <= last_milliseconds:
                milliseconds, tail = last_milliseconds, last_tail + 1 + int.from_bytes(os.urandom(5), "big")
            else:
                tail = secrets.randbits(RANDOM_BITS - 1)
                self._stamp = base32(milliseconds, TIME_CHARACTERS)
            self._last = (milliseconds, tail)
            stamp = self._stamp
        return f"{kind}_{stamp}{base32(tail, RANDOM_CHARACTERS)}"

    def token(self) -> str:
        """A fresh unguessable text of 256 bits, safe in URLs."""
        return secrets.token_urlsafe(32)


def base32(number: int, length: int) -> str:
    """`number` in a fixed and even count of characters that sort as the numbers do."""
    return "".join([PAIRS[(number >> shift) & 1023] for shift in range(5 * length - 10, -1, -10)])
