"""Accounts of an item: what they are, what is on them, and how Plaid shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.ids import world_id
from mingus.simulator.people import AccountPlan  # noqa: TC001 - msgspec reads the annotation at run time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping

OWED = ("credit", "loan")
TRANSACTION_TYPES = ("depository", "credit", "loan", "other")


@dataclass(slots=True, kw_only=True)
class Account:
    """One account of one item; `shared` once the person let Plaid see it, `open` until the bank closes it."""

    account_id: str
    plan: AccountPlan
    current: float | None
    available: float | None
    shared: bool = True
    open: bool = True
    # Accounts that appear with a delay: transactions arrive before the list has them.
    listed: bool = True
    persistent_id: str | None = None
    verification_status: str | None = None

    @property
    def visible(self) -> bool:
        """Whether /accounts/get lists it."""
        return self.shared and self.open and self.listed

    @property
    def has_transactions(self) -> bool:
        """Whether its movements belong to the Transactions product."""
        return self.plan.type in TRANSACTION_TYPES

    def move(self, amount: float) -> None:
        """A posted transaction of that amount (positive: money out)."""
        if self.current is not None:
            self.current = round(self.current + (amount if self.plan.type in OWED else -amount), 8)

    def hold(self, amount: float) -> None:
        """Reserve the amount, or with a negative one let it go."""
        if self.available is not None:
            self.available = round(self.available - amount, 8)

    def shape(self) -> dict[str, Any]:
        """The account in Plaid's shape."""
        plan = self.plan
        doc: dict[str, Any] = {
            "account_id": self.account_id,
            "balances": {
                "available": self.available,
                "current": self.current,
                "iso_currency_code": plan.currency,
                "limit": plan.limit,
                "unofficial_currency_code": plan.unofficial,
            },
            "holder_category": plan.holder,
            "mask": plan.mask,
            "name": plan.name,
            "official_name": plan.official_name,
            "subtype": plan.subtype,
            "type": plan.type,
        }
        if self.persistent_id:
            doc["persistent_account_id"] = self.persistent_id
        if self.verification_status:
            doc["verification_status"] = self.verification_status
        return doc


def open_account(plan: AccountPlan, *, item_key: str, bank_key: str, persistent_ids: bool) -> Account:
    """The account with its id for this item; the persistent one survives linking again."""
    return Account(
        account_id=world_id("account", item_key, plan.key),
        plan=plan,
        current=plan.current,
        available=plan.available,
        persistent_id=world_id("persistent", bank_key, plan.key) if persistent_ids else None,
    )


def passes(plan: AccountPlan, filters: Mapping[str, Any] | None) -> bool:
    """Whether Link's account filters let the account through; types that they do not name are out."""
    if not filters:
        return True
    subtypes = (filters.get(plan.type) or {}).get("account_subtypes", [])
    return "all" in subtypes or plan.subtype in subtypes


def serves(plan: AccountPlan, products: Iterable[str]) -> bool:
    """Whether the account has data for at least one of the products."""
    kinds = {
        "investments": ("investment",),
        "liabilities": ("credit", "loan"),
        "auth": ("depository",),
        "transactions": ("depository", "credit", "loan", "other"),
    }
    wanted = [product for product in products if product in kinds]
    return not wanted or any(plan.type in kinds[product] for product in wanted)
