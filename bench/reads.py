"""Reading: pages of a member with very many transactions, and the database's part of each.

A page is asked for as a browser does; every statement that it sends is noted and sent again by itself, warm, until its
rows are all there. The best times add up to the database's time of the page: others only slow it down. Lists are asked
for without what stands around them, as a script does.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import event
from sqlalchemy import select

from bench import book
from bench import ground
from bench.goals import Goal
from mingus.db import db
from mingus.plaid.ledger import PlaidTransaction
from tests import factories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

    from bench.book import Book
    from bench.ground import Databases

SIZES = {False: (100_000,), True: (100_000, 1_000_000)}
READINGS = 3  # at least, and of what is quick as many as fit into this:
READING_SECONDS = 0.2
DEEP = 0.9  # of the list lies before the deep page
FRAGMENT = {"X-Fragment": "results"}
LISTS = (
    *("list_first", "list_deep", "list_account", "list_category", "list_period", "list_tag", "list_merchant"),
    *("list_in", "list_spending", "list_pending", "list_hidden"),
)
SEARCHES = ("search_frequent", "search_rare", "search_absent", "search_amount")
REPORTS = ("net_worth", "cash_flow", "spending", "merchants")
GOALS = tuple(
    goal
    for kind in ("sqlite", "postgresql")
    for goal in (
        *(Goal(f"{kind}_1000000_{name}_ms", at_most=3) for name in LISTS),
        Goal(f"{kind}_1000000_deep_to_first", at_most=1.3),
        *(Goal(f"{kind}_1000000_{name}_ms", at_most=15) for name in SEARCHES),
        *(Goal(f"{kind}_1000000_{name}_ms", at_most=15) for name in REPORTS),
        Goal(f"{kind}_1000000_totals_ms", at_most=15),
        Goal(f"{kind}_1000000_dashboard_whole_ms", at_most=40),
    )
)


def measure(*, long: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name, ground.databases(Path(name)) as found:
        for kind in found.kinds:
            for size in SIZES[long]:
                for key, value in _one(kind, found, Path(name), size).items():
                    figures[f"{kind}_{size}_{key}"] = value
    return figures


def _one(kind: str, found: Databases, folder: Path, size: int) -> dict[str, Any]:
    app = ground.open_app("http://127.0.0.1:9", found.fresh(kind), folder)
    with app.app_context():
        filled = book.fill(ground.make_person(), size)
    figures = read(app, filled, size)
    with app.app_context():
        db.engine.dispose()
    return figures


def read(app: Flask, filled: Book, size: int) -> dict[str, Any]:
    """The figures of a filled book."""
    window = Window(app, filled)
    with app.app_context():
        deep = db.session.scalar(_newest(filled).offset(int(size * DEEP)).limit(1))
        year_ago = db.session.scalar(_newest(filled, PlaidTransaction.date).offset(size // 4).limit(1))
        merchant = db.session.scalar(_newest(filled, PlaidTransaction.merchant_name).limit(1))
        db.session.remove()
    lists: dict[str, dict[str, str]] = {
        "list_first": {},
        "list_deep": {"after": str(deep)},
        "list_account": {"account": filled.accounts[1]},
        "list_category": {"category": "TRAVEL"},
        "list_period": {"since": "2000-01-01", "until": str(year_ago)},
        "list_tag": {"tag": "holiday"},
        "list_merchant": {"merchant": merchant or ""},
        "list_in": {"direction": "in"},
        "list_spending": {"flow": "spending"},
        "list_pending": {"pending": "1"},
        "list_hidden": {"hidden": "1"},
        "search_frequent": {"q": book.FREQUENT},
        "search_rare": {"q": book.RARE},
        "search_absent": {"q": book.ABSENT},
        "search_amount": {"q": "123.45"},
    }
    figures: dict[str, Any] = {}
    for name, asked in lists.items():
        figures[f"{name}_ms"] = window.database_ms(f"/transactions?{urlencode(asked)}", FRAGMENT)
    figures["deep_to_first"] = round(figures["list_deep_ms"] / figures["list_first_ms"], 2)
    pages = {
        "totals": "/transactions?totals=1&category=TRAVEL",
        "net_worth": "/reports/net-worth",
        "cash_flow": "/reports/cash-flow",
        "spending": "/reports/spending",
        "merchants": "/reports/merchants",
        "account_page": f"/accounts/{filled.accounts[1]}",
        "transactions_page": "/transactions",
        "dashboard": "/",
    }
    for name, url in pages.items():
        figures[f"{name}_ms"] = window.database_ms(url)
    figures["dashboard_whole_ms"] = window.whole_ms("/")
    figures["transactions_page_whole_ms"] = window.whole_ms("/transactions")
    return figures


def _newest(filled: Book, column: Any = PlaidTransaction.id) -> Any:
    table = PlaidTransaction
    mine = select(column).where(table.user_id == filled.user_id, table.removed_at.is_(None))
    return mine.order_by(table.date.desc(), table.id.desc())


class Window:
    """A signed-in browser that knows what its pages ask of the database."""

    def __init__(self, app: Flask, filled: Book) -> None:
        self._app = app
        self._browser = factories.sign_in(app, filled.user_id)

    def database_ms(self, url: str, headers: dict[str, str] | None = None) -> float:
        """What the database takes for the statements of a page."""
        self._get(url, headers)
        with self._noted() as sent:
            self._get(url, headers)
        return round(sum(found for found, _ in self.timed(sent)), 2)

    def whole_ms(self, url: str) -> float:
        """The whole page, as the process makes it."""
        taken: list[float] = []
        while len(taken) < READINGS or sum(taken) < READING_SECONDS:
            began = time.perf_counter()
            self._get(url, None)
            taken.append(time.perf_counter() - began)
        return round(min(taken) * 1000, 2)

    def timed(self, sent: list[tuple[str, Any]]) -> Iterator[tuple[float, str]]:
        """Each statement's own time, until its last row."""
        with self._app.app_context(), db.engine.connect() as connection:
            cursor: Any = connection.connection.cursor()
            for statement, values in sent:
                taken: list[float] = []
                while len(taken) < READINGS or sum(taken) < READING_SECONDS:
                    began = time.perf_counter()
                    cursor.execute(statement, values)
                    cursor.fetchall()
                    taken.append(time.perf_counter() - began)
                yield min(taken) * 1000, statement

    def _get(self, url: str, headers: dict[str, str] | None) -> None:
        answer = self._browser.get(url, headers=headers or {})
        if answer.status_code != 200:
            message = f"{url}: {answer.status}"
            raise SystemExit(message)

    def _noted(self) -> Noted:
        with self._app.app_context():
            return Noted(db.engine)


class Noted:
    """The SELECTs that are sent meanwhile, with their values."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.sent: list[tuple[str, Any]] = []

    def __enter__(self) -> list[tuple[str, Any]]:
        event.listen(self._engine, "before_cursor_execute", self._note)
        return self.sent

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, values: Any, *_: object) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            self.sent.append((statement, values))
