"""Icons from the installed lucide package, as inline SVG that takes the colour of its text."""

from __future__ import annotations

from functools import cache

from lucide.jinja import lucide
from markupsafe import Markup

from mingus.web.strokes import in_one


@cache
def icon(name: str, size: int = 20) -> Markup:
    """The icon, hidden from screen readers: words stand beside it. Raises on a name lucide lacks."""
    attributes = {"class": "icon", "stroke-width": "1.75", "aria-hidden": "true", "focusable": "false"}
    drawn = in_one(lucide(name, size=size, **attributes))
    return Markup(drawn)  # noqa: S704 - comes whole from the package


@cache
def hue_sign(hue: str, name: str, size: str | None = None) -> Markup:
    """An icon on a square of a category's hue."""
    larger = f" avatar--{size}" if size else ""
    classes = f"avatar avatar--square avatar--hue hue hue--{hue}{larger}"
    return Markup('<span class="{}" aria-hidden="true">{}</span>').format(classes, icon(name, 18))
