"""Dates and amounts as banks write them: in any order, with any comma, with signs before, behind or in words."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

from mingus import money

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Sequence
    from decimal import Decimal

ORDERS = ("ymd", "dmy", "mdy")
# the first three letters in English, Spanish and German
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene",
            "feb",
            "mar mär mrz",
            "apr abr",
            "may mai",
            "jun",
            "jul",
            "aug ago",
            "sep",
            "oct okt",
            "nov",
            "dec dic dez",
        ),
        start=1,
    )
    for name in names.split()
}
DIGITS = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:\d{4}|\d{6})?(?!\d)")
PARTS = re.compile(r"^(\d{1,4})[./\- ]+(\d{1,2}|[^\W\d_]{3,10})[./\-, ]+(\d{1,4})(?=$|[T ])")
LETTERS_FIRST = re.compile(r"^([^\W\d_]{3,10})\.? (\d{1,2}),? (\d{4})$")
OUT_WORDS = (
    "debit",
    "dr",
    "db",
    "out",
    "withdrawal",
    "payment",
    "soll",
    "s",
    "lastschrift",
    "cargo",
    "debe",
    "d",
    "-",
)
# what stands before and behind a number: a currency, a sign, brackets, a word for its direction
AMOUNT = re.compile(
    r"(?P<before>\D{0,6}?)(?P<number>(?:(?<![^\W\d_])[.,])?\d(?:[\d.,'’\s\u00a0\u202f]*\d)?)(?P<after>\D{0,8})"
)
NUMBER = re.compile(r"\d*(\.\d+)?")
OUT_MARKS = ("dr", "db", "debit", "s")
CENTURY = 2000


class NotReadable(ValueError):
    """The text is no date or no amount in this way of writing."""


def read_date(text: str, order: str) -> dt.date:
    """A date whose parts stand in this order; a time behind it is left off. Raises NotReadable."""
    text = text.strip()
    try:
        if found := DIGITS.match(text):
            return dt.date(*(int(part) for part in found.groups()))
        if found := LETTERS_FIRST.match(text):
            month, day, year = found.groups()
            return dt.date(int(year), _month(month), int(day))
        if found := PARTS.match(text):
            return _ordered(found.group(1), found.group(2), found.group(3), order)
    except (ValueError, KeyError) as err:
        raise NotReadable(text) from err
    raise NotReadable(text)


def _ordered(first: str, second: str, third: str, order: str) -> dt.date:
    if len(first) == 4:
        order = "ymd"  # nothing else begins with four digits
    elif not second.isdigit():
        order = "dmy"  # a month in letters stands between day and year
    parts = dict(zip(order, (first, second, third), strict=True))
    year = int(parts["y"])
    if len(parts["y"]) not in {2, 4}:
        raise NotReadable(parts["y"])
    return dt.date(year if year > 99 else CENTURY + year, _month(parts["m"]), int(parts["d"]))


def _month(text: str) -> int:
    return int(text) if text.isdigit() else MONTHS[text[:3].casefold()]


def guess_order(samples: Sequence[str], preferred: str) -> str:
    """The order in which most of these are dates; the person's own where several fit."""
    return max((preferred, *ORDERS), key=lambda order: sum(_is_date(text, order) for text in samples))


def _is_date(text: str, order: str) -> bool:
    try:
        read_date(text, order)
    except NotReadable:
        return False
    return True


def looks_like_date(text: str) -> bool:
    return any(_is_date(text, order) for order in ORDERS)


def read_number(text: str, decimal: str) -> Decimal:
    """An amount with its sign, whatever stands around it; raises NotReadable."""
    found = AMOUNT.fullmatch(text.strip())
    if found is None:
        raise NotReadable(text)
    around = found["before"] + found["after"]
    bracketed = "(" in found["before"] and ")" in found["after"]
    out = bracketed or "-" in around or "−" in around or found["after"].strip(" .").casefold() in OUT_MARKS
    groups = "," if decimal == "." else "."
    bare = re.sub(r"[\s\u00a0\u202f'’]", "", found["number"]).replace(groups, "").replace(decimal, ".")
    if not NUMBER.fullmatch(bare):
        raise NotReadable(text)
    try:
        value = money.parse(bare)
    except money.NotMoney as err:
        raise NotReadable(text) from err
    return -value if out else value


def looks_like_number(text: str) -> bool:
    try:
        read_number(text, ".")
    except NotReadable:
        return False
    return True


def guess_decimal(samples: Iterable[str], preferred: str) -> str:
    """Which of comma and point parts the cents; the person's own where the figures don't tell."""
    votes = {".": 0, ",": 0}
    for text in samples:
        points, commas = text.count("."), text.count(",")
        if points and commas:
            votes["." if text.rfind(".") > text.rfind(",") else ","] += 2
        elif points + commas == 1:
            mark = "." if points else ","
            behind = len(re.sub(r"\D", "", text[text.find(mark) :]))
            if behind != 3:
                votes[mark] += 2
        elif points > 1 or commas > 1:
            votes["," if points else "."] += 2
    return preferred if votes["."] == votes[","] else max(votes, key=lambda mark: votes[mark])


def is_out(word: str) -> bool:
    """True for a cell that says that money went out."""
    return word.strip().casefold() in OUT_WORDS
