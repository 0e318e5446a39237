"""Recurring streams, found in a book as a person would find them: same account, same party, steady intervals."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from datetime import timedelta
from itertools import islice
from itertools import pairwise
from statistics import mean
from statistics import median
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.ids import world_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.simulator.book import Book

Doc = dict[str, Any]

LEAST = 3
# Large items are judged by their newest part.
MOST_ROWS = 20_000
# Days between two payments, how far they may stray, and the name of the rhythm.
RHYTHMS = (
    (7, 1, "WEEKLY"),
    (14, 2, "BIWEEKLY"),
    (15.5, 2.5, "SEMI_MONTHLY"),
    (30.5, 4, "MONTHLY"),
    (365, 12, "ANNUALLY"),
)
STEADY_SHARE = 0.8


def streams(item_key: str, book: Book, account_ids: set[str], today: date) -> tuple[list[Doc], list[Doc]]:
    """Inflow and outflow streams, each the largest first."""
    groups: dict[tuple[str, str, bool], list[Doc]] = defaultdict(list)
    for doc in islice(book.live(), MOST_ROWS):
        if doc["account_id"] in account_ids and not doc["pending"]:
            groups[doc["account_id"], doc["merchant_name"] or doc["name"], doc["amount"] < 0].append(doc)
    found = [
        stream
        for (account_id, party, _), rows in groups.items()
        if (stream := _stream(item_key, account_id, party, sorted(rows, key=lambda row: row["date"]), today))
    ]
    found.sort(key=lambda stream: -abs(stream["average_amount"]["amount"]))
    inflow = [stream for stream in found if stream["average_amount"]["amount"] < 0]
    return inflow, [stream for stream in found if stream not in inflow]


def _stream(item_key: str, account_id: str, party: str, rows: Sequence[Doc], today: date) -> Doc | None:
    if len(rows) < LEAST:
        return None
    days = [date.fromisoformat(row["date"]) for row in rows]
    rhythm = _rhythm(days)
    if rhythm is None:
        return None
    gap, frequency = rhythm
    last = rows[-1]
    active = today - days[-1] < timedelta(days=gap * 2)
    return {
        "account_id": account_id,
        "average_amount": _money(round(mean(row["amount"] for row in rows), 2), last),
        "category": None,
        "category_id": None,
        "description": last["name"],
        "first_date": days[0].isoformat(),
        "frequency": frequency,
        "is_active": active,
        "is_user_modified": False,
        "last_amount": _money(last["amount"], last),
        "last_date": days[-1].isoformat(),
        "merchant_name": last["merchant_name"],
        "personal_finance_category": last["personal_finance_category"],
        "predicted_next_date": (days[-1] + timedelta(days=round(gap))).isoformat() if active else None,
        "status": "MATURE" if active else "TOMBSTONED",
        "stream_id": world_id("stream", item_key, account_id, party, last["amount"] < 0),
        "transaction_ids": [row["transaction_id"] for row in rows],
    }


def _rhythm(days: Sequence[date]) -> tuple[float, str] | None:
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    usual = median(gaps)
    for gap, stray, name in RHYTHMS:
        steady = sum(abs(value - gap) <= stray for value in gaps)
        if abs(usual - gap) <= stray and steady >= STEADY_SHARE * len(gaps):
            return gap, name
    return None


def _money(amount: float, like: Doc) -> Doc:
    return {
        "amount": amount,
        "iso_currency_code": like["iso_currency_code"],
        "unofficial_currency_code": like["unofficial_currency_code"],
    }
