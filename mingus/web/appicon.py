"""The app's icon as PNG, drawn from the same figures as static/img/favicon.svg: devices that install want pixels."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

GRID = 32.0  # the drawing's own size
CORNER = 9.0
GROUND = (0x35, 0x38, 0xCD)
INK = (0xFF, 0xFF, 0xFF)
# the four strings: where each hangs, how thick it is, from where to where
STRINGS = ((7.6, 4.2, 9.4, 22.6), (13.5, 3.4, 9.2, 16.4), (18.9, 2.7, 9.0, 16.4), (24.2, 2.0, 8.6, 23.4))
CENTRE = GRID / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Icon:
    """One file: how large, whether it fills its square (systems cut it to their own shape), how large the mark is."""

    path: str
    size: int
    full: bool = False
    share: float = 1.0


ICONS = (
    Icon(path="img/icon-192.png", size=192),
    Icon(path="img/icon-512.png", size=512),
    Icon(path="img/icon-maskable-512.png", size=512, full=True, share=0.78),
    Icon(path="img/apple-touch-icon.png", size=180, full=True, share=0.9),
)


def png(icon: Icon) -> bytes:
    """The picture as a PNG file."""
    rows = b"".join(b"\x00" + bytes(_row(icon, y)) for y in range(icon.size))
    head = struct.pack(">IIBBBBB", icon.size, icon.size, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _row(icon: Icon, y: int) -> bytearray:
    """One line of pixels: the ground, its corners smoothed, then the strings that cross it."""
    scale = icon.size / GRID
    line = bytearray((*GROUND, 255) * icon.size)
    if not icon.full:
        _round_off(line, icon.size, y, CORNER * scale)
    for x, thick, top, bottom in STRINGS:
        middle, start, end = ((CENTRE + (at - CENTRE) * icon.share) * scale for at in (x, top, bottom))
        radius = thick * icon.share * scale / 2
        if start - radius - 1 <= y <= end + radius + 1:
            _string(line, y, middle, radius, (start, end))
    return line


def _round_off(line: bytearray, size: int, y: int, corner: float) -> None:
    down = min(y + 0.5, size - y - 0.5)
    if down >= corner:
        return
    for x in range(int(corner) + 1):
        gone = ((corner - x - 0.5) ** 2 + (corner - down) ** 2) ** 0.5 - corner if x + 0.5 < corner else -1.0
        alpha = round(255 * min(max(0.5 - gone, 0.0), 1.0))
        line[4 * x + 3] = line[4 * (size - 1 - x) + 3] = alpha


def _string(line: bytearray, y: int, middle: float, radius: float, reach: tuple[float, float]) -> None:
    """A line with round ends; what a pixel is covered by, it is white by."""
    down = y + 0.5 - min(max(y + 0.5, reach[0]), reach[1])
    for x in range(int(middle - radius) - 1, int(middle + radius) + 2):
        away = ((x + 0.5 - middle) ** 2 + down**2) ** 0.5 - radius
        cover = min(max(0.5 - away, 0.0), 1.0)
        for part in range(3):
            line[4 * x + part] = round(GROUND[part] + (INK[part] - GROUND[part]) * cover)
