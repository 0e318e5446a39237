"""What a file says, line by line: a transaction that can be read, or a line that can't and why."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mingus.errors import MingusError

if TYPE_CHECKING:
    import datetime as dt

MOST_BYTES = 5 * 1024 * 1024
MOST_ROWS = 50_000
TEXT_LENGTH = 500


class FileRefused(MingusError):
    """This file can't be read."""

    status = 422
    code = "file_refused"


class EmptyFile(FileRefused):
    """This file is empty."""


class FileTooLarge(FileRefused):
    """This file is too large. At most 5 MB and 50,000 rows can be imported at once: split it by year."""


class NotText(FileRefused):
    """This is no CSV or OFX file. Spreadsheets can save a sheet as CSV; banks offer both beside PDF."""


class NoStatement(FileRefused):
    """There is no statement in this OFX file."""


class UnsafeFile(FileRefused):
    """This file defines things of its own (DOCTYPE or ENTITY), which no bank's file does. It is not read."""


class NoColumns(FileRefused):
    """There is no table in this file: no two lines have the same columns."""


class Unreadable(StrEnum):
    """Why a line can't become a transaction."""

    DATE = "date"
    AMOUNT = "amount"
    TOO_MUCH = "too_much"  # beyond what can be kept
    CURRENCY = "currency"
    COLUMNS = "columns"  # fewer cells than the layout asks for
    FUTURE = "future"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A transaction as the file tells it; amounts are the person's side."""

    number: int  # of its line or entry in the file
    on: dt.date
    amount_minor: int
    text: str
    payee: str | None
    bank_id: str | None  # the bank's own id for it: the same again is the same transaction
    facts: dict[str, str]  # the line itself, kept as it was

    @property
    def meaning(self) -> tuple[dt.date, int, str]:
        """What makes two lines the same transaction where there is no id."""
        return (self.on, self.amount_minor, bare(self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A line that can't be read."""

    number: int
    reason: Unreadable
    line: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the file says the account held at the end of a day."""

    on: dt.date
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that a file says under one layout."""

    rows: tuple[FileRow, ...]
    bad: tuple[BadRow, ...]
    balance: Balance | None


def bare(text: str) -> str:
    """A text without what banks change between two downloads: case, blanks, signs."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def tidy(text: str) -> str:
    """A text in one line, at most as long as a transaction's."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return re.sub(r"\s+", " ", printable).strip()[:TEXT_LENGTH]
