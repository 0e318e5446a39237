"""Pages and answers travel compressed, so that a long list costs a phone little.

What is compressed together with a secret can give it away by its length, if somebody else may write into the same page
and measure. So every answer gets a name of random length inside its compressed stream, which browsers ignore.
"""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Request
    from flask import Response

    from mingus.ambient import Ambient

LEAST_BYTES = 1024
LEVEL = 5
MOST_PADDING = 96
KINDS = frozenset({"text/html", "application/json", "application/manifest+json", "text/plain"})


def compress(request: Request, response: Response, ambient: Ambient) -> None:
    """Compress the answer in place where that helps and the browser asks for it; what is streamed stays as it is."""
    if response.mimetype not in KINDS or response.is_streamed or response.direct_passthrough:
        return
    plain = response.get_data()
    if len(plain) < LEAST_BYTES:
        return
    response.vary.add("Accept-Encoding")
    if "Content-Encoding" in response.headers or not request.accept_encodings["gzip"]:
        return
    packed = io.BytesIO()
    with gzip.GzipFile(_padding(ambient), "wb", LEVEL, packed, mtime=0) as file:
        file.write(plain)
    response.set_data(packed.getvalue())
    response.headers["Content-Encoding"] = "gzip"


def _padding(ambient: Ambient) -> str:
    """A name whose length nobody can foretell."""
    token = ambient.token()
    length = 1 + int.from_bytes(token.encode()[:4]) % MOST_PADDING
    return (token * MOST_PADDING)[:length]
