"""Small PNG pictures drawn from a name: institution logos, merchant logos, category icons."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import lru_cache
from hashlib import blake2b

CELLS = 5


@lru_cache(maxsize=1024)
def emblem(name: str, size: int) -> bytes:
    """A PNG of size × size pixels: a mirrored pattern in a colour, both decided by the name."""
    digest = blake2b(name.encode(), digest_size=16).digest()
    rows = [_row(digest[row], size) for row in range(CELLS)]
    lines = b"".join(b"\0" + rows[min(y * CELLS // size, CELLS - 1)] for y in range(size))
    return _png(size, lines, colour(name))


def emblem_base64(name: str, size: int) -> str:
    """The same picture as API answers carry it: base64 without a data: prefix."""
    return base64.b64encode(emblem(name, size)).decode()


def colour(name: str) -> tuple[int, int, int]:
    """A colour dark enough to carry white text."""
    digest = blake2b(name.encode(), digest_size=3, person=b"colour").digest()
    return digest[0] % 140, digest[1] % 140, digest[2] % 140


def hex_colour(name: str) -> str:
    """The same colour as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour(name))


def _row(bits: int, size: int) -> bytes:
    half = [bits >> shift & 1 for shift in range(3)]
    cells = [*half, half[1], half[0]]
    return bytes(cells[min(x * CELLS // size, CELLS - 1)] for x in range(size))


def _png(size: int, lines: bytes, ink: tuple[int, int, int]) -> bytes:
    header = struct.pack(">IIBBBBB", size, size, 8, 3, 0, 0, 0)
    palette = bytes(ink) + bytes(min(255, value + 95) for value in ink)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in (
            (b"IHDR", header),
            (b"PLTE", palette),
            (b"IDAT", zlib.compress(lines, 9)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
