"""CSV files of any bank: where the table begins, which column is what, and what each line says under a layout."""

from __future__ import annotations

import csv
from dataclasses import asdict
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from mingus import money
from mingus.imports import figures
from mingus.imports.rows import MOST_ROWS
from mingus.imports.rows import BadRow
from mingus.imports.rows import Balance
from mingus.imports.rows import FileRow
from mingus.imports.rows import FileTooLarge
from mingus.imports.rows import NoColumns
from mingus.imports.rows import Reading
from mingus.imports.rows import Unreadable
from mingus.imports.rows import tidy

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping
    from collections.abc import Sequence

    from mingus.money import Currency

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 60
SIGNS = ("written", "turned")
# words in a column's head, the surest first
WORDS: dict[str, tuple[str, ...]] = {
    meaning: tuple(words.split(" | "))
    for meaning, words in {
        "date": (
            "booking date | buchungstag | fecha operación | fecha de operación | transaction date | posted"
            " | date | fecha | datum"
        ),
        "money_out": "money out | paid out | debit | withdrawal | cargo | debe | soll | ausgang",
        "money_in": "money in | paid in | credit | deposit | abono | haber | haben | eingang",
        "amount": "amount | importe | betrag | umsatz | monto | cantidad",
        "direction": "debit/credit | dr/cr | soll/haben | type | tipo",
        "payee": (
            "payee | merchant | beneficiary | name | empfänger | beguenstigter | begünstigter | beneficiario"
            " | counterparty"
        ),
        "memo": (
            "description | memo | details | narrative | reference | verwendungszweck | buchungstext | concepto"
            " | descripción | observaciones"
        ),
        "balance": "balance | saldo",
        "bank_id": "transaction id | fitid | id | referencia | reference number",
        "currency": "currency | währung | waehrung | divisa | moneda",
    }.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is to be read; columns are numbers from 0, None is none."""

    delimiter: str
    skip: int  # lines before the table, its head among them
    headed: bool
    date: int | None = None
    order: str = "ymd"
    amount: int | None = None
    money_out: int | None = None
    money_in: int | None = None
    direction: int | None = None
    payee: int | None = None
    memo: int | None = None
    balance: int | None = None
    bank_id: int | None = None
    currency: int | None = None
    decimal: str = "."
    sign: str = "written"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def with_columns(self, columns: Mapping[str, int | None]) -> Layout:
        """The same with other meanings of columns."""
        return Layout(**{**asdict(self), **columns})

    @property
    def is_complete(self) -> bool:
        """True when it says enough to read a line."""
        return self.date is not None and (
            self.amount is not None or self.money_out is not None or self.money_in is not None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file as cells, before anybody knows what they mean."""

    delimiter: str
    skip: int
    head: tuple[str, ...]
    headed: bool
    lines: list[list[str]]


def table(text: str, delimiter: str | None = None) -> Table:
    """Find the table; raises NoColumns, FileTooLarge."""
    best: list[list[str]] = []
    chosen = delimiter or ","
    for candidate in (delimiter,) if delimiter else DELIMITERS:
        lines = _cells(text, candidate)
        if _width(lines) > max(_width(best), 1):
            best, chosen = lines, candidate
    width = _width(best)
    if width < 2:
        raise NoColumns
    start = next(number for number, line in enumerate(best) if len(line) >= width)
    headed = not any(figures.looks_like_date(cell) for cell in best[start])
    names = best[start] if headed else []
    head = tuple(tidy(names[column]) if column < len(names) else "" for column in range(width))
    skip = start + (1 if headed else 0)
    body = best[skip:]
    if len(body) > MOST_ROWS:
        raise FileTooLarge
    return Table(delimiter=chosen, skip=skip, head=head, headed=headed, lines=body)


def _cells(text: str, delimiter: str) -> list[list[str]]:
    reader = csv.reader(text.split("\n"), delimiter=delimiter, skipinitialspace=delimiter != "\t")
    try:
        return [[cell.strip() for cell in line] for line in reader]
    except csv.Error as err:
        raise NoColumns from err


def _width(lines: Sequence[Sequence[str]]) -> int:
    """How many cells most lines have, empty lines apart."""
    counts: dict[int, int] = {}
    for line in lines[:SAMPLE]:
        if len(line) > 1:
            counts[len(line)] = counts.get(len(line), 0) + 1
    return max(counts, key=lambda width: (counts[width], width)) if counts else 0


def guess(found: Table, *, order: str, decimal: str) -> Layout:
    """What the columns seem to be: by their heads, else by what is in them."""
    columns = _by_words(found.head)
    sample = [line for line in found.lines[:SAMPLE] if any(line)]
    if "date" not in columns:
        columns |= _first("date", sample, len(found.head), figures.looks_like_date, set(columns.values()))
    if not {"amount", "money_out", "money_in"} & set(columns):
        columns |= _first("amount", sample, len(found.head), figures.looks_like_number, set(columns.values()))
    if "payee" not in columns and "memo" not in columns:
        columns |= _longest(sample, len(found.head), set(columns.values()))
    if "amount" in columns:
        columns.pop("money_out", None)
        columns.pop("money_in", None)
    if not _tells_direction(sample, columns):
        columns.pop("direction", None)
    numbers = [
        _cell(line, columns.get(name))
        for line in sample
        for name in ("amount", "money_out", "money_in", "balance")
    ]
    dates = [_cell(line, columns.get("date")) for line in sample]
    likeliest = Layout(
        delimiter=found.delimiter,
        skip=found.skip,
        headed=found.headed,
        order=figures.guess_order(dates, order),
        decimal=figures.guess_decimal(filter(None, numbers), decimal),
    )
    return likeliest.with_columns(columns)


def _tells_direction(lines: Sequence[Sequence[str]], columns: Mapping[str, int]) -> bool:
    """True where amounts have no signs and another column says which way they went."""
    if not {"amount", "direction"} <= set(columns):
        return False
    signed = any("-" in _cell(line, columns["amount"]) for line in lines)
    return not signed and any(figures.is_out(_cell(line, columns["direction"])) for line in lines)


def _by_words(head: Sequence[str]) -> dict[str, int]:
    """Each meaning's column, by the surest word that any head has; a column means one thing."""
    found: dict[str, int] = {}
    for exact in (True, False):
        for meaning, words in WORDS.items():
            for word in words:
                column = next(
                    (
                        number
                        for number, name in enumerate(head)
                        if number not in found.values() and _says(name.casefold(), word, exact=exact)
                    ),
                    None,
                )
                if meaning not in found and column is not None:
                    found[meaning] = column
    return found


def _says(name: str, word: str, *, exact: bool) -> bool:
    return name == word if exact else len(word) > 3 and word in name


def _first(
    meaning: str, lines: Sequence[Sequence[str]], width: int, fits: Any, taken: set[int]
) -> dict[str, int]:
    for column in range(width):
        cells = [text for line in lines if (text := _cell(line, column))]
        if column not in taken and cells and sum(map(fits, cells)) * 10 >= len(cells) * 8:
            return {meaning: column}
    return {}


def _longest(lines: Sequence[Sequence[str]], width: int, taken: set[int]) -> dict[str, int]:
    sums = {
        column: sum(len(_cell(line, column)) for line in lines)
        for column in range(width)
        if column not in taken
    }
    return {"memo": max(sums, key=lambda column: sums[column])} if sums and max(sums.values()) else {}


def read(text: str, layout: Layout, currency: Currency, *, today: dt.date) -> Reading:
    """What each line says; lines without any text are no lines."""
    rows: list[FileRow] = []
    bad: list[BadRow] = []
    balances: list[tuple[dt.date, str]] = []
    lines = _cells(text, layout.delimiter)
    head = lines[layout.skip - 1] if layout.headed and layout.skip else []
    if len(lines) > MOST_ROWS + layout.skip:
        raise FileTooLarge
    for number, line in enumerate(lines[layout.skip :], start=layout.skip + 1):
        if not any(line):
            continue
        row = _row(number, line, head, layout, currency, today)
        if isinstance(row, Unreadable):
            bad.append(BadRow(number=number, reason=row, line=tidy(layout.delimiter.join(line))))
            continue
        rows.append(row)
        balances.append((row.on, _cell(line, layout.balance)))
    return Reading(rows=tuple(rows), bad=tuple(bad), balance=_last(balances, layout, currency))


def _row(
    number: int, line: Sequence[str], head: Sequence[str], layout: Layout, currency: Currency, today: dt.date
) -> FileRow | Unreadable:
    if layout.date is None or layout.date >= len(line):
        return Unreadable.COLUMNS
    told = _cell(line, layout.currency)
    if told and money.official(told) != currency:
        return Unreadable.CURRENCY
    try:
        on = figures.read_date(_cell(line, layout.date), layout.order)
    except figures.NotReadable:
        return Unreadable.DATE
    if on > today:
        return Unreadable.FUTURE
    try:
        minor = _amount(line, layout, currency)
    except figures.NotReadable:
        return Unreadable.AMOUNT
    except money.NotMoney:
        return Unreadable.TOO_MUCH
    payee, memo = tidy(_cell(line, layout.payee)), tidy(_cell(line, layout.memo))
    names = [head[column] if column < len(head) else "" for column in range(len(line))]
    return FileRow(
        number=number,
        on=on,
        amount_minor=minor,
        text=tidy(" ".join(dict.fromkeys(filter(None, (payee, memo))))) or "–",
        payee=payee[:200] or None,
        bank_id=_cell(line, layout.bank_id) or None,
        facts={
            name or str(column + 1): cell for column, (name, cell) in enumerate(zip(names, line, strict=True))
        },
    )


def _amount(line: Sequence[str], layout: Layout, currency: Currency) -> int:
    """The person's side in minor units; raises NotReadable, NotMoney."""
    if layout.amount is not None:
        value = figures.read_number(_cell(line, layout.amount), layout.decimal)
        if layout.direction is not None:
            value = -abs(value) if figures.is_out(_cell(line, layout.direction)) else abs(value)
    else:
        out, into = _cell(line, layout.money_out), _cell(line, layout.money_in)
        if not out and not into:
            raise figures.NotReadable
        spent = abs(figures.read_number(out, layout.decimal)) if out else money.parse(0)
        value = (abs(figures.read_number(into, layout.decimal)) if into else money.parse(0)) - spent
    return money.to_minor(-value if layout.sign == "turned" else value, currency)


def _last(balances: list[tuple[dt.date, str]], layout: Layout, currency: Currency) -> Balance | None:
    """The balance after the newest line; files run either way, the dates tell which."""
    told = [(on, text) for on, text in balances if text]
    if layout.balance is None or not told:
        return None
    newest_first = balances[0][0] > balances[-1][0]
    on, text = told[0] if newest_first else told[-1]
    try:
        value = figures.read_number(text, layout.decimal)
        return Balance(on=on, minor=money.to_minor(value, currency))
    except (figures.NotReadable, money.NotMoney):
        return None


def _cell(line: Sequence[str], column: int | None) -> str:
    return line[column] if column is not None and column < len(line) else ""
