"""What an address asks of the list: filters, order and place, and each filter as a chip that can be taken away."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import url_for
from flask_babel import format_decimal
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from mingus import money
from mingus.plaid.ledger import TransactionId
from mingus.plaid.models import AccountId
from mingus.transactions.categories import UNCATEGORISED
from mingus.transactions.categories import Flow
from mingus.transactions.filters import Filters
from mingus.transactions.listing import Sort
from mingus.web.texts import write_day

if TYPE_CHECKING:
    from decimal import Decimal

    from mingus.plaid.queries import AccountRow
    from mingus.transactions.categories import Catalogue

TEXT_LENGTH = 200
MOST_OF_A_KIND = 40
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """One filter in words; `pair` is what it is in the address."""

    name: str
    value: str
    pair: Pair
    remove_url: str


class Asked:
    """The address's values, typed; what can't be read is left out and told in `problems`."""

    def __init__(
        self,
        args: MultiDict[str, str],
        *,
        catalogue: Catalogue,
        accounts: list[AccountRow],
        today: dt.date,
        endpoint: str = "transactions.index",
    ) -> None:
        self._catalogue = catalogue
        self._accounts = {account.id: account for account in accounts}
        self._today = today
        self._endpoint = endpoint
        self.problems: list[str] = []
        self.pairs: list[Pair] = []
        self.filters = Filters()
        self._values = args
        for name, read in READERS.items():
            for value in args.getlist(name)[:MOST_OF_A_KIND]:
                self._take(name, value.strip(), read)
        self.sort = self._sort()
        self.after = _key(args.get("after"))
        self.before = _key(args.get("before"))

    @property
    def is_narrowed(self) -> bool:
        return bool(self.pairs)

    def url(self, *, without: Pair | None = None, page: dict[str, str] | None = None, **more: str) -> str:
        """The list's address without one filter, with others instead, at a page."""
        kept = [pair for pair in self.pairs if pair != without and pair[0] not in more]
        if self.sort is not Sort.NEWEST and "sort" not in more:
            kept.append(("sort", self.sort.value))
        pairs = [*kept, *((name, value) for name, value in more.items() if value), *(page or {}).items()]
        return url_for(self._endpoint) + (f"?{urlencode(pairs)}" if pairs else "")

    def query(self) -> str:
        """The filters alone, as they stand in an address."""
        return urlencode(self.pairs)

    def here(self) -> str:
        """This very page of the list."""
        if self.before:
            return self.url(page={"before": self.before})
        return self.url(page={"after": self.after} if self.after else None)

    def export_url(self, kind: str) -> str:
        """The same list as a file."""
        pairs = [*self.pairs, *([("sort", self.sort.value)] if self.sort is not Sort.NEWEST else [])]
        return url_for("transactions.download", kind=kind) + (f"?{urlencode(pairs)}" if pairs else "")

    def clear_url(self) -> str:
        return url_for(self._endpoint)

    def chips(self) -> list[Chip]:
        """Each filter that is on, in words."""
        return [
            Chip(name=name, value=value, pair=pair, remove_url=self.url(without=pair))
            for pair in self.pairs
            for name, value in [self._words(pair)]
        ]

    def filters_without(self, chip: Chip) -> Filters:
        """What the list would be narrowed to with that chip taken away."""
        return Asked(
            MultiDict([pair for pair in self.pairs if pair != chip.pair]),
            catalogue=self._catalogue,
            accounts=list(self._accounts.values()),
            today=self._today,
        ).filters

    def _take(self, name: str, value: str, read: str) -> None:
        if not value or (name, value) in self.pairs:
            return
        try:
            if len(value) > TEXT_LENGTH or not value.isprintable():
                raise ValueError
            changes = getattr(self, f"_{read}")(name, value)
        except (ValueError, ArithmeticError, money.NotMoney):
            self.problems.append(name)
            return
        self.filters = replace(self.filters, **changes)
        self.pairs.append((name, value))

    def _text(self, name: str, value: str) -> dict[str, object]:
        return {FIELD_OF[name]: value}

    def _many(self, name: str, value: str) -> dict[str, object]:
        if name == "account" and value not in self._accounts:
            raise ValueError
        if name == "category" and not (value == UNCATEGORISED or self._catalogue.find(value).label):
            raise ValueError
        field = FIELD_OF[name]
        return {field: (*getattr(self.filters, field), value)}

    def _range(self, _name: str, value: str) -> dict[str, object]:
        since, until = span(value, self._today)
        return {"since": since, "until": until}

    def _day(self, name: str, value: str) -> dict[str, object]:
        if not DAY.fullmatch(value):
            raise ValueError
        return {FIELD_OF[name]: dt.date.fromisoformat(value)}

    def _size(self, name: str, value: str) -> dict[str, object]:
        size: Decimal = money.parse(value.replace(",", ""))
        if size < 0:
            raise ValueError
        return {FIELD_OF[name]: size}

    def _choice(self, name: str, value: str) -> dict[str, object]:
        return {FIELD_OF[name]: CHOICES[name][value] if value in CHOICES[name] else _refuse()}

    def _sort(self) -> Sort:
        value = self._values.get("sort") or Sort.NEWEST.value
        return Sort(value) if value in set(Sort) else Sort.NEWEST

    def _words(self, pair: Pair) -> tuple[str, str]:
        name, value = pair
        if name == "account":
            account = self._accounts[AccountId(value)]
            return _("Account"), account.name + (f" ·· {account.mask}" if account.mask else "")
        if name == "category":
            return _("Category"), _(self._catalogue.find(value).label)
        if name == "range":
            return _("Period"), range_words()[value]
        if name in {"since", "until"}:
            words = _("From") if name == "since" else _("Until")
            return words, write_day(dt.date.fromisoformat(value), "medium")
        if name in {"least", "most"}:
            words = _("At least") if name == "least" else _("At most")
            return words, format_decimal(money.parse(value.replace(",", "")))
        plain = {"q": _("Text"), "tag": _("Tag"), "merchant": _("Merchant")}
        return (plain[name], value) if name in plain else choice_words()[name][value]


