"""Holding back before Plaid does: limits per endpoint, item and client, and a pause for a bank that is down.

Both live in the database, so every process of the installation counts together.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.models import OutgoingBucket
from mingus.plaid.models import PlaidInstitution

if TYPE_CHECKING:
    from mingus.ambient import Ambient

MILLI = 1000
MINUTE_MS = 60_000
WARN_SHARE = 0.8
TROUBLE_OPENS_AT = 5
TROUBLE_REST = dt.timedelta(minutes=5)
BANK_CODES = frozenset({"INSTITUTION_DOWN", "INSTITUTION_NOT_RESPONDING", "INSTITUTION_NOT_AVAILABLE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many calls a minute in the long run, and how many at once."""

    per_minute: int
    burst: int


DEFAULT = Allowance(per_minute=100, burst=200)
OF_CLIENT = Allowance(per_minute=1000, burst=1000)
OF_ITEM = Allowance(per_minute=40, burst=40)
OF_ENDPOINT = {"/item/remove": Allowance(per_minute=10, burst=10)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """How much of one allowance is in use now."""

    key: str
    used_share: float

    @property
    def is_high(self) -> bool:
        return self.used_share >= WARN_SHARE


class OutgoingLimits:
    """Token buckets: a call takes one token of each bucket it falls under, or is held back."""

    def __init__(self, ambient: Ambient) -> None:
        self._ambient = ambient

    def take(self, endpoint: str, *, item: str | None) -> None:
        """Take a token for one call; raises PlaidFailure CALLS_HELD_BACK with the seconds to wait."""
        wanted = {"client": OF_CLIENT, f"endpoint {endpoint}": OF_ENDPOINT.get(endpoint, DEFAULT)}
        if item is not None:
            wanted[f"item {item}"] = OF_ITEM
        now_ms = self._now_ms()
        with unit_of_work() as unit:
            rows = [
                {"key": key, "tokens_milli": allowance.burst * MILLI, "filled_ms": now_ms}
                for key, allowance in sorted(wanted.items())
            ]
            upsert(unit.session, OutgoingBucket, rows, key=["key"], keep=["tokens_milli", "filled_ms"])
            buckets = unit.session.scalars(
                select(OutgoingBucket)
                .where(OutgoingBucket.key.in_(wanted))
                .order_by(OutgoingBucket.key)  # one order for all processes: no deadlock
                .with_for_update()
                .execution_options(populate_existing=True)
            ).all()
            for bucket in buckets:
                _fill(bucket, wanted[bucket.key], now_ms)
            short = [bucket for bucket in buckets if bucket.tokens_milli < MILLI]
            if not short:
                for bucket in buckets:
                    bucket.tokens_milli -= MILLI
        if short:
            waits = [
                (MILLI - bucket.tokens_milli) / MILLI * 60 / wanted[bucket.key].per_minute for bucket in short
            ]
            msg = "CALLS_HELD_BACK"
            raise PlaidFailure(msg, retry_after_seconds=math.ceil(max(waits)))

    def usage(self) -> list[Usage]:
        """The shares in use, highest first; what the admin page shows."""
        now_ms = self._now_ms()
        found = []
        for bucket in db.session.scalars(select(OutgoingBucket)):
            allowance = _allowance_of(bucket.key)
            tokens = _filled(bucket, allowance, now_ms)
            found.append(Usage(key=bucket.key, used_share=1 - tokens / (allowance.burst * MILLI)))
        return sorted(found, key=lambda usage: -usage.used_share)

    def _now_ms(self) -> int:
        return int(self._ambient.now().timestamp() * MILLI)


class Circuit:
    """A bank that fails several times in a row is left alone for some minutes, for all its connections."""

    def __init__(self, ambient: Ambient) -> None:
        self._ambient = ambient

    def check(self, institution_id: str | None) -> None:
        """Raise PlaidFailure BANK_RESTS while the bank is left alone."""
        if institution_id is None:
            return
        until = db.session.scalar(
            select(PlaidInstitution.trouble_until).where(
                PlaidInstitution.plaid_institution_id == institution_id
            )
        )
        db.session.rollback()  # no transaction stays open over the call that follows
        left = (until - self._ambient.now()).total_seconds() if until is not None else 0
        if left > 0:
            msg = "BANK_RESTS"
            raise PlaidFailure(msg, error_type="INSTITUTION_ERROR", retry_after_seconds=math.ceil(left))

    def note(self, institution_id: str | None, failure: PlaidFailure | None) -> None:
        """Count a failure of the bank, or forget all of them after an answer."""
        troubled = failure is not None and failure.error_code in BANK_CODES
        if institution_id is None or (failure is not None and not troubled):
            return
        row = db.session.scalar(
            select(PlaidInstitution.trouble_count).where(
                PlaidInstitution.plaid_institution_id == institution_id
            )
        )
        db.session.rollback()
        if row is None or (not troubled and row == 0):
            return
        count = PlaidInstitution.trouble_count + 1 if troubled else 0
        rests = troubled and row + 1 >= TROUBLE_OPENS_AT
        with unit_of_work() as unit:
            unit.session.execute(
                update(PlaidInstitution)
                .where(PlaidInstitution.plaid_institution_id == institution_id)
                .values(
                    trouble_count=count, trouble_until=self._ambient.now() + TROUBLE_REST if rests else None
                )
            )


def _allowance_of(key: str) -> Allowance:
    kind, _, name = key.partition(" ")
    if kind == "client":
        return OF_CLIENT
    return OF_ITEM if kind == "item" else OF_ENDPOINT.get(name, DEFAULT)


def _filled(bucket: OutgoingBucket, allowance: Allowance, now_ms: int) -> int:
    gained = max(0, now_ms - bucket.filled_ms) * allowance.per_minute * MILLI // MINUTE_MS
    return min(allowance.burst * MILLI, bucket.tokens_milli + gained)


def _fill(bucket: OutgoingBucket, allowance: Allowance, now_ms: int) -> None:
    bucket.tokens_milli = _filled(bucket, allowance, now_ms)
    bucket.filled_ms = max(bucket.filled_ms, now_ms)
