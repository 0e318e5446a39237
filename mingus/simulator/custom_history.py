"""The history of a custom user: what its JSON lists, on the days that it says."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from mingus.simulator.places import Place
from mingus.simulator.transactions import described
from mingus.simulator.transactions import iso_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.simulator.history import Holder
    from mingus.simulator.places import TransactionIds

Doc = dict[str, Any]


class ListedHistory:
    """Transactions that a custom user listed; a posting date in the future means pending."""

    def __init__(
        self,
        *,
        rows: Sequence[tuple[Holder, Doc]],
        ids: TransactionIds,
        public_url: str,
        today: int,
    ) -> None:
        """`rows` are holders with the JSON's own transactions."""
        self._ids, self._public_url = ids, public_url
        self._by_day: dict[int, list[_Listed]] = {}
        for holder, row in rows:
            listed = _listed(holder, row, today)
            self._by_day.setdefault(listed.posted, []).append(listed)

    def count(self, day: int) -> int:
        """How many transactions post on the day."""
        return len(self._by_day.get(day, ()))

    def account_id(self, place: Place) -> str:
        """The account of the transaction."""
        return self._by_day[place.day][place.n].holder.account_id

    def posted(self, place: Place) -> Doc:
        """The transaction once it has posted."""
        row = self._by_day[place.day][place.n]
        doc = {**self._doc(row), "date": iso_day(row.posted), "transaction_id": self._ids.of(place)}
        if row.posted > row.transacted:
            doc["pending_transaction_id"] = self._ids.of(place, pending=True)
        return doc

    def pending(self, day: int) -> Sequence[Place]:
        """What is authorised by the end of the day and posts later, oldest first."""
        return [
            Place(posts, n)
            for posts in sorted(self._by_day)
            if posts > day
            for n, row in enumerate(self._by_day[posts])
            if row.transacted <= day
        ]

    def pending_doc(self, place: Place) -> Doc:
        """The transaction while it is pending."""
        row = self._by_day[place.day][place.n]
        return {
            **self._doc(row),
            "date": iso_day(row.transacted),
            "pending": True,
            "transaction_id": self._ids.of(place, pending=True),
        }

    def _doc(self, row: _Listed) -> Doc:
        doc = described(row.text, row.amount, self._public_url)
        doc.update(
            account_id=row.holder.account_id,
            amount=row.amount,
            authorized_date=iso_day(row.transacted),
            iso_currency_code=row.currency if row.currency else row.holder.currency,
            unofficial_currency_code=None if row.currency else row.holder.unofficial,
        )
        return doc


class _Listed(NamedTuple):
    holder: Holder
    transacted: int
    posted: int
    amount: float
    text: str
    currency: str | None


def _listed(holder: Holder, row: Doc, today: int) -> _Listed:
    posted = _ordinal(row.get("date_posted"), today)
    transacted = min(_ordinal(row.get("date_transacted"), posted), posted)
    amount = row.get("amount")
    currency = row.get("currency") if holder.unofficial is None else None
    return _Listed(
        holder=holder,
        transacted=transacted,
        posted=posted,
        amount=amount if isinstance(amount, int | float) else 0.0,
        text=str(row.get("description") or "Transaction"),
        currency=str(currency) if currency else None,
    )


def _ordinal(value: object, default: int) -> int:
    try:
        return date.fromisoformat(str(value)[:10]).toordinal()
    except ValueError:
        return default