# in the order of the chips
READERS = {
    "q": "text",
    "range": "range",
    "since": "day",
    "until": "day",
    "account": "many",
    "category": "many",
    "tag": "many",
    "merchant": "text",
    "least": "size",
    "most": "size",
    "direction": "choice",
    "pending": "choice",
    "flow": "choice",
    "hidden": "choice",
    "removed": "choice",
}
FIELD_OF = {
    "q": "search",
    "since": "since",
    "until": "until",
    "account": "accounts",
    "category": "categories",
    "tag": "tags",
    "merchant": "merchant",
    "least": "least_size",
    "most": "most_size",
    "direction": "money_in",
    "pending": "pending",
    "flow": "flow",
    "hidden": "hidden",
    "removed": "removed",
}
CHOICES: dict[str, dict[str, object]] = {
    "direction": {"in": True, "out": False},
    "pending": {"1": True, "0": False},
    "flow": {flow.value: flow for flow in Flow},
    "hidden": {"1": True},
    "removed": {"1": True},
}


def range_words() -> dict[str, str]:
    """The periods that are offered."""
    return {
        "this-month": _("This month"),
        "last-month": _("Last month"),
        "30-days": _("Last 30 days"),
        "90-days": _("Last 90 days"),
        "this-year": _("This year"),
        "last-year": _("Last year"),
    }


def choice_words() -> dict[str, dict[str, Pair]]:
    """Each either-or filter in words, as the chip's name and value."""
    return {
        "direction": {"in": (_("Money"), _("in")), "out": (_("Money"), _("out"))},
        "pending": {"1": (_("Only"), _("pending")), "0": (_("Only"), _("posted"))},
        "flow": {
            "spending": (_("Only"), _("spending")),
            "income": (_("Only"), _("income")),
            "transfer": (_("Only"), _("transfers")),
        },
        "hidden": {"1": (_("Only"), _("hidden by you"))},
        "removed": {"1": (_("Only"), _("removed by your bank"))},
    }


def span(name: str, today: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day of a named period; raises ValueError on another name."""
    first_of_month = today.replace(day=1)
    last_of_before = first_of_month - dt.timedelta(days=1)
    spans = {
        "this-month": (first_of_month, today),
        "last-month": (last_of_before.replace(day=1), last_of_before),
        "30-days": (today - dt.timedelta(days=29), today),
        "90-days": (today - dt.timedelta(days=89), today),
        "this-year": (today.replace(month=1, day=1), today),
        "last-year": (dt.date(today.year - 1, 1, 1), dt.date(today.year - 1, 12, 31)),
    }
    return spans[name] if name in spans else _refuse()


def _refuse() -> tuple[dt.date, dt.date]:
    raise ValueError


def _key(value: str | None) -> TransactionId | None:
    return TransactionId(value) if value and len(value) <= TEXT_LENGTH else None
