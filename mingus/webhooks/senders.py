"""Who keeps sending what is not Plaid's is held back: refused with a time, before a byte of the body is read.

Addresses are shared, as behind a proxy that nobody told us to trust: so what names a key that Plaid gave us is still
looked at, and a webhook that verifies is never held back, whoever sends beside it. All processes share the count.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mingus.errors import TooManyTries
from mingus.limits import Limit
from mingus.webhooks.verify import Forged
from mingus.webhooks.verify import key_id_of

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.limits import Limiter
    from mingus.webhooks.keys import WebhookKeys

FAILURES = Limit(count=60, seconds=60)
REMEMBERED = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Until when a network is held back, and the keys that were Plaid's when that began."""

    until: dt.datetime
    key_ids: frozenset[str]


class Senders:
    """Counts what fails by network."""

    def __init__(self, *, ambient: Ambient, keys: WebhookKeys, limiter: Limiter) -> None:
        self._ambient = ambient
        self._keys = keys
        self._limiter = limiter
        self._holds: dict[str, Hold] = {}

    def admit(self, network: str, token: str | None) -> None:
        """Raises TooManyTries for a network that is held back, unless the token names a key of Plaid's."""
        hold = self._holds.get(network)
        if hold is None:
            return
        left = (hold.until - self._ambient.now()).total_seconds()
        if not 0 < left <= FAILURES.seconds:  # over, or the clock was set back
            self._holds.pop(network, None)
        elif not _names_one_of(hold.key_ids, token):
            raise TooManyTries(retry_after_seconds=math.ceil(left))

    def blame(self, network: str) -> None:
        """Count a delivery that failed; raises TooManyTries for one too many."""
        try:
            self._limiter.spend("webhook-sender", network, FAILURES)
        except TooManyTries as err:
            self._hold(network, err.retry_after_seconds or FAILURES.seconds)
            raise

    def forget_held(self) -> None:
        """Empty this process's memory; the count goes on."""
        self._holds.clear()

    def _hold(self, network: str, seconds: int) -> None:
        if len(self._holds) >= REMEMBERED:
            self._holds.clear()
        until = self._ambient.now() + dt.timedelta(seconds=seconds)
        self._holds[network] = Hold(until=until, key_ids=self._keys.known_ids())


def _names_one_of(key_ids: frozenset[str], token: str | None) -> bool:
    try:
        return key_id_of(token) in key_ids
    except Forged:
        return False
