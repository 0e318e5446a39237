"""What a bank holds for a login: account plans, from a person or from a custom user's JSON."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.people import AccountPlan
from mingus.simulator.people import person

if TYPE_CHECKING:
    from mingus.simulator.custom import CustomUser

DATA = Path(__file__).parent / "data" / "subtypes.toml"
UNOFFICIAL_CODES = (
    "ADA BAT BCH BNB BTC BTG BSV CNH DASH DOGE ETC ETH GBX LSK NEO OMG QTUM USDT XLM XMR XRP ZEC ZRX"
)
UNOFFICIAL = frozenset(UNOFFICIAL_CODES.split())
NAMES = {
    "depository": "Checking",
    "credit": "Credit Card",
    "loan": "Loan",
    "investment": "Investment",
    "payroll": "Payroll",
    "other": "Account",
}
TYPES = {"brokerage": "investment"}


@cache
def subtypes() -> dict[str, frozenset[str]]:
    """The subtypes that accounts of each type can have."""
    return {kind: frozenset(row) for kind, row in tomllib.loads(DATA.read_text()).items()}


def plans(person_key: str, custom: CustomUser | None) -> tuple[AccountPlan, ...]:
    """The accounts behind the login, in the order in which the bank lists them."""
    if custom is None:
        return person(person_key).accounts
    if not custom.accounts:
        return person("good").accounts
    return tuple(custom_plan(row, number) for number, row in enumerate(custom.accounts))


def custom_plan(row: dict[str, Any], number: int) -> AccountPlan:
    """An account of a custom user; what the JSON leaves out is made up."""
    kind = TYPES.get(str(row.get("type")), str(row.get("type") or "depository"))
    kind = kind if kind in NAMES else "other"
    meta: dict[str, Any] = row["meta"] if isinstance(row.get("meta"), dict) else {}
    usual = {"depository": "checking", "credit": "credit card"}.get(kind)
    subtype = row["subtype"] if row.get("subtype") in subtypes()[kind] else usual
    current = _amount(row.get("starting_balance"), 1000.0 + 37.5 * number)
    currency = str(row.get("currency") or "USD")
    return AccountPlan(
        key=f"custom{number}",
        name=str(meta.get("name") or f"Plaid {str(subtype or NAMES[kind]).title()}"),
        official_name=meta.get("official_name") or None,
        mask=meta.get("mask") or f"{number:04d}",
        type="other" if kind == "payroll" else kind,
        subtype="other" if kind == "payroll" else subtype,
        current=current,
        available=_available(row, kind, current, meta),
        limit=meta.get("limit"),
        currency=None if currency in UNOFFICIAL else currency,
        unofficial=currency if currency in UNOFFICIAL else None,
        override=row,
    )


def _available(row: dict[str, Any], kind: str, current: float, meta: dict[str, Any]) -> float | None:
    if row.get("has_null_available_balance"):
        return None
    if row.get("force_available_balance") is not None:
        return _amount(row["force_available_balance"], current)
    if kind == "credit":
        return round(meta["limit"] - current, 2) if isinstance(meta.get("limit"), int | float) else None
    return current if kind == "depository" else None


def _amount(value: Any, default: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default
