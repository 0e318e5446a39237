"""The older view of a book: the transactions of a range of dates, newest first, by offset."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.places import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.simulator.book import Book
    from mingus.simulator.history import History

Doc = dict[str, Any]


def between(
    book: Book,
    history: History,
    *,
    first: int,
    last: int,
    account_ids: set[str] | None,
    offset: int,
    count: int,
) -> tuple[list[Doc], int]:
    """The page and the number of all that fall into the range; only the days of the page are made."""
    noted = _noted_by_day(book, first, last, account_ids)
    moved = _moved_by_day(book)
    computed = {day: rows for day, rows in book.computed_days() if first <= day <= last}
    found: list[Doc] = []
    total = 0
    for day in sorted({*computed, *noted}, reverse=True):
        gone = moved.get(day, set())
        # Days without rows of the page are only counted: a large item has a thousand rows on each.
        size = computed.get(day, 0) - len(gone) + len(noted[day])
        places: Sequence[Place] | None = None
        if account_ids is not None:
            places = _places(history, day, computed.get(day, 0), gone, account_ids)
            size = len(places) + len(noted[day])
        if total + size > offset and len(found) < count:
            places = places if places is not None else _places(history, day, computed.get(day, 0), gone, None)
            skipped = max(0, offset - total)
            rows: list[Doc | Place] = [*noted[day], *places]
            chosen = rows[skipped : skipped + count - len(found)]
            found += [history.posted(row) if isinstance(row, Place) else row for row in chosen]
        total += size
    return found, total


def _places(
    history: History, day: int, rows: int, moved: set[int], account_ids: set[str] | None
) -> Sequence[Place]:
    places = [Place(day, n) for n in range(rows) if n not in moved]
    if account_ids is None:
        return places
    return [place for place in places if history.account_id(place) in account_ids]


def _noted_by_day(book: Book, first: int, last: int, account_ids: set[str] | None) -> dict[int, list[Doc]]:
    days: dict[int, list[Doc]] = defaultdict(list)
    for doc in reversed(book.noted_docs()):
        day = date.fromisoformat(doc["date"]).toordinal()
        if first <= day <= last and (account_ids is None or doc["account_id"] in account_ids):
            days[day].append(doc)
    return days


def _moved_by_day(book: Book) -> dict[int, set[int]]:
    days: dict[int, set[int]] = defaultdict(set)
    for place in book.moved_places():
        days[place.day].add(place.n)
    return days
