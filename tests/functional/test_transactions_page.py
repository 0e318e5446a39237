"""The list of transactions: narrowed by its address, paged by key, every state with its way out."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import TYPE_CHECKING
from typing import Any

import pytest

from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.states import ConnectionState
from mingus.transactions import listing
from mingus.transactions import seeking
from tests import factories
from tests.support.ambient import NOON
from tests.support.books import DAY
from tests.support.books import Desk
from tests.support.browser import text_of

if TYPE_CHECKING:
    from flask import Flask

    from mingus.plaid.models import AccountId
    from tests.support.browser import Browser

FOOD: dict[str, Any] = {"category": "FOOD_AND_DRINK", "category_detailed": "FOOD_AND_DRINK_COFFEE"}


@pytest.fixture
def desk(app: Flask) -> Desk:
    return Desk(app, factories.make_person(app))


@pytest.fixture
def account(desk: Desk) -> AccountId:
    return desk.account()


@pytest.fixture
def window(app: Flask, desk: Desk) -> Browser:
    return factories.sign_in(app, desk.owner)


def names(window: Browser, query: str = "") -> list[str]:
    """The rows that the page shows, in their order."""
    answer = window.get(f"/transactions{query}")
    assert answer.status_code == 200
    return re.findall(r'class="tx-row__name"[^>]*>([^<]*)</a>', answer.get_data(as_text=True))


def link(window: Browser, query: str, rel: str) -> str | None:
    page = window.get(f"/transactions{query}").get_data(as_text=True)
    found = re.search(rf'href="/transactions([^"]*)"\s+rel="{rel}"', page)
    return found[1].replace("&amp;", "&") if found else None


def test_rows_stand_under_their_day_with_its_sum(window: Browser, desk: Desk, account: AccountId) -> None:
    desk.transaction(account, -1_000, "Coffee")
    desk.transaction(account, 2_500, "Refund")
    desk.transaction(account, -300, "Older", date=DAY - dt.timedelta(days=1))
    read = text_of(window.get("/transactions"))
    assert "Today, May 4, 2026 +$15.00" in read
    places = [read.rindex(word) for word in ("Today", "Refund", "Yesterday", "Older")]
    assert places == sorted(places)
    assert "3 transactions" in read
    assert names(window) == ["Refund", "Coffee", "Older"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?q=coff", {"Coffee"}),
        ("?q=TRIP", {"Coffee"}),
        ("?q=12.50", {"Coffee"}),
        ("?q=%2412.50", {"Coffee"}),
        ("?q=100%25", {"100% juice"}),
        ("?category=FOOD_AND_DRINK", {"Coffee"}),
        ("?category=NONE", {"100% juice", "Salary"}),
        ("?tag=trip", {"Coffee"}),
        ("?tag=tri", set()),
        ("?direction=in", {"Salary"}),
        ("?direction=out", {"Coffee", "100% juice"}),
        ("?pending=1", {"100% juice"}),
        ("?least=13", {"100% juice", "Salary"}),
        ("?least=13&most=100", {"100% juice"}),
        ("?range=this-month", {"Coffee", "100% juice"}),
        ("?range=last-month", {"Salary"}),
        ("?since=2026-05-04", {"Coffee"}),
        ("?until=2026-04-30", {"Salary"}),
        ("?flow=income", {"Salary"}),
        ("?merchant=Coffee", {"Coffee"}),
        ("?category=FOOD_AND_DRINK&category=NONE", {"Coffee", "100% juice", "Salary"}),
        ("?hidden=1", {"Secret"}),
        ("?removed=1", {"Taken back"}),
    ],
)
def test_each_filter_narrows(
    window: Browser, desk: Desk, account: AccountId, query: str, expected: set[str]
) -> None:
    coffee = desk.transaction(account, -1_250, "Coffee", **FOOD)
    desk.transaction(account, -2_000, "100% juice", pending=True, date=DAY - dt.timedelta(days=2))
    desk.transaction(account, 300_000, "Salary", date=dt.date(2026, 4, 28))
    desk.transaction(account, -1, "Taken back", removed_at=dt.datetime(2026, 5, 4, tzinfo=dt.UTC))
    hidden = desk.transaction(account, -2, "Secret")
    desk.put(
        TransactionChoice(transaction_id=coffee, user_id=desk.owner, tags=["trip"], hidden=False),
        TransactionChoice(transaction_id=hidden, user_id=desk.owner, tags=[], hidden=True),
    )
    assert set(names(window, query)) == expected


def test_amounts_are_compared_in_each_rows_own_currency(window: Browser, desk: Desk) -> None:
    yen = desk.account(currency="JPY")
    desk.transaction(yen, -1_500, "Ramen")
    desk.transaction(desk.account(), -1_500, "Noodles")
    assert names(window, "?least=1000") == ["Ramen"]
    assert names(window, "?most=15") == ["Noodles"]
    assert "Out −¥1,500" in text_of(window.get("/transactions"))


@pytest.mark.parametrize("sort", ["newest", "oldest", "largest", "smallest"])
def test_pages_lead_through_every_row_once_and_back(
    window: Browser, desk: Desk, account: AccountId, sort: str
) -> None:
    rows = [
        {"name": f"n{number}", "amount_minor": -(number % 7), "date": DAY - dt.timedelta(days=number // 9)}
        for number in range(120)
    ]
    desk.transactions(account, rows)
    pages, query = [], f"?sort={sort}"
    while True:
        pages.append(names(window, query))
        further = link(window, query, "next")
        if further is None:
            break
        query = further
    assert [len(page) for page in pages] == [50, 50, 20]
    assert len({name for page in pages for name in page}) == 120
    back = link(window, query, "prev")
    assert back is not None
    assert names(window, back) == pages[1]
    again = link(window, back, "prev")
    assert again is not None
    assert names(window, again) == pages[0]
    assert link(window, again, "prev") is None


def test_a_chip_takes_its_filter_away_and_leaves_the_others(
    window: Browser, desk: Desk, account: AccountId
) -> None:
    desk.transaction(account, name="Coffee", **FOOD)
    page = window.get(f"/transactions?q=cof&category=FOOD_AND_DRINK&account={account}").get_data(as_text=True)
    links = [found.replace("&amp;", "&") for found in re.findall(r'class="chip" href="([^"]*)"', page)]
    assert links == [
        f"/transactions?account={account}&category=FOOD_AND_DRINK",
        "/transactions?q=cof&category=FOOD_AND_DRINK",
        f"/transactions?q=cof&account={account}",
    ]


def test_nothing_matches_says_which_filter_stands_in_the_way(
    window: Browser, desk: Desk, account: AccountId
) -> None:
    desk.transaction(account, name="Coffee", **FOOD)
    desk.transaction(account, name="Bread")
    read = text_of(window.get("/transactions?q=Bread&category=FOOD_AND_DRINK"))
    assert "Nothing matches" in read
    assert "Without “Text: Bread”: 1" in read
    assert "Without “Category: Food and drink”: 1" in read


def test_what_cannot_be_read_is_left_out_and_said(window: Browser, desk: Desk, account: AccountId) -> None:
    desk.transaction(account, name="Coffee")
    query = "?since=2026-02-30&range=some-day&account=acc_bens&direction=sideways&least=ten&pending=x"
    read = text_of(window.get(f"/transactions{query}"))
    assert "could not be read" in read
    assert all(name in read for name in ("since", "range", "account", "direction", "least", "pending"))
    assert names(window, query) == ["Coffee"]


def test_the_states_without_rows_each_say_what_is_so(app: Flask, window: Browser, desk: Desk) -> None:
    assert "No bank yet" in text_of(window.get("/transactions"))
    bank = desk.connection(state=ConnectionState.IMPORTING.value)
    desk.put(
        PlaidSyncLog(
            id=SyncId("sync_x"),
            connection_id=bank,
            user_id=desk.owner,
            trigger="connected",
            status="running",
            requested_at=NOON,
            fetched=1200,
        )
    )
    importing = window.get("/transactions")
    assert "still sending its history" in text_of(importing)
    assert "1,200 transactions so far" in text_of(importing)
    assert 'data-live-seconds="5"' in importing.get_data(as_text=True)
    other = factories.make_person(app, factories.BEN)
    Desk(app, other).account()
    assert "Nothing yet" in text_of(factories.sign_in(app, other).get("/transactions"))


def test_a_gone_key_leads_back_to_the_beginning(window: Browser, desk: Desk, account: AccountId) -> None:
    desk.transaction(account)
    assert "Nothing on this page" in text_of(window.get("/transactions?after=txn_unknown"))


def test_a_long_list_is_shown_before_it_is_added_up(
    window: Browser, desk: Desk, account: AccountId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LONG", 2)
    monkeypatch.setattr(seeking, "FEW", 2)
    desk.transactions(account, [{"amount_minor": -100} for _ in range(3)])
    page = window.get("/transactions?q=coffee")
    assert "Add up this long list" in text_of(page)
    assert 'data-live-url="/transactions?q=coffee&amp;totals=1"' in page.get_data(as_text=True)
    part = window.get("/transactions?q=coffee&totals=1", headers={"X-Fragment": "totals"})
    assert text_of(part) == "3 transactions In $0.00 Out −$3.00"
    assert "Out −$3.00" in text_of(window.get("/transactions?q=coffee&totals=1"))


def test_a_long_list_whose_months_are_known_is_added_up_at_once(
    window: Browser, desk: Desk, account: AccountId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LONG", 2)
    monkeypatch.setattr(seeking, "FEW", 2)
    desk.transactions(account, [{"amount_minor": -100} for _ in range(3)])
    assert "Out −$3.00" in text_of(window.get("/transactions?direction=out"))


def test_a_script_gets_the_rows_alone(window: Browser, desk: Desk, account: AccountId) -> None:
    desk.transaction(account, name="Coffee")
    part = window.get("/transactions", headers={"X-Fragment": "results"}).get_data(as_text=True)
    assert "Coffee" in part
    assert "<html" not in part


def test_what_follows_is_told_without_what_stands_around_it(
    window: Browser, desk: Desk, account: AccountId, query_count: list[str]
) -> None:
    desk.transactions(account, [{"name": f"Coffee {number}"} for number in range(101)])
    address, seen, queries = "/transactions", 0, list[int]()
    while address:
        query_count.clear()
        part = window.get(address, headers={"X-Fragment": "more"}).get_data(as_text=True)
        queries.append(len(query_count))
        seen += part.count('class="tx-row__name"')
        following = re.search(r'href="([^"]*)"[^>]*rel="next"', part)
        address = html.unescape(following.group(1)) if following else ""
        assert "tx-totals" not in part
    assert seen == 101
    query_count.clear()
    window.get("/transactions", headers={"X-Fragment": "results"})
    assert max(queries) < len(query_count)


def test_one_transaction_tells_everything_and_nobody_elses_is_found(
    app: Flask, window: Browser, desk: Desk, account: AccountId
) -> None:
    raw = '{"name": "SQ *COFFEE", "location": {"address": "1 Main St", "city": "Oakland"}, "website": "a.example"}'
    row = desk.transaction(account, name="SQ *COFFEE", merchant_name="Coffee House", raw=raw, **FOOD)
    read = text_of(window.get(f"/transactions/{row}"))
    assert all(word in read for word in ("Coffee House", "SQ *COFFEE", "1 Main St, Oakland", "Came in"))
    assert "Raw data from the bank" in read
    ben = factories.sign_in(app, factories.make_person(app, factories.BEN))
    assert ben.get(f"/transactions/{row}").status_code == 404
    assert window.get("/transactions/txn_unknown").status_code == 404


def test_the_list_takes_the_same_few_queries_however_long_it_is(
    window: Browser, desk: Desk, account: AccountId, query_count: list[str]
) -> None:
    desk.transactions(account, [{"name": "one"}])
    query_count.clear()
    window.get("/transactions")
    few = len(query_count)
    desk.transactions(account, [{"name": f"n{number}"} for number in range(60)])
    query_count.clear()
    window.get("/transactions")
    assert len(query_count) == few <= 16
