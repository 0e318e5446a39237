"""The pieces that charts are made of: marks and series, and their SVG. Places are percentages of the plot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from mingus.web.chart_scale import thin

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Sequence

    from mingus.web.chart_scale import Scale

HEIGHT = 248
PLOT_TOP = 10
PLOT_HEIGHT = 208
MOST_POINTS = 180
RING = 100.0
RING_GAP = 0.7
NEAR_EDGE = 2.0
USUAL_TICK = 6  # letters

TickText = Callable[[float], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One point, bar or slice: its name, its size, the same as text, and where it leads."""

    label: str
    value: float
    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Marks of one kind in one hue; hollow ones are told apart without colour."""

    name: str
    hue: str
    marks: tuple[Mark, ...]
    hollow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A name under the plot; wide ones give way on a phone."""

    text: str
    place: float
    wide: bool


def along(index: int, count: int) -> float:
    """Where the point with this index stands between the left and the right edge."""
    return round(100 * index / (count - 1), 2) if count > 1 else 50.0


def path(marks: Sequence[Mark], measure: Scale) -> str:
    """The line through all marks, thinned, in a box of 1000 by 1000."""
    kept = thin([mark.value for mark in marks], MOST_POINTS)
    points = [f"{along(i, len(marks)) * 10:.1f} {measure.from_top(marks[i].value) * 10:.1f}" for i in kept]
    return "M" + " L".join(points) if points else ""


def line(key: str, one: Series, measure: Scale, *, filled: bool) -> Markup:
    """A series as a line that keeps its width however the box is stretched, with a fading fill below."""
    drawn = path(one.marks, measure)
    fill = Markup()
    if filled and len(one.marks) > 1:
        fill = Markup(
            '<linearGradient id="{key}-fade" x1="0" y1="0" x2="0" y2="1"><stop class="plot__fade" offset="0"/>'
            '<stop class="plot__fade plot__fade--end" offset="1"/></linearGradient>'
            '<path class="plot__area" fill="url(#{key}-fade)" d="{path} L1000 1000 L0 1000 Z"/>'
        ).format(key=key, path=drawn)
    faint = " plot__line--faint" if one.hollow else ""
    return Markup(
        '<svg class="plot__inner hue hue--{}" width="100%" height="100%" viewBox="0 0 1000 1000"'
        ' preserveAspectRatio="none">{}<path class="plot__line{}" vector-effect="non-scaling-stroke" d="{}"/>'
        "</svg>"
    ).format(one.hue, fill, faint, drawn)


def last_dot(one: Series, measure: Scale) -> Markup:
    """Where the line stands now; nothing for an empty or a hollow series."""
    if not one.marks or one.hollow:
        return Markup()
    return Markup('<circle class="plot__dot hue hue--{}" cx="{}%" cy="{}%" r="4.5"/>').format(
        one.hue, along(len(one.marks) - 1, len(one.marks)), measure.from_top(one.marks[-1].value)
    )


def hit(label: str, text: str, left: float, width: float) -> Markup:
    """A strip as high as the plot that tells what stands in it."""
    return Markup(
        '<rect class="plot__hit" x="{}%" y="0" width="{}%" height="100%" data-x="{}"'
        ' data-label="{label}" data-text="{text}"><title>{label}: {text}</title></rect>'
    ).format(round(left, 2), round(width, 2), round(left + width / 2, 2), label=label, text=text)


def bar(one: Series, left: float, width: float, top: float, bottom: float, radius: float) -> Markup:
    hollow = " plot__bar--hollow" if one.hollow else ""
    return Markup(
        '<rect class="plot__bar{} hue hue--{}" x="{}%" y="{}%" width="{}%" height="{}%" rx="{}"/>'
    ).format(hollow, one.hue, round(left, 2), top, round(width, 2), round(bottom - top, 2), radius)


