"""What a net worth is made of: what is owned and what is owed, by kind of account, each currency by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mingus.money import Money
from mingus.plaid import queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mingus.money import Currency
    from mingus.plaid.queries import AccountRow

FAMILIES = {
    "depository": "cash",
    "payroll": "cash",
    "investment": "investments",
    "brokerage": "investments",
    "asset": "things",
    "credit": "cards",
    "loan": "loans",
}
BY_SUBTYPE = {"property": "homes", "vehicle": "vehicles", "mortgage": "mortgages", "home equity": "mortgages"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Accounts of one kind on one side, the largest first; what is owed is positive here."""

    family: str
    amount: Money
    accounts: tuple[tuple[AccountRow, Money], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """All that is owned, or all that is owed."""

    amount: Money
    holdings: tuple[Holding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Both sides in one currency."""

    owned: Side
    owed: Side


def standing(accounts: Iterable[AccountRow]) -> dict[Currency, Standing]:
    """By currency; an account counts on the side of its balance, so an overdrawn one is a debt."""
    found: dict[Currency, list[tuple[AccountRow, Money]]] = {}
    for account in queries.counted(accounts):
        if account.current is not None:
            found.setdefault(account.current.currency, []).append((account, account.current))
    return {
        currency: Standing(
            owned=_side([pair for pair in pairs if pair[1].minor >= 0], currency),
            owed=_side([(account, -amount) for account, amount in pairs if amount.minor < 0], currency),
        )
        for currency, pairs in found.items()
    }


def _side(pairs: list[tuple[AccountRow, Money]], currency: Currency) -> Side:
    families: dict[str, list[tuple[AccountRow, Money]]] = {}
    for account, amount in pairs:
        families.setdefault(_family(account), []).append((account, amount))
    holdings = [
        Holding(
            family=family,
            amount=_sum(members, currency),
            accounts=tuple(sorted(members, key=lambda pair: -pair[1].minor)),
        )
        for family, members in families.items()
    ]
    return Side(
        amount=_sum(pairs, currency), holdings=tuple(sorted(holdings, key=lambda one: -one.amount.minor))
    )


def _family(account: AccountRow) -> str:
    return BY_SUBTYPE.get(account.subtype or "") or FAMILIES.get(account.type, "others")


def _sum(pairs: Iterable[tuple[AccountRow, Money]], currency: Currency) -> Money:
    return Money(minor=sum(amount.minor for _, amount in pairs), currency=currency)
