"""How a link session moves on in its journal, and how long the sweep waits before it looks."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from typing import Literal

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.db import Unit
    from mingus.plaid.linkstates import LinkState
    from mingus.plaid.models import LinkSession
    from mingus.sealed import SecretId
    from mingus.vault import TokenVault

FIRST_LOOK = dt.timedelta(minutes=3)
SETTLE_AFTER = dt.timedelta(seconds=30)
MOST_DOUBLINGS = 5

SecretColumn = Literal["link_secret_id", "public_secret_id", "access_secret_id"]


class LinkJournal:
    """Writes steps, always in the caller's unit."""

    def __init__(self, *, ambient: Ambient, vault: TokenVault) -> None:
        self._ambient = ambient
        self._vault = vault

    def step(self, session: LinkSession, state: LinkState, *, look_in: dt.timedelta | None) -> None:
        """Note where the session stands and when the sweep should look after it; None: never again."""
        now = self._ambient.now()
        session.state, session.changed_at = state.value, now
        session.next_look_at = now + look_in if look_in is not None else None

    def forget(self, unit: Unit, session: LinkSession, column: SecretColumn) -> None:
        """Let go of a sealed text and destroy it."""
        old: SecretId | None = getattr(session, column)
        setattr(session, column, None)
        unit.session.flush()  # the row must let go of the secret before it is deleted
        self._vault.destroy(unit, old)


def patience(session: LinkSession) -> dt.timedelta:
    """Twice as long after each look that changed nothing."""
    return FIRST_LOOK * (1 << min(session.looks, MOST_DOUBLINGS))
