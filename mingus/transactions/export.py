"""Transactions for other programs, written row by row so that a million need no memory.

CSV for spreadsheets: a text that a spreadsheet would take for a formula is disarmed, amounts stay numbers. JSON for
programs: amounts as exact texts, every field by name.
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from mingus import money

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable
    from collections.abc import Iterator
    from collections.abc import Mapping
    from typing import TypeAlias

    from mingus.plaid.models import AccountId
    from mingus.plaid.queries import AccountRow
    from mingus.transactions.categories import Catalogue
    from mingus.transactions.listing import Entry

    Accounts: TypeAlias = Mapping[AccountId, AccountRow]

SCHEMA = "mingus/transactions/1"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ROWS_AT_ONCE = 200
FIELDS = (
    "date",
    "name",
    "bank_text",
    "merchant",
    "amount",
    "currency",
    "category",
    "group",
    "account",
    "bank",
    "pending",
    "transfer",
    "tags",
    "notes",
    "id",
)


def as_csv(entries: Iterable[Entry], accounts: Accounts, catalogue: Catalogue) -> Iterator[str]:
    """A head line and a line for each, with the byte order mark that Excel needs to see UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(FIELDS)
    yield "\ufeff" + _drain(buffer)
    for number, entry in enumerate(entries, start=1):
        writer.writerow([_cell(name, value) for name, value in _facts(entry, accounts, catalogue).items()])
        if number % ROWS_AT_ONCE == 0:
            yield _drain(buffer)
    yield _drain(buffer)


def as_json(entries: Iterable[Entry], accounts: Accounts, catalogue: Catalogue) -> Iterator[str]:
    """One document with its schema's name and a list."""
    yield f'{{"schema": {json.dumps(SCHEMA)}, "transactions": ['
    between = "\n"
    for entry in entries:
        yield between + json.dumps(_facts(entry, accounts, catalogue), ensure_ascii=False)
        between = ",\n"
    yield "\n]}\n"


WRITERS: dict[str, tuple[str, Callable[[Iterable[Entry], Accounts, Catalogue], Iterator[str]]]] = {
    "csv": ("text/csv", as_csv),
    "json": ("application/json", as_json),
}


def _facts(entry: Entry, accounts: Accounts, catalogue: Catalogue) -> dict[str, object]:
    account = accounts.get(entry.account_id)
    values = (
        entry.date.isoformat(),
        entry.title,
        entry.bank_name,
        entry.merchant_name,
        f"{entry.amount.major:f}",
        money.code(entry.amount.currency),
        entry.category.label,
        catalogue.find(entry.category.group).label,
        account.name if account else None,
        account.institution_name if account else None,
        entry.pending,
        entry.paired,
        list(entry.tags),
        entry.notes,
        entry.id,
    )
    return dict(zip(FIELDS, values, strict=True))


def _cell(name: str, value: object) -> str:
    """A value as a spreadsheet may read it: never as a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(value) if isinstance(value, list) else str(value)
    return f"'{text}" if name != "amount" and text.startswith(FORMULA_STARTS) else text


def _drain(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
