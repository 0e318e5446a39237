"""Who banks here: each username's person, the person's accounts and what money does on them."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = Path(__file__).parent / "data"
LARGE = re.compile(r"user_large_(\d{1,7})")
LARGEST = 1_000_000
SPECIAL = {"user_transactions_dynamic": "dynamic", "user_limited_purpose_checking": "limited"}
# Users of products that the simulator does not have get the standard data.
STANDARD = re.compile(r"user_(good|bank_income|credit_\w+|prism_[1-8])")
COMING_IN = ("INCOME_", "TRANSFER_IN_", "LOAN_DISBURSEMENTS_")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPlan:
    """An account as its bank opened it; `current` and `available` are those of the day an item is made."""

    key: str
    name: str
    official_name: str | None
    mask: str | None
    type: str
    subtype: str | None
    current: float | None
    available: float | None
    limit: float | None
    currency: str | None = "USD"
    unofficial: str | None = None
    holder: str = "personal"
    # What a custom user said about identity, numbers, liability, holdings.
    override: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody whom money goes to or comes from; `kind` is a counterparty type, or "" for nobody."""

    key: str
    name: str
    text: str
    category: str
    channel: str
    low: float
    high: float
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """Something a person does with an account: on fixed days (`when`) or now and then (`weight`)."""

    number: int
    account: str
    party: Party
    sign: int
    low: float
    high: float
    when: str | None = None
    weight: float = 0.0

    @property
    def pends(self) -> bool:
        """Card-like spending shows as pending first; transfers, pay and bills by direct debit do not."""
        return self.when is None and self.party.kind == "merchant"

    @property
    def tipped(self) -> bool:
        """Whether the posted amount may differ from the pending one."""
        return self.party.category.startswith(
            ("FOOD_AND_DRINK_RES", "TRANSPORTATION_TAXIS", "TRANSPORTATION_GAS")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One kind of customer."""

    key: str
    accounts: tuple[AccountPlan, ...]
    habits: tuple[Habit, ...]
    history_days: int
    daily: float = 0.0
    decimals: int = 2
    constant: bool = False
    dynamic: bool = False
    any_password: bool = False
    # How many transactions the whole history holds, for the large users; None: as many as happen.
    total: int | None = None


def person_key(username: str) -> str | None:
    """The key of the person with that username, or None when no bank knows it."""
    if match := LARGE.fullmatch(username):
        return f"large:{match[1]}" if 1 <= int(match[1]) <= LARGEST else None
    if username in SPECIAL:
        return SPECIAL[username]
    if STANDARD.fullmatch(username):
        return "good"
    key = username.removeprefix("user_")
    return key if username.startswith("user_") and key in _tables() and key not in {"large", "good"} else None


def any_password(key: str) -> bool:
    """Whether that person gets in with any password."""
    return person(key).any_password


@cache
def person(key: str) -> Person:
    """The person of a key that `person_key` gave."""
    base, _, total = key.partition(":")
    table = _tables()[base]
    currencies = table.get("currencies", {})
    return Person(
        key=key,
        accounts=tuple(
            _account(name, row, currencies.get(name, "USD"), table.get("holder", "personal"))
            for name, row in table["accounts"].items()
        ),
        habits=(
            *_fixed(table.get("habits", [])),
            *_mixed(table.get("mix", []), len(table.get("habits", []))),
        ),
        history_days=table["history_days"],
        daily=table.get("daily", 0.0),
        decimals=table.get("decimals", 2),
        constant=table.get("constant", False),
        dynamic=table.get("dynamic", False),
        any_password=table.get("any_password", False),
        total=int(total) if total else None,
    )


@cache
def parties() -> Mapping[str, Party]:
    """Everybody by key."""
    data = tomllib.loads((DATA / "merchants.toml").read_text())
    merchants = {key: _party(key, [*row, "merchant"]) for key, row in data["merchants"].items()}
    return merchants | {key: _party(key, row) for key, row in data["flows"].items()}


@cache
def places() -> tuple[dict[str, Any], ...]:
    """Where shops are, as Plaid's location objects."""
    keys = ("city", "region", "postal_code", "address", "lat", "lon", "store_number")
    data = tomllib.loads((DATA / "merchants.toml").read_text())
    return tuple({**dict(zip(keys, row, strict=True)), "country": "US"} for row in data["places"]["rows"])


@cache
def _tables() -> dict[str, Any]:
    return tomllib.loads((DATA / "people.toml").read_text())


def _account(key: str, row: list[Any], currency: str, holder: str) -> AccountPlan:
    values: list[Any] = [None if value == "-" else value for value in row]
    name, official, mask, kind, subtype, current, available, limit = values
    return AccountPlan(
        key=key,
        name=name,
        official_name=official,
        mask=mask,
        type=kind,
        subtype=subtype,
        current=current,
        available=available,
        limit=limit,
        currency=currency if currency and not currency.startswith("~") else None,
        unofficial=currency.removeprefix("~") if currency.startswith("~") else None,
        holder=holder,
    )


def _party(key: str, row: list[Any]) -> Party:
    name, text, category, channel, low, high, kind = row
    return Party(
        key=key, name=name, text=text, category=category, channel=channel, low=low, high=high, kind=kind
    )


def _fixed(rows: list[list[Any]]) -> list[Habit]:
    habits = []
    for number, (account, whom, sign, when, low, high) in enumerate(rows):
        party = parties()[whom]
        low, high = (party.low, party.high) if low == "-" else (low, high)
        habits.append(
            Habit(number=number, account=account, party=party, sign=sign, low=low, high=high, when=when)
        )
    return habits


def _mixed(rows: list[list[Any]], first: int) -> list[Habit]:
    habits = []
    for number, (account, whom, weight, *sign) in enumerate(rows, first):
        party = parties()[whom]
        inward = -1 if party.category.startswith(COMING_IN) else 1
        habits.append(
            Habit(
                number=number,
                account=account,
                party=party,
                sign=sign[0] if sign else inward,
                low=party.low,
                high=party.high,
                weight=weight,
            )
        )
    return habits
