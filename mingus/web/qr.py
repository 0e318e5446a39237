"""QR codes as inline SVG: black on white in either theme, since cameras want it so."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr(text: str) -> Markup:
    """The picture of a text, as large as its box."""
    code = segno.make(text, error="m", micro=False)
    drawn = code.svg_inline(
        border=3, dark="#000", light="#fff", omitsize=True, svgclass="qr__picture", lineclass=None
    )
    return Markup(drawn)  # noqa: S704 - comes whole from the package
