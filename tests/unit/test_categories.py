"""Categories: every code reads well, new ones too, and each means income, spending or neither."""

from __future__ import annotations

import pytest

from mingus.transactions.categories import HUES
from mingus.transactions.categories import UNCATEGORISED
from mingus.transactions.categories import Catalogue
from mingus.transactions.categories import Category
from mingus.transactions.categories import Flow
from mingus.transactions.categories import of_banks
from mingus.web.icons import icon

PETS = Category(code="cat_1", label="Pets", icon="dog", hue="lime", parent="GENERAL_MERCHANDISE", own=True)


def test_both_of_plaids_taxonomies_are_known() -> None:
    groups = [category for category in of_banks().values() if category.parent is None]
    assert len(groups) == 18
    assert len(of_banks()) - len(groups) >= 127
    assert all(code.startswith(f"{found.parent}_") for code, found in of_banks().items() if found.parent)


def test_every_category_has_an_icon_and_a_hue() -> None:
    assert all("<svg" in icon(category.icon) for category in of_banks().values())
    assert {category.hue for category in of_banks().values()} <= set(HUES)


@pytest.mark.parametrize(
    ("code", "label", "group"),
    [
        ("FOOD_AND_DRINK_COFFEE", "Coffee", "FOOD_AND_DRINK"),
        ("FOOD_AND_DRINK", "Food and drink", "FOOD_AND_DRINK"),
        ("FOOD_AND_DRINK_SPACE_FOOD", "Space food", "FOOD_AND_DRINK"),
        ("MOON_BASE", "Moon base", "MOON_BASE"),
        ("cat_1", "Pets", "GENERAL_MERCHANDISE"),
        (None, "Uncategorised", UNCATEGORISED),
        ("", "Uncategorised", UNCATEGORISED),
    ],
)
def test_a_code_is_found_with_its_group(code: str | None, label: str, group: str) -> None:
    catalogue = Catalogue([PETS])
    assert catalogue.find(code).label == label
    assert catalogue.group_of(code).code == group


@pytest.mark.parametrize(
    ("code", "flow"),
    [
        ("INCOME_SALARY", Flow.INCOME),
        ("FOOD_AND_DRINK_COFFEE", Flow.SPENDING),
        ("TRANSFER_OUT_SAVINGS", Flow.TRANSFER),
        ("TRANSFER_IN_SOMETHING_NEW", Flow.TRANSFER),
        ("LOAN_PAYMENTS_CREDIT_CARD_PAYMENT", Flow.TRANSFER),
        ("LOAN_PAYMENTS_MORTGAGE_PAYMENT", Flow.SPENDING),
        ("LOAN_DISBURSEMENTS_STUDENT", Flow.TRANSFER),
    ],
)
def test_a_category_says_what_its_money_means(code: str, flow: Flow) -> None:
    assert Catalogue().find(code).flow is flow


def test_the_tree_offers_each_label_once_and_own_ones_in_their_group() -> None:
    tree = {branch.group.code: branch.members for branch in Catalogue([PETS]).tree()}
    assert [member.label for member in tree["INCOME"]].count("Other income") == 1
    assert PETS in tree["GENERAL_MERCHANDISE"]
    assert tree["OTHER"] == ()


def test_a_group_stands_for_all_that_is_in_it() -> None:
    codes = Catalogue([PETS]).codes_under("GENERAL_MERCHANDISE")
    assert {"GENERAL_MERCHANDISE", "GENERAL_MERCHANDISE_ELECTRONICS", "cat_1"} <= set(codes)
    assert Catalogue([PETS]).codes_under("cat_1") == ("cat_1",)
