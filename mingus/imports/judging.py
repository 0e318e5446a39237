"""Which of a file's rows are new: by the bank's own id, else by date, amount and text, each counted once."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mingus.imports.rows import bare

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from collections.abc import Sequence

    from mingus.imports.rows import FileRow

BY_ID = "fitid:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A transaction that the account has already."""

    plaid_id: str
    on: dt.date
    amount_minor: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A file's rows, told apart."""

    new: tuple[FileRow, ...]
    known: tuple[FileRow, ...]
    similar: frozenset[int]  # numbers of new rows whose date and amount are here with another text


def key_of(bank_id: str) -> str:
    """How a row with an id of the bank's is found again; ids may be longer than the column."""
    return BY_ID + hashlib.sha256(bank_id.encode()).hexdigest()[:48]


def judge(rows: Sequence[FileRow], here: Iterable[Known]) -> Judged:
    """Tell new rows from known ones. Of two like coffees on one day the second is new where only one is here."""
    known = list(here)
    ids = {row.plaid_id for row in known}
    # what came with an id is only the same as a row without one
    with_text = Counter((row.on, row.amount_minor, bare(row.text)) for row in known)
    without_id = Counter(
        (row.on, row.amount_minor, bare(row.text)) for row in known if not row.plaid_id.startswith(BY_ID)
    )
    sizes = {(row.on, row.amount_minor) for row in known}
    new: list[FileRow] = []
    old: list[FileRow] = []
    for row in rows:
        key = key_of(row.bank_id) if row.bank_id else None
        if key is not None and key in ids:
            old.append(row)
            continue
        counts = without_id if key is not None else with_text
        if counts[row.meaning] > 0:
            counts[row.meaning] -= 1
            old.append(row)
            continue
        if key is not None:
            ids.add(key)
        new.append(row)
    similar = frozenset(row.number for row in new if (row.on, row.amount_minor) in sizes)
    return Judged(new=tuple(new), known=tuple(old), similar=similar)