def group(
    series: Sequence[Series], marks: Sequence[Mark], left: float, width: float, drawn: Iterable[Markup]
) -> Markup:
    """The bars over one label, with their strip; a link where the first linked mark leads."""
    label, text = marks[0].label, texts(series, marks)
    inside = Markup().join([*drawn, hit(label, text, left, width)])
    url = next((mark.url for mark in marks if mark.url), None)
    return Markup("<g>{}</g>").format(inside) if url is None else _link(url, label, text, inside)


def ring_slice(one: Series, start: float, share: float) -> Markup:
    """A part of the donut, from `start` on, in percent of the ring."""
    mark = one.marks[0]
    arc = Markup(
        '<circle class="plot__slice hue hue--{}" cx="60" cy="60" r="50" stroke-width="14" pathLength="100"'
        ' stroke-dasharray="{} 100" stroke-dashoffset="{}" transform="rotate(-90 60 60)">'
        "<title>{}: {}</title></circle>"
    ).format(one.hue, round(max(share - RING_GAP, 0.3), 2), round(-start, 2), mark.label, mark.text)
    return arc if mark.url is None else _link(mark.url, mark.label, mark.text, arc)


def texts(series: Sequence[Series], marks: Sequence[Mark]) -> str:
    """The figures of one label in words: alone, or each after its series' name."""
    if len(marks) == 1:
        return marks[0].text
    return " · ".join(f"{one.name} {mark.text}" for one, mark in zip(series, marks, strict=True))


def is_wide(measure: Scale, tick_text: TickText) -> bool:
    """True when the figures beside the axis need more room than usual, as in languages without a short thousand."""
    return max(len(tick_text(tick)) for tick in measure.ticks) > USUAL_TICK


def grid(measure: Scale, tick_text: TickText) -> Markup:
    """Lines across the plot with their figures beside it."""
    lines = [
        Markup(
            '<line class="plot__grid{}" x1="0" x2="100%" y1="{y}%" y2="{y}%"/>'
            '<text class="plot__tick" x="-10" y="{y}%" dy="4" text-anchor="end">{}</text>'
        ).format(" plot__grid--zero" if tick == 0 else "", tick_text(tick), y=measure.from_top(tick))
        for tick in measure.ticks
    ]
    return Markup().join(lines)


def labels(names: Sequence[Label]) -> Markup:
    """The names under the plot; those at its edges stay inside."""
    lines = [
        Markup('<text class="plot__label{}" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
            " plot__label--wide" if name.wide else "",
            round(name.place, 2),
            HEIGHT - 6,
            _anchor(name.place),
            name.text,
        )
        for name in names
    ]
    return Markup().join(lines)


def frame(
    key: str, title: str, summary: str, body: Markup, names: Markup, *, linked: bool, wide: bool
) -> Markup:
    """The whole drawing; linked ones are a group, so that their links can be reached."""
    return Markup(
        '<svg class="plot plot--axes{}" width="100%" height="{}"{}'
        '<svg class="plot__inner" y="{}" width="100%" height="{}">{}</svg>{}</svg>'
    ).format(
        " plot--wide" if wide else "",
        HEIGHT,
        described(key, title, summary, linked=linked),
        PLOT_TOP,
        PLOT_HEIGHT,
        body,
        names,
    )


def described(key: str, title: str, summary: str, *, linked: bool) -> Markup:
    """The end of an opening svg tag, and the drawing's names."""
    return Markup(
        ' role="{}" aria-labelledby="{key}-title {key}-desc"><title id="{key}-title">{}</title>'
        '<desc id="{key}-desc">{}</desc>'
    ).format("group" if linked else "img", title, summary, key=key)


def _link(url: str, label: str, text: str, inside: Markup) -> Markup:
    return Markup('<a href="{}" aria-label="{}: {}">{}</a>').format(url, label, text, inside)


def _anchor(place: float) -> str:
    if place < NEAR_EDGE:
        return "start"
    return "end" if place > 100 - NEAR_EDGE else "middle"
