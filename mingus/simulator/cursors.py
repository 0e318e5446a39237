"""The cursors of /transactions/sync: opaque, checked, good for a year."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta
from hashlib import blake2b

import msgspec

from mingus.simulator.errors import refuse

LIFE = timedelta(days=366)
SEAL_BYTES = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a reader stands.

    `position` is the next row, `origin` where the update began that the reader is in, `since` the head of the log
    when the last page was read; between updates all three are the same. `stream` tells items and accounts apart.
    """

    stream: str
    position: int
    origin: int
    since: int
    issued: int

    def text(self, seed: int) -> str:
        """The cursor as clients keep it."""
        payload = msgspec.json.encode((self.stream, self.position, self.origin, self.since, self.issued))
        return base64.b64encode(_seal(payload, seed) + payload).decode()


def stream_of(item_id: str, account_id: str | None) -> str:
    """The name of the stream of an item, or of one of its accounts."""
    return blake2b(f"{item_id}/{account_id or ''}".encode(), digest_size=8).hexdigest()


def beginning(stream: str, now: datetime, since: int) -> Cursor:
    """The cursor of a reader who knows nothing."""
    return Cursor(stream=stream, position=0, origin=0, since=since, issued=int(now.timestamp()))


def parse(text: str, *, stream: str, seed: int, now: datetime) -> Cursor:
    """The cursor that `text` was issued as; PlaidError INVALID_FIELD for any other text."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        refuse("INVALID_FIELD", "cursor is not valid")
    seal, payload = data[:SEAL_BYTES], data[SEAL_BYTES:]
    if not hmac.compare_digest(seal, _seal(payload, seed)):
        refuse("INVALID_FIELD", "cursor is not valid")
    of, position, origin, since, issued = msgspec.json.decode(payload)
    if of != stream:
        refuse("INVALID_FIELD", "cursor does not belong to this item or account")
    if now.timestamp() - issued > LIFE.total_seconds():
        refuse("INVALID_FIELD", "cursor is no longer valid; start from the beginning")
    return Cursor(stream=of, position=position, origin=origin, since=since, issued=issued)


def again(asked: str, given: str, seed: int) -> str:
    """Another cursor that begins where `asked` began, for a page that told nothing; `given` is the one it carried."""
    if not given:
        return given
    stream, _, _, since, issued = _payload(given)
    position, origin = 0, 0
    if asked:
        _, position, origin, since, issued = _payload(asked)
    return Cursor(stream=stream, position=position, origin=origin, since=since, issued=issued - 1).text(seed)


def _payload(text: str) -> tuple[str, int, int, int, int]:
    return msgspec.json.decode(base64.b64decode(text)[SEAL_BYTES:], type=tuple[str, int, int, int, int])


def _seal(payload: bytes, seed: int) -> bytes:
    return blake2b(payload, digest_size=SEAL_BYTES, key=b"cursor %d" % seed).digest()
