"""Everything of a person as one file: complete, valid, and nobody else's."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING
from typing import Any

import pytest
from beancount import loader
from beancount.core import data
from jsonschema import Draft202012Validator
from ofxtools.Parser import OFXTree

from mingus.exports import archive
from mingus.exports import takeout
from mingus.exports.archive import Pipe
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.ledger import TransactionChoice
from mingus.services import services
from tests import factories
from tests.factories import ADA
from tests.factories import BEN
from tests.support.books import DAY
from tests.support.books import Desk

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from tests.support.browser import Browser


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(app, factories.make_person(app))


@pytest.fixture
def window(app: Flask, desk: Desk) -> Browser:
    return factories.sign_in(app, desk.owner)


def unpack(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archived:
        assert archived.testzip() is None
        return {name: archived.read(name).decode() for name in archived.namelist()}


def everything(window: Browser) -> dict[str, str]:
    answer = window.get("/settings/data/everything.zip")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="mingus-2026-05-04.zip"'
    return unpack(answer.get_data())


def account(files: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files["account.json"])
    Draft202012Validator(json.loads(files["account.schema.json"])).validate(found)
    return found


def test_an_empty_account_is_a_valid_one(window: Browser) -> None:
    found = account(everything(window))
    assert [one["email"] for one in found["users"]] == [ADA]
    assert found["transactions"] == []


def test_all_rows_are_in_it_and_nobody_elses(app: Flask, desk: Desk, window: Browser) -> None:
    checking = desk.account()
    shown, hidden = desk.transaction(checking, -5, "Shown"), desk.transaction(checking, -7, "Hidden")
    gone = desk.transaction(checking, -9, "Taken back", removed_at=services_now(app))
    desk.put(
        TransactionChoice(
            transaction_id=hidden, user_id=desk.owner, hidden=True, tags=["ä"], notes="mine", origins={}
        ),
        BalanceSnapshot(account_id=checking, taken_on=DAY, current_minor=5, currency="USD"),
    )
    stranger = Desk(app, factories.make_person(app, BEN))
    stranger.transaction(stranger.account(), -99, "Not yours")
    files = everything(window)
    found = account(files)
    assert {one["id"]: one["amount_minor"] for one in found["transactions"]} == {
        shown: -5,
        hidden: -7,
        gone: -9,
    }
    assert found["transaction_choices"][0]["notes"] == "mine"
    assert found["balance_snapshots"][0]["current_minor"] == 5
    assert "Hidden" in files["transactions.csv"]
    assert "Taken back" not in files["transactions.csv"]
    assert not any("Not yours" in text or BEN in text for text in files.values())


def services_now(app: Flask) -> Any:
    with app.app_context():
        return services().ambient.now()


def test_no_password_and_no_key_leaves(window: Browser) -> None:
    text = everything(window)["account.json"]
    assert "hash" not in text
    assert "secret" not in text
    assert "$argon2" not in text


def test_the_ledger_is_in_balance_and_a_finance_program_reads_the_statements(
    desk: Desk, window: Browser
) -> None:
    checking = desk.account(current_minor=100_000)
    desk.account(name="Loan", type="loan", subtype="student", current_minor=-900_000)
    desk.account(name="Silent", current_minor=None)
    desk.transactions(checking, [{"amount_minor": -100 - number} for number in range(700)])
    desk.transaction(checking, -3_333, pending=True)
    files = everything(window)
    entries, errors, _ = loader.load_string(files["transactions.beancount"])
    assert errors == []
    checks = [one for one in entries if isinstance(one, data.Balance)]
    assert sorted(str(one.amount) for one in checks) == ["-9000.00 USD", "1000.00 USD"]
    parser = OFXTree()
    parser.parse(io.BytesIO(files["transactions.ofx"].encode()))
    assert [len(one.transactions or ()) for one in parser.convert().statements] == [700, 0]


def test_the_file_is_sent_while_it_is_made(app: Flask, desk: Desk) -> None:
    checking = desk.account()
    desk.transactions(checking, [{"name": f"{number:x}" * 50} for number in range(2_000)])
    with app.app_context():
        wired = services()
        now = wired.ambient.now()
        made = list(archive.everything(desk.owner, environment="simulator", now=now, today=now.date()))
    assert len(made) > 3
    assert max(map(len, made)) < len(b"".join(made)) / 2


def test_the_pipe_forgets_what_was_taken_out() -> None:
    pipe = Pipe()
    assert list(pipe.drain()) == []
    pipe.write(b"ab")
    pipe.flush()
    assert list(pipe.drain()) == [b"ab"]
    assert list(pipe.drain()) == []


def test_the_page_leads_to_the_file_and_asks_for_a_sign_in(app: Flask, window: Browser) -> None:
    assert "/settings/data/everything.zip" in window.get("/settings/data").get_data(as_text=True)
    for path in ("/settings/data", "/settings/data/everything.zip"):
        assert app.test_client().get(path).status_code == 303
        assert window.post(path).status_code in {400, 405}


def test_the_command_writes_a_file_for_the_operator_alone(app: Flask, desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "ada.zip"
    words = ["export", "--user", ADA.upper(), "--to", str(path)]
    result = app.test_cli_runner().invoke(args=words)
    assert (result.exit_code, ADA in result.output) == (0, True)
    assert path.stat().st_mode & 0o777 == 0o600
    assert account(unpack(path.read_bytes()))["users"][0]["email"] == ADA
    again = app.test_cli_runner().invoke(args=words)
    assert (again.exit_code, "File exists" in again.output) == (1, True)
    unknown = app.test_cli_runner().invoke(args=["export", "--user", BEN, "--to", str(tmp_path / "no.zip")])
    assert (unknown.exit_code, (tmp_path / "no.zip").exists()) == (1, False)


def test_the_schema_is_one(app: Flask) -> None:
    Draft202012Validator.check_schema(takeout.schema())


def test_what_happened_with_the_account_is_in_it_without_who_else_acted(app: Flask, window: Browser) -> None:
    everything(window)
    found = account(everything(window))["audit_events"]
    assert found
    assert {"action", "at", "facts"} <= set(found[0])
    assert not {"actor_id", "address", "hash", "subject_mark"} & set(found[0])
