"""Drawings of several strokes as one path: a list of fifty rows would have a hundred elements more otherwise."""

from __future__ import annotations

import re

SHAPE = re.compile(r'<(\w+)((?:\s+[\w-]+="[^"]*")*)\s*/>')
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
BEGIN = re.compile(r"\s*([Mm])\s*(-?[\d.]+(?:e-?\d+)?)[\s,]*(-?\d*\.?\d+(?:e-?\d+)?)\s*")
GEOMETRY = {
    "path": {"d"},
    "circle": {"cx", "cy", "r"},
    "ellipse": {"cx", "cy", "rx", "ry"},
    "rect": {"x", "y", "width", "height", "rx", "ry"},
    "line": {"x1", "y1", "x2", "y2"},
    "polyline": {"points"},
    "polygon": {"points"},
}


def in_one(svg: str) -> str:
    """The drawing with a single path; as it was where a shape has more to it than its outline."""
    found = [(name, dict(ATTRIBUTE.findall(words))) for name, words in SHAPE.findall(svg)]
    if not all(name in GEOMETRY and values.keys() <= GEOMETRY[name] for name, values in found):
        return svg
    opened = svg[: svg.index(">") + 1]
    return f'{opened}<path d="{"".join(_outline(name, values) for name, values in found)}"/></svg>'


def _outline(name: str, values: dict[str, str]) -> str:
    if name == "path":
        return _from_anywhere(values["d"])
    if name in {"polyline", "polygon"}:
        return f"M{values['points']}" + ("z" if name == "polygon" else "")
    sizes = {key: float(value) for key, value in values.items()}
    if name == "line":
        return _written("M", sizes["x1"], sizes["y1"], "L", sizes["x2"], sizes["y2"])
    if name == "rect":
        return _rectangle(sizes)
    across, down = sizes.get("rx", sizes.get("r", 0.0)), sizes.get("ry", sizes.get("r", 0.0))
    half = _written("a", across, down, 0, 1, 0)
    begin = _written("M", sizes["cx"] - across, sizes["cy"])
    return f"{begin}{half} {2 * across:g} 0{half} {-2 * across:g} 0z"


def _rectangle(sizes: dict[str, float]) -> str:
    width, height = sizes["width"], sizes["height"]
    across = sizes.get("rx", sizes.get("ry", 0.0))
    down = sizes.get("ry", across)
    corner = _written("a", across, down, 0, 0, 1)
    return (
        _written("M", sizes.get("x", 0.0) + across, sizes.get("y", 0.0), "h", width - 2 * across)
        + (f"{corner} {across:g} {down:g}" + _written("v", height - 2 * down))
        + (f"{corner} {-across:g} {down:g}" + _written("h", 2 * across - width))
        + (f"{corner} {-across:g} {-down:g}" + _written("v", 2 * down - height))
        + f"{corner} {across:g} {-down:g}z"
    )


def _from_anywhere(outline: str) -> str:
    """The outline begun by a place that doesn't hang on what was drawn before."""
    begin = BEGIN.match(outline)
    if begin is None or begin[1] == "M":
        return outline
    rest = outline[begin.end() :]
    # further pairs behind "m" are lines from where one is, behind "M" they would be places
    more = "l" if rest and not rest[0].isalpha() else ""
    return f"M{begin[2]} {begin[3]}{more}{rest}"


def _written(*parts: str | float) -> str:
    words = [part if isinstance(part, str) else f"{part:g}" for part in parts]
    return " ".join(words)
