"""Entries as the list shows them: under their days, with the words and looks that a row has."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import gettext as _

from mingus.web.texts import write_day

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from collections.abc import Mapping

    from mingus.money import Money
    from mingus.plaid.models import AccountId
    from mingus.plaid.queries import AccountRow
    from mingus.transactions.listing import Entry

NEAR_DAYS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the list."""

    id: str
    title: str
    notes: tuple[str, ...]
    tags: tuple[str, ...]
    hue: str
    icon: str
    amount: Money
    url: str
    pending: bool
    removed: bool
    hidden: bool
    paired: bool
    noted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The rows of a day and what they come to; no date: a list by amount, in one piece."""

    date: dt.date | None
    name: str
    totals: tuple[Money, ...]
    rows: tuple[Row, ...]


def days(
    entries: Iterable[Entry],
    totals: Mapping[dt.date, tuple[Money, ...]],
    accounts: Mapping[AccountId, AccountRow],
    today: dt.date,
) -> list[Day]:
    """The entries under their days, in the order in which they come."""
    return [
        Day(
            date=date,
            name=day_name(date, today),
            totals=totals.get(date, ()),
            rows=tuple(row(entry, accounts) for entry in group),
        )
        for date, group in groupby(entries, key=lambda entry: entry.date)
    ]


def by_amount(entries: Iterable[Entry], accounts: Mapping[AccountId, AccountRow]) -> list[Day]:
    """The entries in one piece, each with its own date."""
    rows = tuple(row(entry, accounts, dated=True) for entry in entries)
    return [Day(date=None, name=_("By amount"), totals=(), rows=rows)] if rows else []


def row(entry: Entry, accounts: Mapping[AccountId, AccountRow], *, dated: bool = False) -> Row:
    account = accounts.get(entry.account_id)
    notes = [_(entry.category.label)]
    if dated:
        notes.insert(0, write_day(entry.date, "medium"))
    if account is not None:
        notes.append(account_name(account))
    return Row(
        id=entry.id,
        title=entry.title,
        notes=tuple(notes),
        tags=entry.tags,
        hue=entry.category.hue,
        icon=entry.category.icon,
        amount=entry.amount,
        url=url_for("transactions.entry", transaction_id=entry.id),
        pending=entry.pending,
        removed=entry.removed_at is not None,
        hidden=entry.hidden,
        paired=entry.paired,
        noted=bool(entry.notes),
    )


def account_name(account: AccountRow) -> str:
    return f"{account.name} ·· {account.mask}" if account.mask else account.name


def day_name(date: dt.date, today: dt.date) -> str:
    """Today, yesterday, the weekday while it is near, and always the date."""
    gap = (today - date).days
    if gap in {0, 1}:
        date_words = write_day(date, "medium")
        today_or_not = _("Today, %(date)s", date=date_words), _("Yesterday, %(date)s", date=date_words)
        return str(today_or_not[gap])
    return write_day(date, "full" if 1 < gap <= NEAR_DAYS else "long")
