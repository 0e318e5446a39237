"""Our texts in people's languages: compiled once for each version, numbers in them written as the person does."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from babel import dates
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from flask_babel import format_date
from flask_babel import get_locale
from flask_babel import get_translations

if TYPE_CHECKING:
    from decimal import Decimal

    from babel import Locale

SOURCE = "messages.po"


def prepare(source: Path, target: Path) -> Path:
    """The folder of compiled texts, made once for each version; on a read-only disk in a temporary one."""
    files = sorted(source.glob(f"*/LC_MESSAGES/{SOURCE}"))
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()[:12]
    for folder in (target / digest, Path(tempfile.gettempdir()) / "mingus-texts" / digest):
        try:
            return _compiled(files, folder)
        except OSError:
            continue
    message = "no folder for the compiled texts can be written"
    raise OSError(message)


def _compiled(files: list[Path], folder: Path) -> Path:
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".texts-", dir=folder.parent))
    try:
        for path in files:
            place = draft / path.parent.parent.name / "LC_MESSAGES"
            place.mkdir(parents=True)
            with path.open("rb") as said, (place / "messages.mo").open("wb") as compiled:
                write_mo(compiled, read_po(said))
        draft.chmod(0o755)
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        if not folder.is_dir():  # another process may have been faster
            raise
    return folder


def language_of(locale: Locale) -> str:
    """The language in which somebody of this locale is spoken to, as HTML names it."""
    return str(locale).replace("_", "-")


def ngettext(singular: str, plural: str, count: int, **words: Any) -> str:
    """The text for so many; `%(num)s` is the number as the person writes it."""
    text = str(get_translations().ngettext(singular, plural, count))
    return text % {"num": write_number(count), **words}


def write_number(value: int | Decimal) -> str:
    return _number(value, get_locale())


@lru_cache(4_000)  # counts are small, and the same for many
def _number(value: int | Decimal, locale: Locale | None) -> str:
    return str(format_decimal(value, locale=locale))


def write_day(value: dt.date, style: str = "medium") -> str:
    """A day as the person writes it; of a moment, the day in their zone."""
    if isinstance(value, dt.datetime):
        return str(format_date(value, style))
    return _written(value, style, get_locale())


@lru_cache(4_000)  # a list and a chart say the same days again and again, to everybody
def _written(day: dt.date, style: str, locale: Locale | None) -> str:
    return str(dates.format_date(day, style, locale=locale))
