"""A file's bytes as text: whatever encoding banks use, nothing that is no text."""

from __future__ import annotations

import codecs
import re

from mingus.imports.rows import MOST_BYTES
from mingus.imports.rows import EmptyFile
from mingus.imports.rows import FileTooLarge
from mingus.imports.rows import NotText

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
FALLBACKS = ("utf-8", "cp1252", "latin-1")
# what other kinds of files begin with: zip (also Excel's), PDF, Excel's old one, images, gzip
OTHERS = (b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b")
NOT_IN_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def decode(content: bytes) -> str:
    """The text of a file; raises EmptyFile, FileTooLarge or NotText."""
    if not content.strip():
        raise EmptyFile
    if len(content) > MOST_BYTES:
        raise FileTooLarge
    if content.startswith(OTHERS):
        raise NotText
    marked = next((name for mark, name in MARKS if content.startswith(mark)), None)
    for encoding in (marked,) if marked else FALLBACKS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if NOT_IN_TEXT.search(text):
            raise NotText
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise NotText
