"""Files into an account that is kept by hand: looked over, taken in once, taken back whole."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mingus.db import db
from mingus.imports.models import TransactionImport
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import AccountId
from mingus.plaid.models import PlaidAccount
from mingus.services import services
from mingus.transactions.models import TransactionRule
from tests import factories
from tests.factories import BEN
from tests.support.books import Desk
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from mingus.jobs import InlineJobs
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

CSV = (
    b"Date,Description,Amount,Balance\n2026-05-01,Tea,-2.50,97.50\n2026-05-02,Tea,-2.50,95.00\nsoon,Tea,1,1\n"
)
OFX = (
    b"OFXHEADER:100\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>USD<BANKTRANLIST>"
    b"<STMTTRN><DTPOSTED>20260501<TRNAMT>-2.50<FITID>a<NAME>Tea</STMTTRN>"
    b"<STMTTRN><DTPOSTED>20260503<TRNAMT>-9.00<FITID>b<NAME>Cake</STMTTRN>"
    b"</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
)


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(app, factories.make_person(app))


@pytest.fixture
def window(app: Flask, desk: Desk) -> Browser:
    return factories.sign_in(app, desk.owner)


@pytest.fixture
def wallet(window: Browser) -> AccountId:
    fields = {"kind": "account", "name": "Old bank", "currency": "USD", "amount": "", "on": "2026-05-04"}
    answer = window.submit("/accounts/new", **fields)
    return AccountId(answer.headers["Location"].rpartition("/")[2])


def bring(window: Browser, account: str, content: bytes = CSV, name: str = "may.csv") -> TestResponse:
    file = (io.BytesIO(content), name)
    return window.submit(f"/accounts/{account}/import", file=file, content_type="multipart/form-data")


def draft(window: Browser, account: str, content: bytes = CSV) -> str:
    """Bring a file; gives the address of its look."""
    answer = bring(window, account, content)
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def rows(app: Flask, account: str) -> list[tuple[str, int, str]]:
    with app.app_context():
        found = db.session.scalars(
            select(PlaidTransaction)
            .where(PlaidTransaction.account_id == account)
            .order_by(PlaidTransaction.date, PlaidTransaction.id)
        )
        return [(row.date.isoformat(), row.amount_minor, row.name) for row in found]


def test_a_file_is_looked_over_before_anything_is_written(
    app: Flask, window: Browser, wallet: AccountId
) -> None:
    page = text_of(window.get(draft(window, wallet)))
    assert "Import 2 transactions" in page
    assert "no date" in page
    assert "$95.00 on May 2, 2026" in page
    assert rows(app, wallet) == []


def test_what_is_taken_in_is_an_ordinary_transaction(app: Flask, window: Browser, wallet: AccountId) -> None:
    address = draft(window, wallet)
    window.submit(f"{address}/take-in", with_value="y")
    assert rows(app, wallet) == [("2026-05-01", -250, "Tea"), ("2026-05-02", -250, "Tea")]
    assert "Old bank" in text_of(window.get("/transactions"))
    assert "$5.00" in text_of(window.get("/reports/merchants"))
    page = text_of(window.get(f"/accounts/{wallet}"))
    assert "Value $95.00" in page
    assert "2 new transactions" in text_of(window.get("/activity"))


def test_the_files_balance_is_kept_only_if_wished(
    app: Flask, desk: Desk, window: Browser, wallet: AccountId
) -> None:
    window.submit(f"{draft(window, wallet)}/take-in")
    account = desk.read(PlaidAccount, wallet)
    assert account is not None
    assert account.current_minor is None


def test_the_same_file_again_brings_nothing(app: Flask, window: Browser, wallet: AccountId) -> None:
    window.submit(f"{draft(window, wallet)}/take-in", with_value="y")
    again = draft(window, wallet)
    assert "2 are here already and are left out" in text_of(window.get(again))
    window.submit(f"{again}/take-in")
    assert len(rows(app, wallet)) == 2


def test_another_kind_of_file_brings_only_what_is_new(app: Flask, window: Browser, wallet: AccountId) -> None:
    window.submit(f"{draft(window, wallet)}/take-in")
    window.submit(f"{draft(window, wallet, OFX)}/take-in")
    assert rows(app, wallet)[2:] == [("2026-05-03", -900, "Cake")]
    again = draft(window, wallet, OFX.replace(b"Cake", b"Cake, renamed"))
    assert "Nothing new" in text_of(window.get(again))


def test_pressing_twice_takes_it_in_once(app: Flask, window: Browser, wallet: AccountId) -> None:
    address = draft(window, wallet)
    window.submit(f"{address}/take-in")
    assert window.submit(f"{address}/take-in").status_code == 409
    assert window.get(address).status_code == 409
    assert len(rows(app, wallet)) == 2


def test_a_whole_import_is_taken_back_with_its_value(
    app: Flask, desk: Desk, window: Browser, wallet: AccountId
) -> None:
    window.submit(f"/accounts/{wallet}/values", amount="50", on="2026-05-02")
    kept = desk.transaction(wallet, -1, "Kept")
    address = draft(window, wallet)
    window.submit(f"{address}/take-in", with_value="y")
    assert window.submit(f"{address}/take-back").status_code == 303
    assert rows(app, wallet) == [("2026-05-04", -1, "Kept")]
    assert desk.read(PlaidTransaction, kept) is not None
    snapshot = desk.read(BalanceSnapshot, (wallet, dt.date(2026, 5, 2)))
    assert snapshot is not None
    assert snapshot.current_minor == 5_000
    assert window.submit(f"{address}/take-back").status_code == 404
    assert "Taken back" in text_of(window.get(f"/accounts/{wallet}/import"))


def test_a_value_that_was_not_there_before_goes_with_the_import(
    desk: Desk, window: Browser, wallet: AccountId
) -> None:
    address = draft(window, wallet)
    window.submit(f"{address}/take-in", with_value="y")
    window.submit(f"{address}/take-back")
    account = desk.read(PlaidAccount, wallet)
    assert account is not None
    assert account.current_minor is None


def test_another_layout_reads_the_file_anew_and_is_remembered(
    app: Flask, window: Browser, wallet: AccountId
) -> None:
    address = draft(window, wallet)
    layout = {
        "date": "0",
        "order": "ymd",
        "amount": "2",
        "sign": "turned",
        "decimal": ".",
        "memo": "1",
        "headed": "y",
    }
    assert window.submit(address, **layout).status_code == 303
    window.submit(f"{address}/take-in")
    assert [minor for _, minor, _ in rows(app, wallet)] == [250, 250]
    again = window.get(draft(window, wallet, CSV.replace(b"2.50", b"3.50"))).get_data(as_text=True)
    assert '<option selected value="turned">' in again
    assert window.submit(address, **{**layout, "date": "9"}).status_code == 409


def test_a_layout_that_the_file_does_not_have_is_refused(window: Browser, wallet: AccountId) -> None:
    assert window.submit(draft(window, wallet), date="9").status_code == 422


def test_one_of_several_statements_is_chosen(app: Flask, window: Browser, wallet: AccountId) -> None:
    second = OFX.replace(b"</OFX>", b"").replace(b"Cake", b"Pie") + OFX[OFX.index(b"<OFX>") :]
    address = draft(window, wallet, second)
    assert window.submit(address, statement="1").status_code == 303
    window.submit(f"{address}/take-in")
    assert rows(app, wallet)[1][2] == "Cake"
    other = draft(window, wallet, second)
    assert window.submit(other, statement="7").status_code == 422


def test_rules_see_what_a_file_brought(
    app: Flask, desk: Desk, window: Browser, wallet: AccountId, jobs: InlineJobs, ambient: FrozenAmbient
) -> None:
    desk.put(
        TransactionRule(
            id="rule_1",
            user_id=desk.owner,
            created_at=ambient.now(),
            text="tea",
            name="My tea",
            tags=[],
            hides=False,
        )
    )
    window.submit(f"{draft(window, wallet)}/take-in")
    jobs.run_all()
    assert "My tea" in text_of(window.get("/transactions"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "This file is empty"),
        (b"%PDF-1.7 and so on", "This is no CSV or OFX file"),
        (b"only words", "no table in this file"),
        (b"OFXHEADER:100 <OFX></OFX>", "no statement in this OFX file"),
        (b"<!DOCTYPE x><OFX><STMTRS></STMTRS></OFX>", "defines things of its own"),
        (b"a,b\n" * 50_002, "too large"),
    ],
)
def test_a_bad_file_is_told_and_loses_nothing(
    app: Flask, desk: Desk, window: Browser, wallet: AccountId, content: bytes, told: str
) -> None:
    desk.transaction(wallet)
    answer = bring(window, wallet, content)
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert len(rows(app, wallet)) == 1
    with app.app_context():
        assert db.session.scalars(select(TransactionImport)).all() == []


def test_a_file_beyond_all_measure_is_not_even_read(window: Browser, wallet: AccountId) -> None:
    body = b"x" * (7 * 1024 * 1024)
    kind = "multipart/form-data; boundary=x"
    assert window.post(f"/accounts/{wallet}/import", data=body, content_type=kind).status_code == 413
    assert window.submit(f"/accounts/{wallet}/values", amount="9" * 1_200_000).status_code == 413


def test_no_file_is_asked_for(window: Browser, wallet: AccountId) -> None:
    answer = window.submit(f"/accounts/{wallet}/import")
    assert answer.status_code == 422
    assert "Choose a file" in text_of(answer)


def test_a_new_file_takes_the_place_of_a_draft_and_a_draft_can_be_left(
    app: Flask, window: Browser, wallet: AccountId
) -> None:
    first = draft(window, wallet)
    second = draft(window, wallet)
    assert window.get(first).status_code == 404
    assert window.submit(f"{second}/leave").status_code == 303
    assert window.get(second).status_code == 404
    assert rows(app, wallet) == []


def test_a_file_that_nobody_decides_about_is_forgotten_after_a_day(
    app: Flask, window: Browser, wallet: AccountId, ambient: FrozenAmbient
) -> None:
    done = draft(window, wallet)
    window.submit(f"{done}/take-in")
    draft(window, wallet)
    ambient.advance(days=1, seconds=1)
    with app.app_context():
        services().imports.forget_drafts()
        (left,) = db.session.scalars(select(TransactionImport)).all()
    assert (left.id, left.content) == (done.rpartition("/")[2], None)


def test_texts_of_a_file_are_never_markup(window: Browser, wallet: AccountId) -> None:
    page = window.get(draft(window, wallet, CSV.replace(b"Tea", b"<script>x</script>"))).get_data(
        as_text=True
    )
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_a_banks_account_takes_no_files(desk: Desk, window: Browser) -> None:
    account = desk.account()
    assert window.get(f"/accounts/{account}/import").status_code == 404


def test_somebody_elses_is_as_if_missing(app: Flask, window: Browser, wallet: AccountId) -> None:
    address = draft(window, wallet)
    ben = factories.sign_in(app, factories.make_person(app, BEN))
    assert ben.get(f"/accounts/{wallet}/import").status_code == 404
    assert ben.get(address).status_code == 404
    for what in ("take-in", "take-back", "leave"):
        assert ben.submit(f"{address}/{what}").status_code == 404
    assert rows(app, wallet) == []


def test_strangers_sign_in_first_and_odd_requests_change_nothing(
    app: Flask, window: Browser, wallet: AccountId
) -> None:
    address = draft(window, wallet)
    assert app.test_client().get(address).status_code == 303
    assert window.get(f"{address}/take-in").status_code == 405
    assert window.post(f"{address}/take-in").status_code == 400
    assert window.get("/imports/imp_none").status_code == 404
    assert rows(app, wallet) == []
