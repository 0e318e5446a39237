"""What a person can keep by hand, and what each is among the kinds of accounts that banks have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of account. What is owed is kept negative, and asked for without its sign."""

    type: str
    subtype: str | None

    @property
    def is_debt(self) -> bool:
        return self.type in DEBTS


DEBTS = ("credit", "loan")
KINDS = {
    "cash": Kind(type="depository", subtype="cash"),
    "account": Kind(type="depository", subtype="checking"),
    "savings": Kind(type="depository", subtype="savings"),
    "property": Kind(type="asset", subtype="property"),
    "vehicle": Kind(type="asset", subtype="vehicle"),
    "investment": Kind(type="investment", subtype="brokerage"),
    "valuables": Kind(type="asset", subtype="valuables"),
    "asset": Kind(type="asset", subtype=None),
    "card": Kind(type="credit", subtype="credit card"),
    "mortgage": Kind(type="loan", subtype="mortgage"),
    "loan": Kind(type="loan", subtype="loan"),
    "debt": Kind(type="loan", subtype="other"),
}
