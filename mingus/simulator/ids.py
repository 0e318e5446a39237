"""Identifiers: random tokens, and ids of world data that the seed decides."""

from __future__ import annotations

import random
import secrets
import uuid
from hashlib import blake2b

from mingus.simulator.config import ENVIRONMENT

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 37
REQUEST_ID_LENGTH = 15


class Ids:
    """Makes ids; with a `seed` even the tokens repeat, which only tests want."""

    def __init__(self, seed: int | None = None) -> None:
        self._random: random.Random = secrets.SystemRandom() if seed is None else random.Random(seed)

    def token(self, kind: str) -> str:
        """`<kind>-sandbox-<uuid>`, as link, public and access tokens look."""
        return f"{kind}-{ENVIRONMENT}-{self.uuid()}"

    def uuid(self) -> str:
        """A random UUID in its usual text form."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def id(self) -> str:
        """37 case-sensitive characters."""
        return base62(self._random.getrandbits(216))

    def request_id(self) -> str:
        """15 characters, unique to an answer."""
        return base62(self._random.getrandbits(89), REQUEST_ID_LENGTH)


def world_id(*parts: object) -> str:
    """The id that these parts always lead to: 37 case-sensitive characters."""
    text = "\x1f".join(map(str, parts)).encode()
    return base62(int.from_bytes(blake2b(text, digest_size=27).digest()))


def base62(number: int, length: int = ID_LENGTH) -> str:
    """The number in `length` characters of 0-9A-Za-z, most significant first."""
    pairs = []
    for _ in range(-(-length // 10)):
        number, chunk = divmod(number, _TEN_CHARS)
        for _ in range(5):
            chunk, pair = divmod(chunk, 3844)
            pairs.append(_PAIRS[pair])
    pairs.reverse()
    return "".join(pairs)[-length:]


# Ten characters fit a machine word: dividing by them first keeps the big numbers few.
_TEN_CHARS = 62**10
_PAIRS = [a + b for a in ALPHABET for b in ALPHABET]
