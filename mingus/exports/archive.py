"""Everything of a person in one zip file, made while it is sent."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING

from mingus.exports import source
from mingus.exports import takeout
from mingus.exports.beancount import as_beancount
from mingus.exports.lists import as_csv
from mingus.exports.ofx import as_ofx

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from collections.abc import Iterator

    from mingus.auth.models import UserId

README = """What MINGUS keeps about you, made on {day}.

account.json          everything, table by table
account.schema.json   what each field of it is (JSON Schema)
transactions.csv      your transactions for a spreadsheet
transactions.ofx      the same as statements, for finance programs (OFX 2.2)
transactions.beancount  the same as a ledger (Beancount)

In account.json amounts are whole minor units: 1250 with EUR is 12.50. Money spent or owed is negative everywhere.
Passwords, access tokens and their hashes are not in it.
"""


def everything(user_id: UserId, *, environment: str, now: dt.datetime, today: dt.date) -> Iterator[bytes]:
    """The whole account as a zip file, a piece at a time; needs little memory however much it is."""
    books = source.everything(user_id, environment=environment, today=today)
    files: tuple[tuple[str, Iterable[str]], ...] = (
        ("README.txt", [README.format(day=today.isoformat())]),
        ("account.json", takeout.as_json(user_id, made_at=now, environment=environment)),
        ("account.schema.json", [json.dumps(takeout.schema(), indent=1), "\n"]),
        ("transactions.csv", as_csv(books)),
        ("transactions.ofx", as_ofx(books)),
        ("transactions.beancount", as_beancount(books)),
    )
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, texts in files:
            entry = zipfile.ZipInfo(name, date_time=now.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            with archive.open(entry, "w", force_zip64=True) as file:
                for text in texts:
                    file.write(text.encode())
                    yield from pipe.drain()
    yield from pipe.drain()


class Pipe:
    """What a zip file writes to: it can't go back, and is emptied as it fills."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes, /) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits anywhere else."""

    def close(self) -> None:
        """What waits can still be taken out."""

    def drain(self) -> Iterator[bytes]:
        if self._waiting:
            yield bytes(self._waiting)
            self._waiting.clear()
