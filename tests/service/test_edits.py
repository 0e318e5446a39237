"""What people decide stays: over syncs, over each other's edits, and until it is undone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.plaid.ledger import TransactionChoice
from mingus.transactions.edits import UnknownCategory
from mingus.transactions.edits import Wish
from mingus.transactions.edits import tidy_tags
from tests import factories
from tests.support import books

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import TransactionId
    from mingus.services import Services


@pytest.fixture
def ada(app: Flask, wired: Services) -> UserId:
    return factories.make_person(app)


@pytest.fixture
def row(ada: UserId) -> TransactionId:
    return books.make_transaction(books.make_account(ada))


def choice(row: str) -> TransactionChoice:
    db.session.rollback()
    return db.session.get_one(TransactionChoice, row, populate_existing=True)


def test_each_field_is_decided_by_itself(wired: Services, ada: UserId, row: TransactionId) -> None:
    wired.edits.change(ada, [row], Wish(values={"category": "TRAVEL", "name": "Trip"}))
    wired.edits.change(ada, [row], Wish(values={"hidden": True, "notes": "with Ben"}, add_tags=("summer",)))
    found = choice(row)
    assert (found.category, found.name, found.notes) == ("TRAVEL", "Trip", "with Ben")
    assert (found.hidden, found.tags) == (True, ["summer"])
    assert set(found.origins) == {"category", "name", "hidden", "notes", "tags"}
    assert set(found.origins.values()) == {"hand"}


def test_tags_are_added_and_taken_off_whatever_their_case(
    wired: Services, ada: UserId, row: TransactionId
) -> None:
    wired.edits.change(ada, [row], Wish(add_tags=("Trip", "tax")))
    wired.edits.change(ada, [row], Wish(add_tags=("trip", "x"), remove_tags=("TAX",)))
    assert choice(row).tags == ["Trip", "x"]
    assert tidy_tags(" #a, b  c ,, A") == ("a", "b c")


def test_an_edit_of_many_is_one_undo(wired: Services, ada: UserId) -> None:
    rows = books.make_transactions(books.make_account(ada), [{} for _ in range(2_000)])
    wired.edits.change(ada, rows[:3], Wish(values={"category": "MEDICAL"}))
    made = wired.edits.change(ada, rows, Wish(values={"category": "TRAVEL"}))
    assert made.count == 2_000
    assert {choice(row).category for row in rows[:5]} == {"TRAVEL"}
    assert wired.edits.undo(ada, str(made.id)) == 2_000
    assert [choice(row).category for row in rows[:4]] == ["MEDICAL", "MEDICAL", "MEDICAL", None]
    assert choice(rows[9]).origins == {}
    assert wired.edits.undo(ada, str(made.id)) == 0


def test_undo_leaves_what_was_decided_since(wired: Services, ada: UserId, row: TransactionId) -> None:
    first = wired.edits.change(ada, [row], Wish(values={"category": "TRAVEL", "name": "Trip"}))
    wired.edits.change(ada, [row], Wish(values={"category": "MEDICAL"}))
    wired.edits.undo(ada, str(first.id))
    assert (choice(row).category, choice(row).name) == ("MEDICAL", None)


def test_what_is_so_already_is_no_edit(wired: Services, ada: UserId, row: TransactionId) -> None:
    wish = Wish(values={"category": "TRAVEL"})
    wired.edits.change(ada, [row], wish)
    assert wired.edits.change(ada, [row], wish).id is None


def test_nobody_elses_rows_and_edits_are_touched(
    app: Flask, wired: Services, ada: UserId, row: TransactionId
) -> None:
    ben = factories.make_person(app, factories.BEN)
    with pytest.raises(NotFound):
        wired.edits.change(ben, [row], Wish(values={"name": "mine"}))
    his = books.make_transaction(books.make_account(ben))
    assert wired.edits.change(ben, [row, his], Wish(values={"name": "mine"})).count == 1
    assert db.session.get(TransactionChoice, row) is None
    made = wired.edits.change(ada, [row], Wish(values={"name": "Ada's"}))
    with pytest.raises(NotFound):
        wired.edits.undo(ben, str(made.id))
    assert choice(row).name == "Ada's"


def test_a_category_that_is_not_there_is_refused(wired: Services, ada: UserId, row: TransactionId) -> None:
    with pytest.raises(UnknownCategory):
        wired.edits.change(ada, [row], Wish(values={"category": "cat_of_ben"}))
    wired.edits.change(ada, [row], Wish(values={"category": "NONE"}))
    assert choice(row).category == "NONE"


def as_rule(wired: Services, ada: UserId, row: str, values: dict[str, Any]) -> int:
    with unit_of_work() as unit:
        edit_id = wired.ambient.new_id("edt")
        return wired.edits.write(unit, ada, edit_id, [row], Wish(values=values), origin="rul_1").count


def test_a_rule_never_overwrites_the_hand_not_even_where_it_chose_the_banks(
    wired: Services, ada: UserId, row: TransactionId
) -> None:
    assert as_rule(wired, ada, row, {"category": "TRAVEL", "name": "Trip"}) == 1
    wired.edits.change(ada, [row], Wish(values={"category": None}))
    assert as_rule(wired, ada, row, {"category": "MEDICAL", "name": "Doctor"}) == 1
    assert (choice(row).category, choice(row).name) == (None, "Doctor")
    assert choice(row).origins == {"category": "hand", "name": "rul_1"}
