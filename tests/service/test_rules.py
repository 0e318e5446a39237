"""Rules: what they meet, what they change, and whom they never overrule."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from mingus.db import db
from mingus.errors import NotFound
from mingus.plaid.ledger import Arrival
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.ledger import Trigger
from mingus.transactions import catalogues
from mingus.transactions.edits import UnknownCategory
from mingus.transactions.edits import Wish
from mingus.transactions.own_categories import NameTaken
from mingus.transactions.rules import RuleWords
from mingus.transactions.rules import rules_of
from tests import factories
from tests.support import books
from tests.support.synced import SyncedBank

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running


@pytest.fixture
def ada(app: Flask, wired: Services) -> UserId:
    return factories.make_person(app)


def choice(row: str) -> TransactionChoice | None:
    db.session.rollback()
    return db.session.get(TransactionChoice, row, populate_existing=True)


def category(row: str) -> str | None:
    found = choice(row)
    return found.category if found is not None else None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (RuleWords(merchant="blue"), {"bottle"}),
        (RuleWords(text="SQ *"), {"bottle", "other"}),
        (RuleWords(text="sq *", least=Decimal(10)), {"other"}),
        (RuleWords(most=Decimal("5.75")), {"bottle"}),
        (RuleWords(money_in=True), {"salary"}),
        (RuleWords(text="SQ", money_in=True), set()),
        (RuleWords(text="100%"), set()),
    ],
)
def test_a_rule_meets_what_meets_every_condition(
    wired: Services, ada: UserId, words: RuleWords, expected: set[str]
) -> None:
    account = books.make_account(ada)
    rows = {
        "bottle": books.make_transaction(account, -575, "SQ *BB", merchant_name="Blue Bottle"),
        "other": books.make_transaction(account, -1_200, "SQ *TACOS"),
        "salary": books.make_transaction(account, 300_000, "ACME PAYROLL"),
    }
    met = wired.rules.matching(ada, words, limit=10)
    assert {name for name, row in rows.items() if row in met} == expected


def test_a_rule_of_one_account_leaves_the_others(wired: Services, ada: UserId) -> None:
    here, there = books.make_account(ada), books.make_account(ada)
    mine, other = books.make_transaction(here), books.make_transaction(there)
    assert wired.rules.matching(ada, RuleWords(account_id=here), limit=10) == [mine]
    assert other not in wired.rules.matching(ada, RuleWords(account_id=here), limit=10)


def test_the_past_follows_a_rule_only_where_the_person_did_not_decide(wired: Services, ada: UserId) -> None:
    account = books.make_account(ada)
    free, decided = books.make_transaction(account), books.make_transaction(account)
    wired.edits.change(ada, [decided], Wish(values={"category": "MEDICAL"}))
    words = RuleWords(text="coffee", category="TRAVEL", name="Coffee", tags=("bean",), hides=True)
    rule = wired.rules.write(ada, words)
    made = wired.rules.apply_to_past(ada, rule)
    assert made.count == 2
    assert (category(free), category(decided)) == ("TRAVEL", "MEDICAL")
    found = choice(decided)
    assert found is not None
    assert (found.name, found.tags, found.hidden) == ("Coffee", ["bean"], True)
    assert wired.rules.apply_to_past(ada, rule).count == 0
    wired.edits.undo(ada, str(made.id))
    assert (category(free), category(decided)) == (None, "MEDICAL")


def test_a_later_rule_overrules_an_earlier_one(wired: Services, ada: UserId) -> None:
    row = books.make_transaction(books.make_account(ada))
    wired.rules.write(ada, RuleWords(text="coffee", category="TRAVEL"))
    wired.rules.write(ada, RuleWords(text="coffee 42", category="MEDICAL"))
    wired.rules.apply_all(ada, [row])
    assert category(row) == "MEDICAL"


def test_rules_are_their_owners(app: Flask, wired: Services, ada: UserId) -> None:
    rule = wired.rules.write(ada, RuleWords(text="coffee", category="TRAVEL"))
    ben = factories.make_person(app, factories.BEN)
    for act in (
        lambda: wired.rules.delete(ben, rule),
        lambda: wired.rules.apply_to_past(ben, rule),
        lambda: wired.rules.write(ben, RuleWords(text="x", category="TRAVEL"), rule),
        lambda: wired.rules.write(ben, RuleWords(account_id=books.make_account(ada), category="TRAVEL")),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(UnknownCategory):
        wired.rules.write(ada, RuleWords(text="x", category="cat_bens"))
    wired.rules.delete(ada, rule)
    assert rules_of(ada) == []


def test_what_a_sync_brings_follows_the_rules_and_what_was_there_does_not(
    app: Flask, wired: Services, plaid: Running, jobs: InlineJobs
) -> None:
    ada = factories.make_person(app)
    bank = SyncedBank(wired, plaid, jobs, ada)
    before = wired.rules.matching(ada, RuleWords(money_in=False), limit=500)
    wired.rules.write(ada, RuleWords(money_in=False, category="TRAVEL"))
    bank.do("spend", amount=5)
    bank.sync()
    fresh = set(wired.rules.matching(ada, RuleWords(money_in=False), limit=500)) - set(before)
    assert len(fresh) == 1
    (row,) = fresh
    assert category(row) == "TRAVEL"
    assert not any(category(old) for old in before)
    assert wired.arrivals.waiting() == []
    wired.edits.change(ada, [row], Wish(values={"category": "MEDICAL"}))
    bank.do("post_pending")
    bank.sync()
    assert category(row) == "MEDICAL"


def test_a_lost_nudge_is_found_by_the_sweep(
    app: Flask, wired: Services, plaid: Running, jobs: InlineJobs
) -> None:
    bank = SyncedBank(wired, plaid, jobs, factories.make_person(app))
    bank.do("spend", amount=5)
    wired.sync.request(bank.connection_id, Trigger.PERSON)
    wired.sync.run(bank.connection_id)
    jobs.nudges.clear()
    (sync_id,) = wired.arrivals.waiting()
    arrivals = [sweep for sweep in wired.sweeps() if sweep.kind == "arrival"]
    assert [sweep.find() for sweep in arrivals] == [[sync_id]]
    wired.arrivals.settle(db.session.get_one(Arrival, sync_id).sync_id)
    assert wired.arrivals.waiting() == []


def test_an_own_category_is_made_renamed_and_deleted(wired: Services, ada: UserId) -> None:
    looks = {"icon": "dog", "hue": "lime", "parent": "GENERAL_MERCHANDISE"}
    pets = wired.own_categories.write(ada, name="Pets", **looks)
    row = books.make_transaction(books.make_account(ada))
    wired.edits.change(ada, [row], Wish(values={"category": pets}))
    wired.own_categories.write(ada, name="Dogs", **looks, category_id=pets)
    assert catalogues.of(ada).find(pets).label == "Dogs"
    with pytest.raises(NameTaken):
        wired.own_categories.write(ada, name="Dogs", **looks)
    wired.own_categories.delete(ada, pets)
    assert category(row) is None
    assert catalogues.of(ada).find(pets).label == "Uncategorised"
    with pytest.raises(NotFound):
        wired.own_categories.delete(ada, pets)
