"""What pages weigh on their way: little enough for a phone on a train."""

from __future__ import annotations

import datetime as dt
import gzip
import re
from typing import TYPE_CHECKING

import pytest

from mingus.plaid.ledger import BalanceSnapshot
from tests import factories
from tests.support.books import DAY
from tests.support.books import Desk

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from tests.support.browser import Browser

REPORTS = ("net-worth", "cash-flow", "spending", "merchants", "recurring")
SETTINGS = (
    "rules",
    "rules/new",
    "categories",
    "password",
    "devices",
    "security",
    "history",
    "tokens",
    "data",
)
PAGES = (
    *("/", "/accounts", "/accounts/new", "/connect", "/transactions", "/activity", "/notices", "/privacy"),
    *(f"/reports/{name}" for name in REPORTS),
    *("/settings", "/settings/notifications", "/settings/leave", *(f"/settings/{name}" for name in SETTINGS)),
)
MOST_OF_A_PAGE = 100_000
MOST_OF_SCRIPTS = 60_000
CHARTS = {"chart.js", "chart-zoom.js", "chart-pinch.js"}
ASKS = {"Accept-Encoding": "gzip"}


@pytest.fixture
def window(app: Flask) -> Browser:
    """Ada with a year of balances and more rows than a page shows."""
    desk = Desk(app, factories.make_person(app))
    account = desk.account()
    days = [DAY - dt.timedelta(days=number) for number in range(365)]
    desk.put(
        *(
            BalanceSnapshot(
                account_id=account, taken_on=day, current_minor=100_000 + 7 * number, currency="USD"
            )
            for number, day in enumerate(days)
        )
    )
    desk.transactions(
        account,
        [
            {
                "name": f"SHOP {number} STREET {number * 31}",
                "date": days[number],
                "amount_minor": -number - 100,
            }
            for number in range(120)
        ],
    )
    return factories.sign_in(app, desk.owner)


def delivered(app: Flask) -> Path:
    with app.app_context():
        folder: Path = app.extensions["mingus.static"].root
    return folder


def test_the_first_load_of_a_page_and_all_scripts_are_light(app: Flask, window: Browser) -> None:
    root = delivered(app)
    scripts = {path.name.removesuffix(".gz"): path.stat().st_size for path in root.glob("js/*.js.gz")}
    assert sum(size for name, size in scripts.items() if name not in CHARTS) < MOST_OF_SCRIPTS
    sheet = (root / "css" / "app.css.gz").stat().st_size
    found = re.search(r'href="(/transactions/txn_\w+)"', window.get("/transactions").text)
    account = re.search(r'href="(/accounts/acc_\w+)"', window.get("/accounts").text)
    assert found
    assert account
    for path in (*PAGES, found[1], account[1]):
        page = window.get(path, headers=ASKS)
        assert page.status_code == 200
        assert len(page.get_data()) + sheet + sum(scripts.values()) < MOST_OF_A_PAGE, path


def test_a_page_is_compressed_for_who_asks_and_says_so_to_caches(window: Browser) -> None:
    plain, packed = window.get("/accounts"), window.get("/accounts", headers=ASKS)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in plain.headers["Vary"]
    title = re.compile("<title>Accounts")
    assert title.search(gzip.decompress(packed.get_data()).decode())
    assert int(packed.headers["Content-Length"]) == len(packed.get_data())


def test_the_length_of_a_compressed_page_tells_nothing(window: Browser) -> None:
    lengths = {len(window.get("/settings/password", headers=ASKS).get_data()) for _ in range(12)}
    assert len(lengths) > 3


def test_small_answers_and_streams_stay_as_they_are(window: Browser) -> None:
    assert "Content-Encoding" not in window.get("/healthz", headers=ASKS).headers
    assert "Content-Encoding" not in window.get("/transactions/export.csv", headers=ASKS).headers
