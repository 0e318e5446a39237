"""Where transactions stand in a computed history, and the ids that say so."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from mingus.simulator.ids import ALPHABET

# An id is a digest of so many characters, then the masked place in two characters a byte.
TAG_CHARS = 25
PLACE_BYTES = 6
_AS_CHARS = (ALPHABET * 5)[:256].encode()
_DIGITS = b"aQ3xK7mZpL9RdV2w"
_FROM_HEX = bytes.maketrans(b"0123456789abcdef", _DIGITS)
# Characters that are no digit of the tail become one that is no hexadecimal digit.
_TO_HEX = bytes(b"0123456789abcdef"[_DIGITS.index(n)] if n in _DIGITS else ord("x") for n in range(256))


class Place(NamedTuple):
    """Where a transaction stands: the day on which it posts, and its number in that day."""

    day: int
    n: int


class TransactionIds:
    """Ids of one item's transactions, readable back into the place that they stand for.

    A keyed digest of the place, then the place itself under a mask that the digest decides: every page makes
    hundreds of them, so all of it is done by bytes operations.
    """

    def __init__(self, item_key: str) -> None:
        self._key = blake2b(item_key.encode(), digest_size=32).digest()

    def of(self, place: Place, *, pending: bool = False) -> str:
        """The id: 37 characters, another one while the transaction is pending."""
        payload = (place[0] << 24 | place[1] << 1 | pending).to_bytes(PLACE_BYTES)
        tag = blake2b(payload, digest_size=TAG_CHARS, key=self._key).digest().translate(_AS_CHARS)
        masked = int.from_bytes(payload) ^ _mask(tag)
        return (tag + masked.to_bytes(PLACE_BYTES).hex().encode().translate(_FROM_HEX)).decode()

    def place(self, transaction_id: str) -> tuple[Place, bool] | None:
        """The place and whether it is the pending one's id; None for ids of other items."""
        text = transaction_id.encode(errors="replace")
        tag, tail = text[:TAG_CHARS], text[TAG_CHARS:].translate(_TO_HEX)
        try:
            payload = int(tail, 16) ^ _mask(tag)
        except ValueError:
            return None
        place, pending = Place(payload >> 24, payload >> 1 & 0x7FFFFF), bool(payload & 1)
        # A foreign id leads to some place too; only the own one leads back.
        known = place.day < 1 << 20 and self.of(place, pending=pending) == transaction_id
        return (place, pending) if known else None


def _mask(tag: bytes) -> int:
    return int.from_bytes(blake2b(tag, digest_size=PLACE_BYTES, person=b"mask").digest())
