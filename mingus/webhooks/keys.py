"""Plaid's webhook keys: kept in the database for all processes, and for a minute in this one.

A flood of made-up key ids costs at most thirty look-ups a minute, whatever the number of processes; while Plaid is
down, keys read before go on working for a week.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.errors import TooManyTries
from mingus.errors import Unavailable
from mingus.limits import Limit
from mingus.plaid.failures import PlaidFailure
from mingus.webhooks.models import WebhookKey
from mingus.webhooks.verify import Forged
from mingus.webhooks.verify import Reason
from mingus.webhooks.verify import public_key

if TYPE_CHECKING:
    import jwt

    from mingus.ambient import Ambient
    from mingus.limits import Limiter
    from mingus.plaid.gateway import PlaidGateway
    from mingus.plaid.wire import WireKey

log = logging.getLogger(__name__)

LOOK_UPS = Limit(count=30, seconds=60)
HELD_FOR = dt.timedelta(minutes=1)
GOOD_FOR = dt.timedelta(days=7)
READ_ANEW_AFTER = dt.timedelta(hours=6)
REMEMBERED_STRANGERS = 2000
LONGEST_WAIT_SECONDS = 0.5
RETRY_SECONDS = 30
UNKNOWN_CODE = "INVALID_WEBHOOK_VERIFICATION_KEY_ID"


class KeyUnreachable(Unavailable):
    """The key can't be had at present."""

    def __init__(self) -> None:
        super().__init__(retry_after_seconds=RETRY_SECONDS)


class NoLookUpLeft(KeyUnreachable):  # told in the same words
    __doc__ = KeyUnreachable.__doc__


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldKey:
    """A key in this process's memory."""

    key: jwt.PyJWK
    expired_at: dt.datetime | None
    held_until: dt.datetime


class WebhookKeys:
    """Finds keys by id."""

    def __init__(self, *, ambient: Ambient, gateway: PlaidGateway, limiter: Limiter) -> None:
        self._ambient = ambient
        self._gateway = gateway
        self._limiter = limiter
        self._held: dict[str, HeldKey] = {}
        self._strangers: dict[str, dt.datetime] = {}
        self._asking = threading.Lock()

    def find(self, key_id: str) -> jwt.PyJWK:
        """The key that verifies; raises Forged for an unknown or expired one, KeyUnreachable when nobody can say."""
        now = self._ambient.now()
        held = self._held.get(key_id)
        if held is None or held.held_until <= now:
            held = self._stored(key_id, now) or self._asked(key_id, now)
        if held.expired_at is not None and held.expired_at <= now:
            raise Forged(Reason.EXPIRED_KEY)
        return held.key

    def known_ids(self) -> frozenset[str]:
        """The ids of the keys that Plaid gave us."""
        return frozenset(db.session.scalars(select(WebhookKey.kid)))

    def read_anew(self) -> None:
        """Ask again about the keys in use, to learn which have expired; a failure leaves them as they are."""
        before = self._ambient.now() - READ_ANEW_AFTER
        old = list(
            db.session.scalars(
                select(WebhookKey.kid).where(WebhookKey.fetched_at < before, WebhookKey.expired_at.is_(None))
            )
        )
        db.session.rollback()  # nothing stays open while Plaid is asked
        for key_id in old:
            try:
                self._keep(key_id, self._gateway.webhook_key(key_id))
            except (PlaidFailure, ValueError):
                log.warning("webhook key not read anew", extra={"key_id": key_id})

    def forget_held(self) -> None:
        """Empty this process's memory; the database still knows."""
        self._held.clear()
        self._strangers.clear()

    def _stored(self, key_id: str, now: dt.datetime) -> HeldKey | None:
        row = db.session.get(WebhookKey, key_id, populate_existing=True)
        if row is None or now - row.fetched_at > GOOD_FOR:
            return None
        return self._hold(key_id, public_key(row.jwk), row.expired_at)

    def _asked(self, key_id: str, now: dt.datetime) -> HeldKey:
        if self._strangers.get(key_id, now) > now:
            raise Forged(Reason.UNKNOWN_KEY)
        db.session.rollback()  # nothing stays open while Plaid is asked
        # one at a time: a slow key endpoint must not hold every thread of the web process
        if not self._asking.acquire(timeout=LONGEST_WAIT_SECONDS):
            raise KeyUnreachable
        try:
            found = self._held.get(key_id)
            if found is not None and found.held_until > now:
                return found  # somebody asked while we waited
            self._limiter.spend("webhook-key", "look-ups", LOOK_UPS)
            return self._keep(key_id, self._gateway.webhook_key(key_id))
        except TooManyTries as err:
            raise NoLookUpLeft from err
        except PlaidFailure as failure:
            if failure.error_code != UNKNOWN_CODE:
                raise KeyUnreachable from failure
            self._remember_stranger(key_id, now)
            raise Forged(Reason.UNKNOWN_KEY) from failure
        except ValueError as err:  # an answer, but no key
            raise KeyUnreachable from err
        finally:
            self._asking.release()

    def _keep(self, key_id: str, found: WireKey) -> HeldKey:
        key = public_key(found.as_jwk())
        expired_at = dt.datetime.fromtimestamp(found.expired_at, dt.UTC) if found.expired_at else None
        row = {
            "kid": key_id,
            "jwk": found.as_jwk(),
            "expired_at": expired_at,
            "fetched_at": self._ambient.now(),
        }
        with unit_of_work() as unit:
            upsert(unit.session, WebhookKey, [row], key=["kid"])
        return self._hold(key_id, key, expired_at)

    def _hold(self, key_id: str, key: jwt.PyJWK, expired_at: dt.datetime | None) -> HeldKey:
        held = HeldKey(key=key, expired_at=expired_at, held_until=self._ambient.now() + HELD_FOR)
        self._held[key_id] = held
        return held

    def _remember_stranger(self, key_id: str, now: dt.datetime) -> None:
        if len(self._strangers) >= REMEMBERED_STRANGERS:
            self._strangers.clear()
        self._strangers[key_id] = now + HELD_FOR
