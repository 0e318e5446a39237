"""The figures of the overview as lines over a month, each beside its target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import format_decimal
from flask_babel import gettext as _

from mingus.admin.kpis import TARGETS
from mingus.admin.tallies import Measure
from mingus.web import charts
from mingus.web.charts import Mark
from mingus.web.charts import Series
from mingus.web.texts import write_day

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from mingus.admin.kpis import DayFigure
    from mingus.web.charts import Chart

FEWEST = 2  # one day is no line


def lines(found: Mapping[Measure, Sequence[DayFigure]]) -> dict[str, Chart]:
    """A chart of each measure that has enough days, by its name."""
    return {
        measure.value: _line(measure, figures) for measure, figures in found.items() if len(figures) >= FEWEST
    }


def _line(measure: Measure, figures: Sequence[DayFigure]) -> Chart:
    target, at_least = TARGETS[measure]
    text = _milliseconds if measure is Measure.RESPONSE else _percent
    missed = sum(1 for one in figures if not (one.value > target if at_least else one.value < target))
    days = [write_day(one.day, "medium") for one in figures]
    series = [
        Series(
            name=_("By day"),
            hue="indigo",
            marks=tuple(
                Mark(label=day, value=one.value, text=text(one.value))
                for day, one in zip(days, figures, strict=True)
            ),
        ),
        Series(
            name=_("Target"),
            hue="slate",
            marks=tuple(Mark(label=day, value=target, text=text(target)) for day in days),
        ),
    ]
    summary = _("Missed on %(missed)s of %(days)s days.", missed=missed, days=len(figures))
    return charts.area(f"kpi-{measure.value}", _("The last 30 days"), summary, series, text)


def _percent(value: float) -> str:
    return f"{format_decimal(round(value * 100, 1))} %"


def _milliseconds(value: float) -> str:
    return str(_("%(number)s ms", number=format_decimal(round(value))))
