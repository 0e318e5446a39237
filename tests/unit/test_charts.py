"""Charts: numbers stand where they belong, words are told, nothing needs a style attribute."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from mingus.web import charts
from mingus.web.chart_scale import back_from_last
from mingus.web.chart_scale import from_end_to_end
from mingus.web.chart_scale import scale
from mingus.web.chart_scale import thin
from mingus.web.charts import Chart
from mingus.web.charts import Mark
from mingus.web.charts import Series

VALUES = st.lists(st.floats(min_value=-1e12, max_value=1e12), max_size=60)


def series(name: str, *values: float, url: str | None = None, hue: str = "teal") -> Series:
    marks = tuple(
        Mark(label=f"M{number}", value=value, text=f"${value:,.0f}", url=url)
        for number, value in enumerate(values)
    )
    return Series(name=name, hue=hue, marks=marks)


def tick(value: float) -> str:
    return f"{value:.0f}"


def drawn(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(str(chart.svg))  # noqa: S314 - our own drawing


def places(chart: Chart, name: str, attribute: str) -> list[str]:
    return [
        element.attrib[attribute]
        for element in drawn(chart).iter()
        if name in element.get("class", "").split()
    ]


def every_kind(*values: float) -> list[Chart]:
    one = [series("In", *values)]
    return [
        charts.area("a", "T", "S", one, tick),
        charts.bars("b", "T", "S", one, tick),
        charts.stacked_bars("c", "T", "S", one, tick),
        charts.donut("d", "T", "S", [series(f"S{n}", value) for n, value in enumerate(values)], ("1", "all")),
    ]


@given(VALUES)
def test_every_value_stands_between_the_lowest_and_the_highest_tick(values: list[float]) -> None:
    measure = scale(values, from_zero=False)
    assert measure.low < measure.high
    assert all(-0.01 <= measure.from_top(value) <= 100.01 for value in values)


@given(VALUES)
def test_ticks_are_few_and_round_and_evenly_spaced(values: list[float]) -> None:
    ticks = scale(values, from_zero=True).ticks
    assert 2 <= len(ticks) <= 8
    steps = [later - earlier for earlier, later in pairwise(ticks)]
    assert max(steps) == pytest.approx(min(steps))
    assert f"{steps[0]:.6e}"[:4] in {"1.00", "2.00", "2.50", "5.00"}


def test_bars_are_measured_from_zero_and_lines_are_not() -> None:
    assert scale([90, 110], from_zero=True).low == 0
    assert scale([90, 110], from_zero=False).low > 0


@given(st.lists(st.floats(min_value=-1e6, max_value=1e6), min_size=1, max_size=2000))
def test_thinning_keeps_both_ends_and_the_extremes(values: list[float]) -> None:
    kept = thin(values, 60)
    assert len(kept) <= 62
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1
    assert min(values) == min(values[index] for index in kept)
    assert max(values) == max(values[index] for index in kept)


def test_dates_stand_at_both_ends_and_months_count_back_from_the_last() -> None:
    assert from_end_to_end(366, 3) == [0, 182, 365]
    assert from_end_to_end(2, 7) == [0, 1]
    assert back_from_last(24, 12) == list(range(1, 24, 2))
    assert back_from_last(0, 12) == []


def test_a_long_series_is_drawn_with_few_points() -> None:
    chart = charts.area("a", "T", "S", [series("In", *range(100_000))], tick)
    assert len(chart.svg) < 60_000
    assert len(places(chart, "plot__hit", "data-x")) <= 180


def test_bars_reach_from_zero_to_their_value() -> None:
    chart = charts.bars("b", "T", "S", [series("In", 100, 50, 0)], tick)
    assert places(chart, "plot__bar", "y") == ["0.0%", "50.0%", "100.0%"]
    assert places(chart, "plot__bar", "height") == ["100.0%", "50.0%", "0.0%"]


def test_bars_below_zero_hang() -> None:
    chart = charts.bars("b", "T", "S", [series("In", 100, -100)], tick)
    assert places(chart, "plot__bar", "y") == ["0.0%", "50.0%"]
    assert "plot__grid--zero" in chart.svg


def test_stacked_bars_stand_on_each_other() -> None:
    chart = charts.stacked_bars("c", "T", "S", [series("A", 60), series("B", 40)], tick)
    assert places(chart, "plot__bar", "y") == ["40.0%", "0.0%"]
    assert places(chart, "plot__bar", "height") == ["60.0%", "40.0%"]


def test_slices_share_the_whole_ring() -> None:
    chart = charts.donut("d", "T", "S", [series("A", 75), series("B", 25)], ("$100", "all"))
    shares = [float(text.split()[0]) for text in places(chart, "plot__slice", "stroke-dasharray")]
    assert shares == [pytest.approx(75, abs=1), pytest.approx(25, abs=1)]
    assert [entry.text for entry in chart.legend] == ["$75", "$25"]


def test_a_linked_mark_can_be_reached_and_is_named() -> None:
    chart = charts.bars("b", "T", "S", [series("In", 100, url="/transactions?month=1")], tick)
    link = drawn(chart).find(".//a")
    assert link is not None
    assert link.attrib == {"href": "/transactions?month=1", "aria-label": "M0: $100"}
    assert drawn(chart).attrib["role"] == "group"


def test_the_table_beside_a_chart_has_every_figure() -> None:
    chart = charts.bars("b", "T", "S", [series("In", 1, 2), series("Out", 3, 4)], tick)
    assert chart.columns == ("", "In", "Out")
    assert chart.rows == (("M0", "$1", "$3"), ("M1", "$2", "$4"))
    assert [entry.name for entry in chart.legend] == ["In", "Out"]


def test_a_strip_tells_the_figures_of_all_series() -> None:
    chart = charts.area("a", "T", "S", [series("This", 1, 2), series("Last", 3, 4)], tick)
    assert places(chart, "plot__hit", "data-text") == ["This $1 · Last $3", "This $2 · Last $4"]


@pytest.mark.parametrize(
    "values", [(), (0,), (0, 0), (5,), (-3, -3), (1e15, -1e15), (5e-324, 0), (1e12, 1e12 + 1e-4)]
)
def test_odd_series_are_drawn_without_nonsense(values: tuple[float, ...]) -> None:
    for chart in every_kind(*values):
        assert drawn(chart).attrib["aria-labelledby"] == f"{chart.key}-title {chart.key}-desc"
        assert not re.search(r"nan|inf\b|e\+", str(chart.svg))


def test_words_are_escaped_everywhere() -> None:
    evil = '"><script>x</script>'
    one = [Series(name=evil, hue="teal", marks=(Mark(label=evil, value=1, text=evil, url=evil),))]
    for chart in (
        charts.area("a", evil, evil, one, lambda _: evil),
        charts.bars("b", evil, evil, one, lambda _: evil),
        charts.stacked_bars("c", evil, evil, one, lambda _: evil),
        charts.donut("d", evil, evil, one, (evil, evil)),
    ):
        assert drawn(chart).find(".//script") is None


def test_no_drawing_needs_a_style_attribute() -> None:
    for chart in every_kind(3, 1, 2):
        assert " style=" not in chart.svg
        assert "<style" not in chart.svg


def test_a_sparkline_is_skipped_by_screen_readers() -> None:
    line = charts.sparkline([1, 3, 2])
    assert isinstance(line, Markup)
    assert 'aria-hidden="true"' in line
    assert line.count(" L") == 2


def test_a_long_line_brings_what_is_needed_to_look_at_a_part() -> None:
    marks = tuple(Mark(label=str(day), value=day / 3, text=f"${day}") for day in range(60))
    long = charts.area("k", "T", "S", [Series(name="N", hue="teal", marks=marks)], str)
    assert [float(value) for value in long.values.split()] == pytest.approx([day / 3 for day in range(60)])
    assert len(long.rows) == 60
    short = charts.area("k", "T", "S", [Series(name="N", hue="teal", marks=marks[:20])], str)
    assert short.values == ""
