"""Charts drawn on the server: SVG that fits any width, follows the theme and reads without JavaScript.

Lettering keeps its size on a phone, colours come from the hue classes of static/css/hues.css. Values are plain
numbers for geometry only: what people read comes in as text.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from mingus.web import chart_parts as parts
from mingus.web.chart_parts import Label
from mingus.web.chart_parts import Mark
from mingus.web.chart_parts import Series
from mingus.web.chart_parts import TickText
from mingus.web.chart_scale import back_from_last
from mingus.web.chart_scale import from_end_to_end
from mingus.web.chart_scale import scale
from mingus.web.chart_scale import thin

if TYPE_CHECKING:
    from mingus.web.chart_scale import Scale

__all__ = [
    "Chart",
    "LegendEntry",
    "Mark",
    "Series",
    "TickText",
    "area",
    "bars",
    "donut",
    "sparkline",
    "stacked_bars",
]

_Draw = Callable[[Sequence[Mark], float], list[Markup]]

LONG = 45  # marks from which on a line is worth looking at in part
MOST_DATES = 5
MOST_DATES_ON_PHONE = 3
MOST_NAMES = 12
MOST_NAMES_ON_PHONE = 4
WIDEST_BAR = 7.0
GROUP_SHARE = 0.66
MOST_IN_CENTRE = 8  # letters in the donut's own size
BAR_SHARE = 0.86
BAR_RADIUS = 3.0
STACK_RADIUS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendEntry:
    """A key of the legend, with the figure it stands for where there is one."""

    name: str
    hue: str
    text: str | None = None
    url: str | None = None
    hollow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing with everything its frame prints: names, legend, and the same data as a table."""

    key: str
    title: str
    summary: str
    svg: Markup
    legend: tuple[LegendEntry, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    values: str = ""  # of a long line, one for each row: what is needed to look at a part of it


def area(key: str, title: str, summary: str, series: Sequence[Series], tick_text: TickText) -> Chart:
    """A line per series over the same labels; the first is filled. Long series are thinned, ends kept."""
    marks = series[0].marks if series else ()
    measure = scale([mark.value for one in series for mark in one.marks], from_zero=False)
    body = [parts.grid(measure, tick_text if marks else _no_text)]
    body += [parts.line(key, one, measure, filled=number == 0) for number, one in enumerate(series)]
    body += [parts.last_dot(one, measure) for one in series]
    kept = thin([mark.value for mark in marks], parts.MOST_POINTS)
    width = 100 / max(1, len(kept) - 1)
    for index in kept:
        text = parts.texts(series, [one.marks[index] for one in series])
        body.append(parts.hit(marks[index].label, text, parts.along(index, len(marks)) - width / 2, width))
    svg = parts.frame(
        key,
        title,
        summary,
        Markup().join(body),
        _dates(marks),
        linked=False,
        wide=bool(marks) and parts.is_wide(measure, tick_text),
    )
    chart = _chart(key, title, summary, series, svg)
    return replace(chart, values=_values(marks)) if len(series) == 1 and len(marks) >= LONG else chart


def bars(key: str, title: str, summary: str, series: Sequence[Series], tick_text: TickText) -> Chart:
    """Groups of bars side by side, one bar per series, each group over its label; below zero they hang."""
    measure = scale([mark.value for one in series for mark in one.marks], from_zero=True)
    slot = _slot(series)
    width = min(WIDEST_BAR, slot * GROUP_SHARE / max(1, len(series)))

    def draw(marks: Sequence[Mark], middle: float) -> list[Markup]:
        left = middle - width * (len(series) - 1 + BAR_SHARE) / 2
        return [
            parts.bar(one, left + width * at, width * BAR_SHARE, *_reach(measure, 0, mark.value), BAR_RADIUS)
            for at, (one, mark) in enumerate(zip(series, marks, strict=True))
        ]

    return _bar_chart(key, title, summary, series, (measure, tick_text), draw)


def stacked_bars(key: str, title: str, summary: str, series: Sequence[Series], tick_text: TickText) -> Chart:
    """One bar per label, the series on top of each other; values below zero count as nothing."""
    heights = [sum(max(mark.value, 0) for mark in marks) for marks in _groups(series)]
    measure = scale(heights, from_zero=True)
    width = min(WIDEST_BAR, _slot(series) * GROUP_SHARE)

    def draw(marks: Sequence[Mark], middle: float) -> list[Markup]:
        drawn, height = [], 0.0
        for one, mark in zip(series, marks, strict=True):
            reach = _reach(measure, height, height + max(mark.value, 0))
            drawn.append(parts.bar(one, middle - width / 2, width, *reach, STACK_RADIUS))
            height += max(mark.value, 0)
        return drawn

    return _bar_chart(key, title, summary, series, (measure, tick_text), draw)


def donut(key: str, title: str, summary: str, slices: Sequence[Series], centre: tuple[str, str]) -> Chart:
    """Shares of a whole, one series with one mark per slice; `centre` is the figure and its name."""
    whole = sum(max(one.marks[0].value, 0) for one in slices)
    ring, done = [Markup('<circle class="plot__ring" cx="60" cy="60" r="50" stroke-width="14"/>')], 0.0
    for one in slices:
        share = parts.RING * max(one.marks[0].value, 0) / whole if whole else 0.0
        if share:
            ring.append(parts.ring_slice(one, done, share))
        done += share
    svg = Markup(
        '<svg class="plot plot--donut" viewBox="0 0 120 120"{}{}'
        '<text class="plot__centre{}" x="60" y="62" text-anchor="middle">{}</text>'
        '<text class="plot__centre-note" x="60" y="74" text-anchor="middle">{}</text></svg>'
    ).format(
        parts.described(key, title, summary, linked=_linked(slices)),
        Markup().join(ring),
        " plot__centre--long" if len(centre[0]) > MOST_IN_CENTRE else "",
        *centre,
    )
    legend = tuple(
        LegendEntry(name=one.name, hue=one.hue, text=one.marks[0].text, url=one.marks[0].url)
        for one in slices
    )
    rows = tuple((one.name, one.marks[0].text) for one in slices)
    return Chart(
        key=key, title=title, summary=summary, svg=svg, legend=legend, columns=("", centre[1]), rows=rows
    )


def sparkline(values: Sequence[float], hue: str = "indigo") -> Markup:
    """A line the size of a word; it repeats what stands beside it, so screen readers skip it."""
    marks = tuple(Mark(label="", value=value, text="") for value in values)
    return Markup(
        '<svg class="plot plot--spark" viewBox="0 -40 1000 1080" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="hue hue--{} plot__line" vector-effect="non-scaling-stroke" d="{}"/></svg>'
    ).format(hue, parts.path(marks, scale(values, from_zero=False, steps=1)))


def _bar_chart(
    key: str, title: str, summary: str, series: Sequence[Series], axis: tuple[Scale, TickText], draw: _Draw
) -> Chart:
    measure, tick_text = axis
    slot = _slot(series)
    groups = _groups(series)
    body = [parts.grid(measure, tick_text if groups else _no_text)]
    for number, marks in enumerate(groups):
        body.append(parts.group(series, marks, slot * number, slot, draw(marks, slot * (number + 0.5))))
    names = _names([marks[0].label for marks in groups], slot)
    wide = bool(groups) and parts.is_wide(measure, tick_text)
    svg = parts.frame(key, title, summary, Markup().join(body), names, linked=_linked(series), wide=wide)
    return _chart(key, title, summary, series, svg)


def _values(marks: Sequence[Mark]) -> str:
    return " ".join(f"{mark.value:.10g}" for mark in marks)


def _reach(measure: Scale, start: float, end: float) -> tuple[float, float]:
    return measure.from_top(max(start, end)), measure.from_top(min(start, end))


def _groups(series: Sequence[Series]) -> list[tuple[Mark, ...]]:
    return list(zip(*(one.marks for one in series), strict=True))


def _slot(series: Sequence[Series]) -> float:
    return 100 / max(1, len(series[0].marks) if series else 0)


def _dates(marks: Sequence[Mark]) -> Markup:
    on_phone = from_end_to_end(len(marks), MOST_DATES_ON_PHONE)
    places = sorted({*from_end_to_end(len(marks), MOST_DATES), *on_phone})
    return parts.labels(
        [Label(text=marks[i].label, place=parts.along(i, len(marks)), wide=i not in on_phone) for i in places]
    )


def _names(names: Sequence[str], slot: float) -> Markup:
    places = back_from_last(len(names), MOST_NAMES)
    on_phone = {places[i] for i in back_from_last(len(places), MOST_NAMES_ON_PHONE)}
    return parts.labels(
        [Label(text=names[i], place=slot * (i + 0.5), wide=i not in on_phone) for i in places]
    )


def _no_text(_: float) -> str:
    return ""


def _linked(series: Sequence[Series]) -> bool:
    return any(mark.url for one in series for mark in one.marks)


def _chart(key: str, title: str, summary: str, series: Sequence[Series], svg: Markup) -> Chart:
    """One series needs no legend; the table has a column for each."""
    legend = tuple(LegendEntry(name=one.name, hue=one.hue, hollow=one.hollow) for one in series)
    rows = tuple((marks[0].label, *(mark.text for mark in marks)) for marks in _groups(series))
    return Chart(
        key=key,
        title=title,
        summary=summary,
        svg=svg,
        legend=legend if len(series) > 1 else (),
        columns=("", *(one.name for one in series)),
        rows=rows,
    )
