"""The past and the days to come of a login, computed: the same day of the same person is always the same."""

from __future__ import annotations

import calendar
from bisect import bisect
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol

from mingus.simulator.people import places
from mingus.simulator.places import Place
from mingus.simulator.transactions import iso_day
from mingus.simulator.transactions import template

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Mapping
    from collections.abc import Sequence

    from mingus.simulator.people import Habit
    from mingus.simulator.people import Person
    from mingus.simulator.places import TransactionIds

Doc = dict[str, Any]

# A pre-authorisation that is never claimed stands at this place of its day.
GHOST = 60_000
GHOST_EVERY = 25
# Of 256 purchases so many are refunds.
RETURNED = 6
LONGEST_LAG = 3
# Of a crowd of transactions a day only so many show as pending first.
MOST_PENDING = 12
DECIMALS = {"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3, "BTC": 8, "ETH": 8}


class History(Protocol):
    """What a bank tells about a login, day by day; days are ordinals, everything is computed."""

    def count(self, day: int) -> int:
        """How many transactions post on the day."""

    def account_id(self, place: Place) -> str:
        """The account of the transaction."""

    def posted(self, place: Place) -> Doc:
        """The transaction once it has posted."""

    def pending(self, day: int) -> Sequence[Place]:
        """What is authorised by the end of the day and posts later, oldest first."""

    def pending_doc(self, place: Place) -> Doc:
        """The transaction while it is pending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """An account as a history needs it."""

    account_id: str
    currency: str | None
    unofficial: str | None

    @property
    def decimals(self) -> int:
        """How many digits amounts in its currency have."""
        return DECIMALS.get(self.currency or self.unofficial or "", 2)


@dataclass(frozen=True, slots=True)
class _Act:
    """A habit made ready: whatever does not change from day to day is worked out once."""

    holder: Holder
    template: Doc
    due: Callable[[int], bool] | None
    weight: float
    pends: bool
    tipped: bool
    returns: bool
    in_store: bool
    numbered: bool
    low: float
    span: float
    sign: int
    decimals: int


class LivedHistory:
    """A person's habits, lived day by day on the accounts that are shared."""

    def __init__(
        self,
        *,
        person: Person,
        seed: str,
        ids: TransactionIds,
        holders: Mapping[str, Holder],
        public_url: str,
        days: tuple[int, int],
        shows_pending: bool = True,
    ) -> None:
        """`days` are the first and the last day of the history that the bank has at the time of linking."""
        self._person, self._ids, self._days = person, ids, days
        self._key = blake2b(seed.encode(), digest_size=32).digest()
        self._shows_pending = shows_pending
        acts = [
            _act(habit, holders[habit.account], person.decimals, public_url)
            for habit in person.habits
            if habit.account in holders
        ]
        self._fixed = [(act.due, act) for act in acts if act.due]
        self._mixed = [act for act in acts if not act.due]
        self._pending_acts = [act for act in self._mixed if act.pends]
        total = sum(act.weight for act in self._mixed) or 1.0
        self._weights = [
            reached / total * 0xFFFF for reached in accumulate(act.weight for act in self._mixed)
        ]
        self._slots = lru_cache(maxsize=64)(self._make_slots)
        self._shops = places()

    def count(self, day: int) -> int:
        """How many transactions post on the day."""
        fixed = sum(due(day) for due, _ in self._fixed)
        return fixed + (self._mixed_count(day) if self._mixed else 0)

    def account_id(self, place: Place) -> str:
        """The account of the transaction."""
        return self._act(place).holder.account_id

    def posted(self, place: Place) -> Doc:
        """The transaction once it has posted."""
        day, n = place
        act = self._slots(day)[n] if n < GHOST else self._act(place)
        digest = self._digest(place)
        doc = act.template.copy()
        lag = self._lag(n, act, digest)
        self._fill(doc, act, digest, iso_day(day - lag))
        doc["transaction_id"] = self._ids.of(place)
        doc["date"] = iso_day(day)
        if lag and self._shows_pending:
            doc["pending_transaction_id"] = self._ids.of(place, pending=True)
        return doc

    def pending(self, day: int) -> Sequence[Place]:
        """What is authorised by the end of the day and posts later, oldest first."""
        if not self._shows_pending:
            return []
        begun = [
            (posts - self._lag(n, self._act(Place(posts, n)), self._digest(Place(posts, n))), Place(posts, n))
            for posts in range(day + 1, day + 1 + LONGEST_LAG)
            for n in [*range(min(self.count(posts), MOST_PENDING)), *self._ghosts(posts)]
        ]
        return [place for authorised, place in sorted(begun) if authorised <= day]

    def pending_doc(self, place: Place) -> Doc:
        """The transaction while it is pending."""
        act, digest = self._act(place), self._digest(place)
        doc = act.template.copy()
        day = iso_day(place.day - self._lag(place.n, act, digest))
        self._fill(doc, act, digest, day)
        amount = doc["amount"]
        if act.tipped and amount > 0:
            # Restaurants ask for the bill first and the tip later.
            amount = round(amount / 1.18, act.decimals)
        return {
            **doc,
            "amount": amount,
            "date": day,
            "pending": True,
            "transaction_id": self._ids.of(place, pending=True),
        }

    def _fill(self, doc: Doc, act: _Act, digest: bytes, day: str) -> None:
        spread = int.from_bytes(digest[0:4]) / 0xFFFFFFFF
        amount = round(act.low + act.span * spread * spread, act.decimals)
        # Now and then something is brought back.
        doc["amount"] = -amount if act.returns and digest[8] < RETURNED else amount * act.sign
        if act.pends:
            doc["authorized_date"] = day
            if act.in_store:
                shop = self._shops[digest[9] % len(self._shops)]
                doc["location"] = shop
                doc["name"] = f"{doc['name']} {shop['store_number']}"
                doc["authorized_datetime"] = f"{day}T{7 + digest[10] % 15:02}:{digest[11] % 60:02}:00Z"
            elif act.numbered:
                doc["check_number"] = str(1000 + digest[9])

    @staticmethod
    def _lag(n: int, act: _Act, digest: bytes) -> int:
        if not act.pends or MOST_PENDING <= n < GHOST:
            return 0
        return (1, 1, 1, 2, 2, 2, 3, 0)[digest[6] & 7] or (1 if n == GHOST else 0)

    def _act(self, place: Place) -> _Act:
        if place.n < GHOST:
            return self._slots(place.day)[place.n]
        return self._pending_acts[self._digest(place)[12] % len(self._pending_acts)]

    def _make_slots(self, day: int) -> Sequence[_Act]:
        slots = [act for due, act in self._fixed if due(day)]
        count = self._mixed_count(day) if self._mixed else 0
        last = len(self._mixed) - 1
        for block in range(0, count, 32):
            digest = self._hash(b"who", day, block, 64)
            for n in range(min(32, count - block)):
                chance = digest[2 * n] << 8 | digest[2 * n + 1]
                slots.append(self._mixed[min(bisect(self._weights, chance), last)])
        return slots

    def _mixed_count(self, day: int) -> int:
        total, (first, last) = self._person.total, self._days
        if total is None:
            digest = self._hash(b"how many", day, 0, 4)
            busy = 1.35 if day % 7 in (5, 6) else 0.85
            wanted = self._person.daily * busy * 2 * int.from_bytes(digest[:2]) / 0xFFFF
            # The broken part is a chance, so that quiet people do something now and then too.
            return int(wanted + int.from_bytes(digest[2:]) / 0x10000)
        if day < first:
            return 0
        each, rest = divmod(total, last - first + 1)
        # After linking the crowd thins out: a million in two years would be a thousand every day.
        return min(each, MOST_PENDING) if day > last else each + (day - first < rest)

    def _ghosts(self, day: int) -> Sequence[int]:
        wanted = bool(self._pending_acts) and self._hash(b"ghost", day, 0, 1)[0] % GHOST_EVERY == 0
        return [GHOST] if wanted else []

    def _digest(self, place: Place) -> bytes:
        return blake2b((place.day << 24 | place.n).to_bytes(8), digest_size=16, key=self._key).digest()

    def _hash(self, what: bytes, day: int, n: int, size: int) -> bytes:
        return blake2b(b"%b %d %d" % (what, day, n), digest_size=size, key=self._key).digest()


def _act(habit: Habit, holder: Holder, person_decimals: int, public_url: str) -> _Act:
    doc = template(habit.party, public_url)
    doc.update(
        account_id=holder.account_id,
        iso_currency_code=holder.currency,
        unofficial_currency_code=holder.unofficial,
    )
    if habit.party.category == "INCOME_SALARY":
        meta = {"ppd_id": "1770510487", "payer": habit.party.name, "payment_method": "ACH"}
        doc["payment_meta"] = {**doc["payment_meta"], **meta}
    pends, channel = habit.pends, habit.party.channel
    return _Act(
        holder=holder,
        template=doc,
        due=rule(habit.when) if habit.when else None,
        weight=habit.weight,
        pends=pends,
        tipped=habit.tipped,
        returns=pends and habit.party.category.startswith("GENERAL_MERCH"),
        in_store=pends and channel == "in store",
        numbered=pends and channel == "other",
        low=habit.low,
        span=habit.high - habit.low,
        sign=habit.sign,
        decimals=max(holder.decimals, person_decimals if pends else 0),
    )


def rule(text: str) -> Callable[[int], bool]:
    """Whether a day is one of "monthly 15", "weekly 0", "biweekly 4" or "yearly 4-14"."""
    kind, _, argument = text.partition(" ")
    if kind == "weekly":
        return lambda day: (day - 1) % 7 == int(argument)
    if kind == "biweekly":
        return lambda day: (day - 1) % 14 == int(argument)
    if kind == "yearly":
        month, _, number = argument.partition("-")
        return lambda day: _is_yearly(day, int(month), int(number))
    return lambda day: _is_monthly(day, int(argument))


@lru_cache(maxsize=20_000)
def _is_monthly(day: int, number: int) -> bool:
    when = date.fromordinal(day)
    return when.day == min(number, calendar.monthrange(when.year, when.month)[1])


def _is_yearly(day: int, month: int, number: int) -> bool:
    when = date.fromordinal(day)
    return (when.month, when.day) == (month, number)
