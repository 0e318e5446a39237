"""Accounts that are kept by hand: added, valued, shown apart, counted together, deleted."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from mingus.auth.models import Role
from mingus.db import db
from mingus.manual import service as manual_service
from mingus.plaid import history
from mingus.plaid import queries
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import PlaidAccount
from mingus.services import services
from tests import factories
from tests.factories import BEN
from tests.support.books import DAY
from tests.support.books import Desk
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask

    from mingus.plaid.models import AccountId
    from tests.support.ambient import FrozenAmbient
    from tests.support.browser import Browser

HERE = "simulator"
TODAY = "2026-05-04"
HOUSE = {"kind": "property", "name": "Our house", "amount": "250,000", "currency": "USD", "on": "2026-01-31"}


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(app, factories.make_person(app))


@pytest.fixture
def window(app: Flask, desk: Desk) -> Browser:
    return factories.sign_in(app, desk.owner)


def add(window: Browser, **fields: str) -> str:
    """Add an account; gives its address."""
    answer = window.submit("/accounts/new", **{**HOUSE, **fields})
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def worth(app: Flask, desk: Desk) -> list[str]:
    with app.app_context():
        accounts = queries.accounts_of(desk.owner, environment=HERE)
        return [str(total) for total in queries.net_worth(accounts)]


def curve(app: Flask, desk: Desk, since: dt.date) -> dict[dt.date, int]:
    with app.app_context():
        found = history.net_worth_history(desk.owner, environment=HERE, since=since, until=DAY)
    return {point.date: point.minor for points in found.values() for point in points}


def test_what_is_owned_and_owed_by_hand_counts_beside_the_banks(
    app: Flask, desk: Desk, window: Browser
) -> None:
    bank = desk.account(current_minor=100_00)
    desk.put(BalanceSnapshot(account_id=bank, taken_on=DAY, current_minor=100_00, currency="USD"))
    add(window)
    add(window, kind="loan", name="Loan of Aunt May", amount="50,000.50")
    assert worth(app, desk) == ["200099.50 USD"]
    for path in ("/", "/reports/net-worth"):
        assert "$200,099.50" in text_of(window.get(path))
    assert curve(app, desk, dt.date(2026, 2, 1))[DAY] == 200_099_50


def test_they_are_told_apart_from_what_a_bank_says(desk: Desk, window: Browser) -> None:
    desk.account()
    address = add(window)
    accounts = text_of(window.get("/accounts"))
    assert "Kept by you, no bank tells of it" in accounts
    assert "value of Jan 31, 2026" in accounts
    page = text_of(window.get(address))
    assert "House or flat · By hand" in page
    assert "Kept by hand · value of Jan 31, 2026" in page
    assert "Sync now" not in page


def test_the_newest_value_counts_and_each_stands_from_its_day(
    app: Flask, desk: Desk, window: Browser
) -> None:
    address = add(window)
    window.submit(f"{address}/values", amount="260,000", on="2026-04-01")
    window.submit(f"{address}/values", amount="240,000", on="2025-12-01")
    assert worth(app, desk) == ["260000.00 USD"]
    days = curve(app, desk, dt.date(2026, 1, 1))
    found = [days[dt.date(2026, month, 1)] // 100 for month in (1, 2, 4)]
    assert found == [240_000, 250_000, 260_000]


def test_a_value_is_changed_moved_to_another_day_and_taken_back(
    app: Flask, desk: Desk, window: Browser
) -> None:
    address = add(window)
    window.submit(f"{address}/values", amount="260,000", on="2026-04-01")
    window.submit(f"{address}/values/2026-04-01", amount="255,000", on="2025-04-01")
    assert worth(app, desk) == ["250000.00 USD"]
    window.submit(f"{address}/values/2026-01-31/delete")
    assert worth(app, desk) == ["255000.00 USD"]
    window.submit(f"{address}/values/2025-04-01/delete")
    assert worth(app, desk) == []
    assert "no value yet" in text_of(window.get(address))


def test_a_debt_is_asked_and_shown_without_its_sign(app: Flask, desk: Desk, window: Browser) -> None:
    address = add(window, kind="card", name="Card", amount="12.50")
    assert worth(app, desk) == ["-12.50 USD"]
    assert "Owed $12.50" in text_of(window.get(address))
    assert 'value="12.50"' in window.get(f"{address}/values/2026-01-31").get_data(as_text=True)


def test_the_next_value_is_suggested_from_what_was_booked_since(desk: Desk, window: Browser) -> None:
    address = add(window, kind="cash", name="Wallet", amount="100")
    account_id: AccountId = address.rpartition("/")[2]  # type: ignore[assignment]  # out of an address
    desk.transaction(account_id, -20_00, date=dt.date(2026, 2, 1))
    desk.transaction(account_id, -99_00, date=dt.date(2026, 1, 31))
    assert 'value="80.00"' in window.get(f"{address}/values").get_data(as_text=True)
    assert "COFFEE 42" in text_of(window.get(address))
    assert "COFFEE 42" in text_of(window.get("/transactions"))


def test_amounts_are_read_as_the_person_writes_them(app: Flask, desk: Desk, window: Browser) -> None:
    window.submit(
        "/settings",
        display_name="Ada",
        time_zone="UTC",
        language="en",
        region="DE",
        currency="EUR",
        theme="system",
    )
    address = add(window, amount="1.234,56", currency="EUR")
    assert worth(app, desk) == ["1234.56 EUR"]
    refused = window.submit(f"{address}/values", amount="1,234.56", on=TODAY)
    assert refused.status_code == 422
    assert "Write it like 1.234,50" in text_of(refused)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", "a lot"),
        ("amount", "9" * 30),
        ("amount", "1" * 41),
        ("on", "2026-05-05"),
        ("on", "1066-10-14"),
        ("on", "soon"),
        ("kind", "moon"),
        ("currency", "???"),
        ("name", ""),
        ("name", "n" * 81),
    ],
)
def test_a_wrong_field_adds_nothing(app: Flask, window: Browser, field: str, value: str) -> None:
    assert window.submit("/accounts/new", **{**HOUSE, field: value}).status_code == 422
    with app.app_context():
        assert db.session.scalars(select(PlaidAccount)).all() == []


def test_hidden_it_is_folded_and_counts_nowhere(app: Flask, desk: Desk, window: Browser) -> None:
    address = add(window)
    window.submit(f"{address}/edit", name="The house", hidden="y")
    assert worth(app, desk) == []
    page = text_of(window.get("/accounts"))
    assert "1 hidden account" in page
    assert "The house" in page


def test_deleting_asks_and_then_takes_everything(app: Flask, desk: Desk, window: Browser) -> None:
    address = add(window)
    account_id: AccountId = address.rpartition("/")[2]  # type: ignore[assignment]  # out of an address
    row = desk.transaction(account_id)
    assert "can't be brought back" in text_of(window.get(f"{address}/delete"))
    assert window.submit(f"{address}/delete").status_code == 303
    assert desk.read(PlaidAccount, account_id) is None
    assert desk.read(PlaidTransaction, row) is None
    assert desk.read(BalanceSnapshot, (account_id, dt.date(2026, 1, 31))) is None


def test_midnight_writes_no_value_that_nobody_gave(
    app: Flask, desk: Desk, window: Browser, ambient: FrozenAmbient
) -> None:
    address = add(window)
    ambient.advance(days=3)
    with app.app_context():
        services().snapshots.close_days()
        days = db.session.scalars(
            select(BalanceSnapshot.taken_on).where(BalanceSnapshot.account_id == address.rpartition("/")[2])
        ).all()
    assert days == [dt.date(2026, 1, 31)]


def test_nobody_reads_it_and_no_operator_sees_it(app: Flask, desk: Desk, window: Browser) -> None:
    add(window)
    with app.app_context():
        wired = services()
        assert wired.plaid.request_syncs(desk.owner, None) == []
        assert wired.connections.checks_due() == []
        assert wired.connections.removals_due() == []
        assert queries.all_connections(environment=HERE) == []
        assert queries.connection_cards(desk.owner, environment=HERE, now=wired.ambient.now()) == []
    cleo = factories.sign_in(app, factories.make_person(app, "cleo@mingus.test", role=Role.ADMIN))
    assert "By hand" not in text_of(cleo.get("/admin/connections"))


def test_it_can_not_be_synced_reconnected_or_disconnected(app: Flask, window: Browser, desk: Desk) -> None:
    account_id: AccountId = add(window).rpartition("/")[2]  # type: ignore[assignment]  # out of an address
    connection = getattr(desk.read(PlaidAccount, account_id), "connection_id", "")
    assert window.submit(f"/connections/{connection}/sync").status_code == 404
    assert window.get(f"/connections/{connection}/disconnect").status_code == 404
    assert window.get(f"/connect?connection={connection}").status_code == 404
    found = window.get("/api/plaid/connections").get_json()
    assert found["connections"] == []


def test_a_banks_account_takes_no_values_by_hand(desk: Desk, window: Browser) -> None:
    account_id = desk.account()
    for path in ("values", "values/2026-05-04", "delete"):
        assert window.get(f"/accounts/{account_id}/{path}").status_code == 404
    assert window.submit(f"/accounts/{account_id}/values/2026-05-04/delete").status_code == 404


def test_somebody_elses_is_as_if_missing(app: Flask, window: Browser) -> None:
    address = add(window)
    ben = factories.sign_in(app, factories.make_person(app, BEN))
    for path in ("", "/values", "/values/2026-01-31", "/delete", "/edit"):
        assert ben.get(address + path).status_code == 404
    assert ben.submit(f"{address}/values/2026-01-31/delete").status_code == 404
    assert ben.submit(f"{address}/delete").status_code == 404


def test_strangers_sign_in_first_and_odd_requests_change_nothing(
    app: Flask, desk: Desk, window: Browser
) -> None:
    address = add(window)
    assert app.test_client().get("/accounts/new").status_code == 303
    assert window.get(f"{address}/values/2026-01-31/delete").status_code == 405
    assert window.post(f"{address}/delete").status_code == 400
    assert window.get(f"{address}/values/yesterday").status_code == 404
    assert window.submit(f"{address}/values/2020-01-01/delete").status_code == 404
    assert worth(app, desk) == ["250000.00 USD"]


def test_there_is_an_end_to_how_many(app: Flask, window: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manual_service, "MOST_ACCOUNTS", 1)
    add(window)
    refused = window.submit("/accounts/new", **HOUSE)
    assert refused.status_code == 422
    assert "as many accounts by hand as there can be" in text_of(refused)


def test_without_any_bank_the_start_page_shows_what_is_kept_by_hand(window: Browser) -> None:
    assert "Connect your first bank" in text_of(window.get("/"))
    add(window)
    page = text_of(window.get("/"))
    assert "Connect your first bank" not in page
    assert "Our house" in page
