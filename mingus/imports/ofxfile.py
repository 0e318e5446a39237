"""OFX and QFX files, the SGML of 1.x and the XML of 2.x, by one small reader that expands nothing.

Both are tags with a value behind them; in 1.x the end of a value's tag may be missing. Declarations of the file's own
(DOCTYPE, ENTITY) are refused, so there is nothing that could grow.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from mingus import money
from mingus.imports import figures
from mingus.imports.rows import MOST_ROWS
from mingus.imports.rows import BadRow
from mingus.imports.rows import Balance
from mingus.imports.rows import FileRow
from mingus.imports.rows import FileTooLarge
from mingus.imports.rows import NoStatement
from mingus.imports.rows import Reading
from mingus.imports.rows import Unreadable
from mingus.imports.rows import UnsafeFile
from mingus.imports.rows import tidy

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal

    from mingus.money import Currency

TOKEN = re.compile(r"<(/?)([A-Za-z0-9.]{1,32})(?:\s[^<>]{0,200})?>([^<]*)")
DECLARES = re.compile(r"(?i)<!\s*(doctype|entity|element|attlist)")
CHARACTER_DATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
STATEMENTS = {"STMTRS", "CCSTMTRS"}
ID_LENGTH = 255


@dataclass(kw_only=True)
class Statement:
    """One account's statement in the file."""

    account: str = ""
    currency: str = ""
    entries: list[dict[str, str]] = field(default_factory=list)
    balance: dict[str, str] = field(default_factory=dict)


def is_ofx(text: str) -> bool:
    start = text[:2000].upper()
    return "<OFX>" in start or "OFXHEADER" in start


def statements(text: str) -> list[Statement]:
    """The statements of a file; raises UnsafeFile, NoStatement or FileTooLarge."""
    if DECLARES.search(text):
        raise UnsafeFile
    plain = CHARACTER_DATA.sub(lambda found: html.escape(found.group(1)), COMMENT.sub("", text))
    found: list[Statement] = []
    entry: dict[str, str] | None = None
    in_balance, rows = False, 0
    for closing, name, value in TOKEN.findall(plain):
        tag = name.upper()
        if tag in STATEMENTS and not closing:
            found.append(Statement())
        elif not found:
            continue
        elif tag == "STMTTRN":
            entry = None
            if not closing:
                entry, rows = {}, rows + 1
                if rows > MOST_ROWS:
                    raise FileTooLarge
                found[-1].entries.append(entry)
        elif tag == "LEDGERBAL":
            in_balance = not closing
        elif not closing and (text_of_it := _unescaped(value)):
            _keep(found[-1], entry, tag, text_of_it, in_balance=in_balance)
    if not found:
        raise NoStatement
    return found


def _keep(
    statement: Statement, entry: dict[str, str] | None, tag: str, value: str, *, in_balance: bool
) -> None:
    if entry is not None:
        entry.setdefault(tag, value)
    elif in_balance:
        statement.balance.setdefault(tag, value)
    elif tag == "CURDEF":
        statement.currency = value
    elif tag == "ACCTID" and not statement.account:
        statement.account = value


def _unescaped(value: str) -> str:
    return ENTITY.sub(lambda found: html.unescape(found.group(0)), value).strip()


def read(statement: Statement, currency: Currency, *, today: dt.date) -> Reading:
    """What the statement says, in the account's currency."""
    rows: list[FileRow] = []
    bad: list[BadRow] = []
    fits = not statement.currency or money.official(statement.currency) == currency
    for number, entry in enumerate(statement.entries, start=1):
        row = _row(number, entry, currency, today) if fits else Unreadable.CURRENCY
        if isinstance(row, Unreadable):
            bad.append(BadRow(number=number, reason=row, line=tidy(" ".join(entry.values()))))
        else:
            rows.append(row)
    balance = _balance(statement, currency) if fits else None
    return Reading(rows=tuple(rows), bad=tuple(bad), balance=balance)


def _row(number: int, entry: dict[str, str], currency: Currency, today: dt.date) -> FileRow | Unreadable:
    try:
        on = figures.read_date(entry.get("DTPOSTED", ""), "ymd")
    except figures.NotReadable:
        return Unreadable.DATE
    if on > today:
        return Unreadable.FUTURE
    try:
        minor = money.to_minor(_number(entry.get("TRNAMT", "")), currency)
    except figures.NotReadable:
        return Unreadable.AMOUNT
    except money.NotMoney:
        return Unreadable.TOO_MUCH
    parts = dict.fromkeys(filter(None, (entry.get("NAME"), entry.get("MEMO"))))
    return FileRow(
        number=number,
        on=on,
        amount_minor=minor,
        text=tidy(" ".join(parts)) or tidy(entry.get("TRNTYPE", "")) or "–",
        payee=None,
        bank_id=entry.get("FITID", "")[:ID_LENGTH] or None,
        facts=entry,
    )


def _number(text: str) -> Decimal:
    """OFX allows a comma for the point."""
    return figures.read_number(text, figures.guess_decimal([text], "."))


def _balance(statement: Statement, currency: Currency) -> Balance | None:
    try:
        on = figures.read_date(statement.balance.get("DTASOF", ""), "ymd")
        minor = money.to_minor(_number(statement.balance.get("BALAMT", "")), currency)
    except (figures.NotReadable, money.NotMoney):
        return None
    return Balance(on=on, minor=minor)
