"""Holding back before Plaid does: limits per endpoint, item and client, and a pause for a bank that is down.

Both live in the database, so every process of the installation counts together.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy import select
from sqlalchemy import text
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.models import OutgoingBucket
from mingus.plaid.models import PlaidInstitution

if TYPE_CHECKING:
    from sqlalchemy import TextClause

    from mingus.ambient import Ambient
    from mingus.db import Unit

IDLE_MS = 24 * 3600 * 1000
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

    def __init__(self, ambient: Ambient, *, per_minute: int) -> None:
        self._ambient = ambient
        self._of_endpoint = Allowance(per_minute=per_minute, burst=2 * per_minute)
        self._of_client = Allowance(per_minute=10 * per_minute, burst=10 * per_minute)

    def take(self, endpoint: str, *, item: str | None, calls: int = 1) -> None:
        """Take tokens for so many calls; raises PlaidFailure CALLS_HELD_BACK with the seconds to wait."""
        wanted = self._buckets(endpoint, item)
        now_ms = self._now_ms()
        try:
            with unit_of_work() as unit:
                if not _take(unit, wanted, calls * MILLI, now_ms):
                    raise _Short
        except _Short:
            msg = "CALLS_HELD_BACK"
            seconds = self._seconds_until(wanted, calls * MILLI, now_ms)
            raise PlaidFailure(msg, retry_after_seconds=seconds) from None

    def give_back(self, unit: Unit, endpoint: str, *, item: str | None, calls: int) -> None:
        """Tokens of calls that were not made, in the caller's unit."""
        unit.session.execute(
            update(OutgoingBucket)
            .where(OutgoingBucket.key.in_(self._buckets(endpoint, item)))
            .values(tokens_milli=OutgoingBucket.tokens_milli + calls * MILLI)
            .execution_options(synchronize_session=False)
        )

    def _seconds_until(self, wanted: dict[str, Allowance], spent: int, now_ms: int) -> int:
        rows = db.session.scalars(select(OutgoingBucket).where(OutgoingBucket.key.in_(wanted))).all()
        waits = [
            (spent - _filled(row, wanted[row.key], now_ms)) / MILLI * 60 / wanted[row.key].per_minute
            for row in rows
        ]
        db.session.rollback()
        return max(1, math.ceil(max(waits, default=0)))

    def forget_idle(self) -> None:
        """Delete buckets that nobody drew from for a day: they are full, and some are of connections long gone."""
        before = self._now_ms() - IDLE_MS
        with unit_of_work() as unit:
            unit.session.execute(delete(OutgoingBucket).where(OutgoingBucket.filled_ms < before))

    def usage(self) -> list[Usage]:
        """The shares in use, highest first; what the admin page shows."""
        now_ms = self._now_ms()
        found = []
        for bucket in db.session.scalars(select(OutgoingBucket)):
            allowance = self._allowance_of(bucket.key)
            tokens = _filled(bucket, allowance, now_ms)
            found.append(Usage(key=bucket.key, used_share=1 - tokens / (allowance.burst * MILLI)))
        return sorted(found, key=lambda usage: -usage.used_share)

    def shared_usage(self) -> list[Usage]:
        """The shares in use of what all connections have in common."""
        return [use for use in self.usage() if not use.key.startswith("item ")]

    def _buckets(self, endpoint: str, item: str | None) -> dict[str, Allowance]:
        """The buckets a call falls under, always in one order: two that wait for each other can't be."""
        keys = ["client", f"endpoint {endpoint}", *([f"item {item}"] if item is not None else [])]
        return {key: self._allowance_of(key) for key in keys}

    def _allowance_of(self, key: str) -> Allowance:
        kind, _, name = key.partition(" ")
        if kind == "client":
            return self._of_client
        return OF_ITEM if kind == "item" else OF_ENDPOINT.get(name, self._of_endpoint)

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


class _Short(Exception):
    """A bucket holds too little."""


def _take(unit: Unit, wanted: dict[str, Allowance], spent: int, now_ms: int) -> bool:
    """Fill and empty every bucket by one statement; False when one of them holds too little."""
    values: dict[str, object] = {"spent": spent, "now": now_ms}
    for number, (key, allowance) in enumerate(wanted.items()):
        values |= {
            f"key{number}": key,
            f"rate{number}": allowance.per_minute,
            f"rest{number}": allowance.burst * MILLI - spent,
        }
    taken = unit.session.execute(_taking(len(wanted)), values).all()
    return len(taken) == len(wanted)


@cache
def _taking(count: int) -> TextClause:
    """The statement for so many buckets. A bucket never holds more than its burst, and none is overdrawn."""
    numbers = range(count)
    rows = ", ".join(f"(:key{number}, :rest{number}, :now)" for number in numbers)
    rates = " ".join(f"WHEN :key{number} THEN :rate{number}" for number in numbers)
    old = OutgoingBucket.__tablename__
    passed = f"(CASE WHEN excluded.filled_ms > {old}.filled_ms THEN excluded.filled_ms - {old}.filled_ms ELSE 0 END)"
    left = f"({old}.tokens_milli + {passed} * (CASE {old}.key {rates} END) / 60 - :spent)"
    return text(
        f"INSERT INTO {old} (key, tokens_milli, filled_ms) VALUES {rows}"  # noqa: S608 (a table of our own)
        " ON CONFLICT (key) DO UPDATE SET"
        f" tokens_milli = CASE WHEN {left} > excluded.tokens_milli THEN excluded.tokens_milli ELSE {left} END,"
        f" filled_ms = {old}.filled_ms + {passed}"
        f" WHERE {left} >= 0 RETURNING key"
    )


def _filled(bucket: OutgoingBucket, allowance: Allowance, now_ms: int) -> int:
    gained = max(0, now_ms - bucket.filled_ms) * allowance.per_minute * MILLI // MINUTE_MS
    return min(allowance.burst * MILLI, bucket.tokens_milli + gained)
