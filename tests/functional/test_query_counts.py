"""Pages ask the database as often for many rows as for one, and not often."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from tests import factories
from tests.support import books

if TYPE_CHECKING:
    from flask import Flask

MOST = {
    "/": 26,
    "/transactions?category=FOOD_AND_DRINK": 16,
    "/transactions?q=coffee": 16,
    "/reports/net-worth": 12,
    "/reports/cash-flow": 10,
    "/reports/spending": 12,
    "/reports/merchants": 11,
    "/reports/recurring": 12,
}


@pytest.mark.parametrize("url", MOST)
def test_a_page_takes_the_same_few_queries_however_much_there_is(
    app: Flask, query_count: list[str], url: str
) -> None:
    ada = factories.make_person(app)
    desk, window = books.Desk(app, ada), factories.sign_in(app, ada)
    account = desk.account()
    day = dt.date(2026, 5, 4)

    def rows(count: int) -> list[dict[str, object]]:
        return [
            {
                "name": f"COFFEE {number}",
                "date": day - dt.timedelta(days=number),
                "category": "FOOD_AND_DRINK",
            }
            for number in range(count)
        ]

    desk.transactions(account, rows(1))
    window.get(url)
    query_count.clear()
    assert window.get(url).status_code == 200
    few = len(query_count)
    desk.transactions(account, rows(60))
    query_count.clear()
    window.get(url)
    assert len(query_count) == few <= MOST[url]
