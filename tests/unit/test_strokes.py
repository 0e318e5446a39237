"""Icons are drawn by one path each, and look as their shapes do."""

from __future__ import annotations

import re

import pytest

from mingus.transactions.categories import of_banks
from mingus.web.icons import icon
from mingus.web.strokes import in_one

SHAPES = [
    ('<path d="M1 2h3" />', "M1 2h3"),
    ('<path d="m1 2 3 4-5-6" />', "M1 2l3 4-5-6"),
    ('<path d="m1.5-2h3" />', "M1.5 -2h3"),
    ('<path d="m1 2-.5.5" />', "M1 2l-.5.5"),
    ('<circle cx="8" cy="21" r="1" />', "M 7 21a 1 1 0 1 0 2 0a 1 1 0 1 0 -2 0z"),
    ('<ellipse cx="12" cy="5" rx="9" ry="3" />', "M 3 5a 9 3 0 1 0 18 0a 9 3 0 1 0 -18 0z"),
    ('<line x1="1" y1="2" x2="3" y2="4.5" />', "M 1 2 L 3 4.5"),
    ('<polyline points="1 2 3 4" />', "M1 2 3 4"),
    ('<polygon points="1 2 3 4 5 6" />', "M1 2 3 4 5 6z"),
    (
        '<rect x="2" y="5" width="20" height="14" rx="2" />',
        "M 4 5 h 16a 2 2 0 0 1 2 2v 10a 2 2 0 0 1 -2 2h -16a 2 2 0 0 1 -2 -2v -10a 2 2 0 0 1 2 -2z",
    ),
]


def drawing(*shapes: str) -> str:
    return f'<svg class="icon">\n  {"".join(shapes)}\n</svg>'


@pytest.mark.parametrize(("shape", "outline"), SHAPES)
def test_a_shape_becomes_its_outline(shape: str, outline: str) -> None:
    assert in_one(drawing(shape)) == f'<svg class="icon"><path d="{outline}"/></svg>'


def test_strokes_follow_one_another_in_one_path() -> None:
    together = in_one(drawing(*(shape for shape, _ in SHAPES)))
    assert together == f'<svg class="icon"><path d="{"".join(outline for _, outline in SHAPES)}"/></svg>'


def test_a_shape_that_is_more_than_its_outline_stays_as_it_is() -> None:
    for shape in ('<path d="M1 2" fill="red" />', '<text x="1" />'):
        assert in_one(drawing(SHAPES[0][0], shape)) == drawing(SHAPES[0][0], shape)


def test_every_category_has_an_icon_of_one_path() -> None:
    icons = {category.icon for category in of_banks().values()}
    assert len(icons) > 50
    for name in icons | {"sliders-horizontal", "circle-dollar-sign", "ellipsis"}:
        drawn = icon(name)
        assert re.findall(r"<(\w+)", drawn) == ["svg", "path"], name
        assert not re.search(r'd="m', drawn), name
