"""Search finds the same whichever way it goes, and keeps no words that nothing says."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.transactions import catalogues
from mingus.transactions import seeking
from mingus.transactions import sums
from mingus.transactions import wording
from mingus.transactions.edits import Wish
from mingus.transactions.filters import Filters
from mingus.transactions.listing import Listing
from mingus.transactions.models import Wording
from tests import factories
from tests.support import books
from tests.support.connected import Bank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running


@pytest.fixture
def ada(app: Flask, wired: Services) -> UserId:
    return factories.make_person(app)


def found(owner: UserId, filters: Filters) -> set[str]:
    db.session.rollback()
    listing = Listing(owner, filters, catalogues.of(owner), environment="simulator")
    page = listing.page(limit=500)
    assert listing.count() == len(page.entries)
    days = sorted({entry.date for entry in page.entries})
    assert set(listing.day_totals(days)) == set(days)
    return {entry.bank_name for entry in page.entries}


def searched(owner: UserId, words: str) -> set[str]:
    return found(owner, Filters(search=words))


def kept(owner: UserId) -> set[str]:
    db.session.rollback()
    return set(db.session.scalars(select(Wording.text).where(Wording.user_id == owner)))


def take_up(owner: UserId) -> None:
    while wording.take_up(owner):
        pass


@pytest.mark.parametrize("way", ["untaken", "few", "many"])
def test_every_way_finds_what_a_plain_look_finds(
    wired: Services, ada: UserId, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the same question asked of each row in Python."""
    chance = random.Random(11)
    parts = (
        "Coffee",
        "MARKET",
        "no. 12",
        "100%",
        "under_score",
        "Zürich",
        "7-Eleven",
        "ref 8842",
        "o'Hara",
        "a/b",
    )
    account = books.make_account(ada)
    rows = [
        {
            "name": " ".join(chance.choices(parts, k=2)) + f" {number}",
            "merchant_name": chance.choice([None, chance.choice(parts)]),
            "amount_minor": -100 * number - 50,
        }
        for number in range(60)
    ]
    ids = books.make_transactions(account, rows)
    decided = {
        3: ("Holiday 99", None, ()),
        8: (None, "from MARKET Zoë", ()),
        11: (None, None, ("trip 5", "tax")),
    }
    said = [[str(row["name"]), str(row["merchant_name"] or "")] for row in rows]
    for at, (name, notes, tags) in decided.items():
        values = {key: value for key, value in (("name", name), ("notes", notes)) if value}
        wired.edits.change(ada, [ids[at]], Wish(values=values, add_tags=tags))
        said[at] += [name or "", notes or "", *tags]
    if way != "untaken":
        take_up(ada)
    if way == "many":
        monkeypatch.setattr(seeking, "FEW", 0)
    for words in (
        "coffee",
        "market",
        "12",
        "o. 1",
        "100%",
        "r_s",
        "eleven 1",
        "8842",
        "'har",
        "A/B",
        "holiday 99",
        "zoë",
    ):
        true = {
            str(row["name"])
            for row, texts in zip(rows, said, strict=True)
            if any(words.lower() in text.lower() for text in texts)
        }
        if words.isdigit():  # an amount too
            true |= {
                str(row["name"]) for row in rows if abs(int(str(row["amount_minor"]))) == int(words) * 100
            }
        assert searched(ada, words) == true, words
    for tag in ("trip 5", "tax"):
        assert found(ada, Filters(tags=(tag,))) == {str(rows[11]["name"])}
    for merchant in ("Coffee", "no. 12", "o'Hara"):
        true = {str(row["name"]) for row in rows if row["merchant_name"] == merchant}
        assert found(ada, Filters(merchant=merchant)) == true


def test_nobody_finds_by_what_another_says(app: Flask, ada: UserId) -> None:
    ben = factories.make_person(app, email="ben@example.org")
    books.make_transaction(books.make_account(ben), name="ZANZIBAR 1")
    books.make_transaction(books.make_account(ada), name="COFFEE 1")
    for person in (ada, ben):
        take_up(person)
    assert searched(ada, "zanzibar") == set()
    assert searched(ben, "zanzibar") == {"ZANZIBAR 1"}


def test_a_note_that_is_gone_leaves_no_words(wired: Services, ada: UserId) -> None:
    row = books.make_transaction(books.make_account(ada), name="Shop")
    made = wired.edits.change(ada, [row], Wish(values={"notes": "a secret present"}))
    assert searched(ada, "secret") == {"Shop"}
    assert kept(ada) == {"a secret present"}
    wired.edits.undo(ada, str(made.id))
    assert searched(ada, "secret") == set()
    assert kept(ada) == set()


def test_words_that_another_row_says_stay(wired: Services, ada: UserId) -> None:
    account = books.make_account(ada)
    one, other = books.make_transactions(account, [{"name": "A"}, {"name": "B"}])
    wired.edits.change(ada, [one, other], Wish(values={"notes": "shared"}))
    wired.edits.change(ada, [one], Wish(values={"notes": None}))
    assert searched(ada, "shared") == {"B"}


def test_a_sync_keeps_the_words_it_brings_and_a_connection_that_ends_takes_them_along(
    wired: Services, plaid: Running, jobs: InlineJobs, ada: UserId
) -> None:
    bank = Bank(wired, plaid, jobs, ada)
    row = db.session.scalars(select(PlaidTransaction).limit(1)).one()
    name, plaid_id = row.name, row.plaid_transaction_id
    unkeyed = select(func.count()).where(PlaidTransaction.wording.is_(None))
    assert db.session.scalar(unkeyed) == 0
    assert name in searched(ada, name.lower())
    bank.do("change", transaction_id=plaid_id, name="Zanzibar Spices 17")
    bank.sync()
    assert searched(ada, "zanzibar spices 17") == {"Zanzibar Spices 17"}
    assert db.session.scalar(unkeyed) == 0
    with unit_of_work() as unit:
        sums.delete_accounts(unit, ada, bank.connection().id)
    assert kept(ada) == set()


def test_rows_written_without_words_are_taken_up_by_a_worker(wired: Services, ada: UserId) -> None:
    books.make_transaction(books.make_account(ada), name="Corner Shop 5")
    assert kept(ada) == set()
    wording.take_up_some()
    assert kept(ada) == {"corner shop 0"}
    assert searched(ada, "corner") == {"Corner Shop 5"}


def test_words_that_a_bank_changed_are_forgotten_by_a_worker(ada: UserId) -> None:
    row = books.make_transaction(books.make_account(ada), name="Old")
    take_up(ada)
    with unit_of_work() as unit:
        unit.session.execute(
            update(PlaidTransaction).where(PlaidTransaction.id == row).values(name="New", wording=None)
        )
    take_up(ada)
    assert kept(ada) == {"old", "new"}
    wording.forget_all_unused()
    assert kept(ada) == {"new"}
