"""What a category is called and looks like, where it belongs, and what kind of money it means.

A category is a code: the bank's, such as FOOD_AND_DRINK_COFFEE, or the id of one of the person's own. `Catalogue` knows
both; `catalogues.of(user_id)` gives a person's. Labels are English and go through gettext where they are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from mingus.transactions import taxonomy

if TYPE_CHECKING:
    from collections.abc import Iterable

UNCATEGORISED = "NONE"
OWN_MARK = "cat_"
HUES = ("orange", "amber", "lime", "green", "teal", "cyan", "blue", "indigo", "plum", "pink", "red", "slate")
# both sides of such a movement are the person's own accounts: neither spent nor earned
TRANSFER_GROUPS = ("TRANSFER_IN", "TRANSFER_OUT")
TRANSFER_CODES = ("LOAN_PAYMENTS_CREDIT_CARD_PAYMENT",)
# a loan received is no income, although money comes in
BORROWED_GROUPS = ("LOAN_DISBURSEMENTS",)


class Flow(StrEnum):
    """What a category means for a budget."""

    INCOME = "income"
    SPENDING = "spending"
    TRANSFER = "transfer"  # moved or borrowed: counts in neither


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One category; `parent` is None for a group."""

    code: str
    label: str
    icon: str
    hue: str
    parent: str | None
    own: bool = False

    @property
    def group(self) -> str:
        """The code of the group it counts under: itself, for a group."""
        return self.parent or self.code

    @property
    def flow(self) -> Flow:
        """What money in this category is: income, spending (a refund lessens it) or neither."""
        if self.group in TRANSFER_GROUPS or self.group in BORROWED_GROUPS or self.code in TRANSFER_CODES:
            return Flow.TRANSFER
        return Flow.INCOME if self.group == "INCOME" else Flow.SPENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A group and what is in it: the bank's first, then the person's own."""

    group: Category
    members: tuple[Category, ...]


NOTHING = Category(
    code=UNCATEGORISED, label="Uncategorised", icon="circle-question-mark", hue="slate", parent=None
)


@cache
def of_banks() -> dict[str, Category]:
    """Every category that banks are known to use, by code; groups before what is in them."""
    found: dict[str, Category] = {}
    for code, label, icon, hue in taxonomy.GROUPS:
        found[code] = Category(code=code, label=label, icon=icon, hue=hue, parent=None)
        for suffix, member_label, member_icon in taxonomy.DETAILS[code]:
            member = f"{code}_{suffix}"
            found[member] = Category(
                code=member, label=member_label, icon=member_icon or icon, hue=hue, parent=code
            )
    return found


class Catalogue:
    """The bank's categories together with one person's own."""

    def __init__(self, own: Iterable[Category] = ()) -> None:
        self.own = tuple(own)
        self._by_code = of_banks() | {category.code: category for category in self.own}

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def find(self, code: str | None) -> Category:
        """The category behind a code: never fails. A bank's new code gets a label made from its letters."""
        if not code or code == UNCATEGORISED or (code.startswith(OWN_MARK) and code not in self._by_code):
            return NOTHING  # one of the person's that they deleted meanwhile is nothing too
        return self._by_code.get(code) or _unheard_of(code)

    def group_of(self, code: str | None) -> Category:
        """The group that a code counts under."""
        return self.find(self.find(code).group)

    def codes_under(self, code: str) -> tuple[str, ...]:
        """The code, and for a group those of all that is in it."""
        members = [known.code for known in self._by_code.values() if known.parent == code]
        return (code, *members)

    def tree(self) -> tuple[Branch, ...]:
        """All groups in the order in which they are offered; a label that two codes share is offered once."""
        groups = [category for category in self._by_code.values() if category.parent is None]
        return tuple(Branch(group=group, members=self._members(group)) for group in groups)

    def _members(self, group: Category) -> tuple[Category, ...]:
        found: dict[str, Category] = {}
        for category in self._by_code.values():
            if category.parent == group.code and (category.own or category.label != group.label):
                found.setdefault(category.code if category.own else category.label, category)
        return tuple(found.values())


def _unheard_of(code: str) -> Category:
    """A code of a later taxonomy: under the group whose code it begins with, else on its own."""
    groups = [known for known in of_banks().values() if known.parent is None]
    group = next((known for known in groups if code.startswith(f"{known.code}_")), None)
    letters = code.removeprefix(f"{group.code}_") if group else code
    label = letters.replace("_", " ").strip().capitalize() or NOTHING.label
    if group is None:
        return Category(code=code, label=label, icon="shapes", hue="slate", parent=None)
    return Category(code=code, label=label, icon=group.icon, hue=group.hue, parent=group.code)
