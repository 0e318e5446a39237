"""Transactions as a list for other programs, written row by row so that a million need no memory.

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
    from collections.abc import Iterator

    from mingus.exports.source import Source
    from mingus.transactions.listing import Entry

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
    "hidden",
    "tags",
    "notes",
    "id",
)


def as_csv(source: Source) -> Iterator[str]:
    """A head line and a line for each, with the byte order mark that Excel needs to see UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(FIELDS)
    yield "\ufeff" + _drain(buffer)
    for number, entry in enumerate(source.entries(), start=1):
        writer.writerow([_cell(name, value) for name, value in _facts(entry, source).items()])
        if number % ROWS_AT_ONCE == 0:
            yield _drain(buffer)
    yield _drain(buffer)


def as_json(source: Source) -> Iterator[str]:
    """One document with its schema's name and a list."""
    yield f'{{"schema": {json.dumps(SCHEMA)}, "transactions": ['
    between = "\n"
    for entry in source.entries():
        yield between + json.dumps(_facts(entry, source), ensure_ascii=False)
        between = ",\n"
    yield "\n]}\n"


def _facts(entry: Entry, source: Source) -> dict[str, object]:
    account = source.accounts.get(entry.account_id)
    values = (
        entry.date.isoformat(),
        entry.title,
        entry.bank_name,
        entry.merchant_name,
        f"{entry.amount.major:f}",
        money.code(entry.amount.currency),
        entry.category.label,
        source.catalogue.find(entry.category.group).label,
        account.name if account else None,
        account.institution_name if account else None,
        entry.pending,
        entry.paired,
        entry.hidden,
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
