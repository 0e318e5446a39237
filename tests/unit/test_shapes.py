"""What a bank may write into a row, and what the ledger makes of it: kept exactly, cleaned, or set aside whole."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest

from mingus.plaid import synced
from mingus.plaid import wire
from mingus.plaid.synced import TransactionFacts
from mingus.plaid.synced import UnreadableRow

ROW: dict[str, Any] = {
    "transaction_id": "t1",
    "account_id": "a1",
    "amount": 12.5,
    "date": "2026-02-28",
    "pending": False,
    "name": "Café",
    "iso_currency_code": "USD",
}
PAGE: dict[str, Any] = {
    "added": [],
    "modified": [],
    "removed": [],
    "next_cursor": "c",
    "has_more": False,
    "transactions_update_status": "HISTORICAL_UPDATE_COMPLETE",
    "request_id": "r",
}


def read(text: str) -> TransactionFacts | UnreadableRow:
    [found] = synced.read_rows([msgspec.Raw(text.encode("utf-8", "surrogatepass"))])
    return found


def facts(**changes: Any) -> TransactionFacts:
    found = read(json.dumps({**ROW, **changes}))
    assert isinstance(found, TransactionFacts), found
    return found


def aside(**changes: Any) -> UnreadableRow:
    found = read(json.dumps({**ROW, **changes}))
    assert isinstance(found, UnreadableRow), found
    return found


def test_unknown_fields_and_words_are_no_matter_and_stay_in_the_raw_row() -> None:
    row = facts(novelty={"deep": [1]}, payment_channel="telepathy")
    assert row.payment_channel == "telepathy"
    assert json.loads(row.raw)["novelty"] == {"deep": [1]}


@pytest.mark.parametrize("name", ["next_cursor", "has_more", "added", "removed", "request_id"])
def test_a_page_without_a_field_it_must_have_is_refused(name: str) -> None:
    body = json.dumps({key: value for key, value in PAGE.items() if key != name}).encode()
    with pytest.raises(wire.UnreadableAnswer):
        wire.decode(body, synced.SyncPage)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"3", b"null", b'{"added": {}}', b"", b"<html>"])
def test_a_page_of_another_kind_is_refused(body: bytes) -> None:
    with pytest.raises(wire.UnreadableAnswer):
        wire.decode(body, synced.SyncPage)


@pytest.mark.parametrize("name", ["transaction_id", "account_id", "amount", "date", "pending"])
def test_a_row_without_a_field_it_must_have_is_set_aside_whole(name: str) -> None:
    row = {key: value for key, value in ROW.items() if key != name}
    found = read(json.dumps(row))
    assert isinstance(found, UnreadableRow)
    assert json.loads(found.raw) == row
    assert name in found.reason


@pytest.mark.parametrize(
    ("codes", "currency"),
    [
        ({"iso_currency_code": None}, ""),
        ({"iso_currency_code": None, "unofficial_currency_code": "BTC"}, "BTC"),
        ({"iso_currency_code": "XYZ"}, "XYZ"),
    ],
)
def test_a_currency_that_is_none_of_the_known_is_kept_apart(codes: dict[str, Any], currency: str) -> None:
    found = facts(**codes).currency
    assert found != "USD"
    assert found.endswith(currency)


@pytest.mark.parametrize(
    ("amount", "minor", "exact"),
    [
        ("12.345", -1234, "-12.345"),
        ("1e15", -(10**17), None),
        ("-0", 0, None),
        ("-0.0", 0, None),
        ("0.005", 0, "-0.005"),
        ("1234567890123.45", -123456789012345, None),
    ],
)
def test_amounts_are_exact_whatever_their_digits(amount: str, minor: int, exact: str | None) -> None:
    found = read(json.dumps(ROW).replace("12.5", amount))
    assert isinstance(found, TransactionFacts)
    assert (found.amount_minor, found.amount_exact) == (minor, exact)


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "null", '"much"', "1e400", "[]", "true"])
def test_what_is_no_amount_is_set_aside(amount: str) -> None:
    assert isinstance(read(json.dumps(ROW).replace("12.5", amount)), UnreadableRow)


@pytest.mark.parametrize("date", ["1899-12-31", "9999-01-01", "2026-02-30", "yesterday", None, 7])
def test_a_date_that_is_none_is_set_aside(date: object) -> None:
    aside(date=date)


def test_the_year_1900_is_a_date() -> None:
    assert facts(date="1900-01-01").date == dt.date(1900, 1, 1)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("nul\x00inside", "nul inside"),
        ("right\u202eto left", "right to left"),
        ("emoji \U0001f600", "emoji \U0001f600"),
        ("x" * 100_000, "x" * synced.TEXT_LENGTH),
        ("two  spaces", "two spaces"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("=SUM(A1:A9)", "=SUM(A1:A9)"),
    ],
)
def test_names_are_cleaned_of_what_breaks_and_kept_as_they_are_otherwise(name: str, kept: str) -> None:
    found = facts(name=name).name
    assert found.startswith(kept)
    found.encode()  # no database refuses it
    assert found.isprintable()


@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00", "\\ud83d\\ud83d", "\\ude00\\ud83d"])
def test_half_a_character_is_lost_and_nothing_else(half: str) -> None:
    rows = [{**ROW, "name": "HALF one"}, {**ROW, "transaction_id": "t2", "name": "whole \U0001f600"}]
    body = json.dumps({**PAGE, "added": rows}).replace("HALF", half)
    page = wire.decode(body.encode(), synced.SyncPage)
    [odd, good] = synced.read_rows(page.added)
    assert isinstance(odd, TransactionFacts)
    assert isinstance(good, TransactionFacts)
    assert odd.name.replace("\ufffd", "") == " one"
    assert good.name == "whole \U0001f600"
    odd.raw.encode()


@pytest.mark.parametrize("current", [None, "unknown", "NaN"])
def test_a_balance_that_is_none_is_unknown_and_not_zero(current: object) -> None:
    account = {
        "account_id": "a1",
        "name": "Checking",
        "type": "depository",
        "balances": {"current": current, "iso_currency_code": "USD"},
    }
    found = wire.account_facts(wire.decode(json.dumps(account).encode(), wire.WireAccount))
    assert (found.current_minor, found.available_minor, found.limit_minor) == (None, None, None)
