"""The kinds of file that a list of transactions can leave as; the key is the file's ending."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mingus.exports.beancount import as_beancount
from mingus.exports.lists import as_csv
from mingus.exports.lists import as_json
from mingus.exports.ofx import as_ofx
from mingus.limits import Limit

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

    from mingus.exports.source import Source

EXPORT_LIMIT = Limit(count=20, seconds=60)  # files of one person, of whatever kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A kind of file and what writes it."""

    mimetype: str
    write: Callable[[Source], Iterator[str]]


FORMATS = {
    "csv": Format(mimetype="text/csv", write=as_csv),
    "json": Format(mimetype="application/json", write=as_json),
    "ofx": Format(mimetype="application/x-ofx", write=as_ofx),
    "beancount": Format(mimetype="text/plain", write=as_beancount),
}
