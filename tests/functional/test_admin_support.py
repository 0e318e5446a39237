"""What is handed to others: a connection without its person, and a failed sync that the simulator plays again."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from typing import Any

import pytest
from sqlalchemy import select

from mingus.admin import support
from mingus.auth.models import Role
from mingus.auth.models import User
from mingus.db import db
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import SyncId
from mingus.plaid.models import PlaidAccount
from tests import factories
from tests.factories import CLEO
from tests.support.bank import break_calls
from tests.support.bank import mend_calls
from tests.support.bank import tell_plaid
from tests.support.connected import Bank

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from mingus.jobs import InlineJobs
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

DAY = re.compile(r"\d{4}-\d\d-\d\d")  # the day of a sync is told, and transactions have such days too
SHORTEST_PART = 6  # a shorter text may stand in an id by chance: it is only compared with whole values


@pytest.fixture
def bank(app: Flask, wired: Services, plaid: Running, jobs: InlineJobs, ambient: FrozenAmbient) -> Bank:
    """Imported a while ago: its calls are those of another time."""
    made = Bank(wired, plaid, jobs, factories.make_person(app))
    ambient.advance(minutes=5)
    return made


@pytest.fixture
def cleo(app: Flask) -> Browser:
    return factories.sign_in(app, factories.make_person(app, CLEO, role=Role.ADMIN))


def leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def of_the_member(bank: Bank) -> set[str]:
    """Every text and figure that says who the member is or what they have."""
    connection = bank.connection()
    found = {bank.wired.connections.token(connection), connection.sync_cursor, connection.user_id}
    db.session.rollback()
    person = db.session.get_one(User, connection.user_id)
    found |= {person.email, person.display_name, person.password_hash}
    for account in db.session.scalars(select(PlaidAccount)):
        found |= {account.name, account.official_name or "", account.mask or "", account.plaid_account_id}
        found |= {str(minor) for minor in (account.current_minor, account.available_minor) if minor}
    for row in db.session.scalars(select(PlaidTransaction)):
        found |= {row.name, row.merchant_name or "", row.plaid_transaction_id, str(row.amount_minor)}
        found |= {word for word in leaves(json.loads(row.raw)) if len(word) > 3 and not word.islower()}
    told_anyway = {"USD", "0", "", bank.item, str(connection.plaid_institution_id)}
    return found - told_anyway


def spoil(bank: Bank) -> SyncId:
    bank.spend_often(12)
    break_calls(bank.plaid, "odd_numbers", "/transactions/sync", count=1)
    log = bank.sync()
    mend_calls(bank.plaid)
    assert log.quarantined
    return log.id


def test_a_bundle_holds_what_helps_and_nothing_of_the_member(
    bank: Bank, ambient: FrozenAmbient, cleo: Browser
) -> None:
    spoil(bank)
    ambient.advance(minutes=5)
    break_calls(bank.plaid, "error", "/transactions/sync", code="INSTITUTION_DOWN")
    failed = bank.sync()
    answer = cleo.get(f"/admin/connections/{bank.connection_id}/support.json")
    assert "attachment" in answer.headers["Content-Disposition"]
    found = json.loads(answer.get_data(as_text=True))
    assert found["connection"]["error_code"] == "INSTITUTION_DOWN"
    assert found["syncs"][0]["calls"][-1]["request_id"] == failed.error_request_id
    assert {row["kind"] for row in found["set_aside"]} == {"quarantined"}
    assert found["set_aside"][0]["shape"]["transaction_id"] == "str"
    assert found["transactions"]["live"] > 0
    told = list(leaves(found))
    everything = "\n".join(told)
    for word in of_the_member(bank):
        assert word not in told, word
        assert len(word) < SHORTEST_PART or DAY.fullmatch(word) or word not in everything, word


def test_the_shape_of_a_row_names_no_key_that_could_say_something() -> None:
    raw = {"name": "Diner", "Ada Lovelace": 1, "tags": [{"x": None}], "amount": 1.5}
    assert support._shape(raw) == {"name": "str", "?": "int", "tags": [{"x": "null"}], "amount": "float"}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("error", {"code": "INSTITUTION_DOWN"}),
        ("error", {"code": "ITEM_LOGIN_REQUIRED", "endpoint": "/accounts/get"}),
        ("reset_before", {}),
        ("invalid_json", {}),
    ],
)
def test_a_failed_sync_fails_the_same_way_when_the_simulator_plays_it(
    bank: Bank, wired: Services, ambient: FrozenAmbient, kind: str, more: dict[str, str]
) -> None:
    bank.do("spend", amount=3)
    rest = {"endpoint": "/transactions/sync", **more}
    break_calls(bank.plaid, kind, rest.pop("endpoint"), count=1, **rest)
    failed = bank.sync()
    assert failed.status == "failed"
    mend_calls(bank.plaid)
    story = support.scenario(failed.id, now=wired.ambient.now())
    assert story is not None
    assert bank.connection().user_id not in story
    bank.do("heal")
    bank.do("spend", amount=4)
    while bank.sync().status == "failed":
        ambient.advance(minutes=10)  # the bank rests for a while
    ambient.advance(minutes=10)
    bank.do("spend", amount=5)
    tell_plaid(bank.plaid, "/control/scenarios", {"text": story, "item_id": bank.item})
    tell_plaid(bank.plaid, "/control/clock", {"advance_seconds": 1})
    again = bank.sync()
    assert (again.status, again.error_code) == ("failed", failed.error_code)


def test_rows_that_could_not_be_read_can_not_be_read_when_the_simulator_plays_it(
    bank: Bank, wired: Services
) -> None:
    story = support.scenario(spoil(bank), now=wired.ambient.now())
    assert story is not None
    tell_plaid(bank.plaid, "/control/scenarios", {"text": story, "item_id": bank.item})
    tell_plaid(bank.plaid, "/control/clock", {"advance_seconds": 1})
    bank.spend_often(12)
    assert bank.sync().quarantined > 0


def test_a_sync_that_went_well_is_no_story(bank: Bank, cleo: Browser) -> None:
    log = bank.sync()
    assert cleo.get(f"/admin/syncs/{log.id}/scenario.toml").status_code == 409
    failed = spoil(bank)
    answer = cleo.get(f"/admin/syncs/{failed}/scenario.toml")
    assert "odd_numbers" in answer.get_data(as_text=True)
    for url in ("/admin/connections/con_x/support.json", "/admin/syncs/sync_x/scenario.toml"):
        assert cleo.get(url).status_code == 404


def test_commands_print_both(app: Flask, bank: Bank) -> None:
    failed = spoil(bank)
    runner = app.test_cli_runner()
    bundle = runner.invoke(args=["plaid", "support-bundle", bank.connection_id])
    assert json.loads(bundle.output)["connection"]["id"] == bank.connection_id
    assert "[[step]]" in runner.invoke(args=["plaid", "scenario", failed]).output
    assert runner.invoke(args=["plaid", "scenario", "sync_x"]).exit_code == 1
