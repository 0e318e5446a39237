"""The figures of reports as charts, in the person's language."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from babel.numbers import format_compact_currency
from babel.numbers import format_compact_decimal
from flask_babel import get_locale
from flask_babel import gettext as _

from mingus import money
from mingus.money import Money
from mingus.reports.figures import Month
from mingus.web import charts
from mingus.web.amounts import format_money
from mingus.web.charts import Mark
from mingus.web.charts import Series
from mingus.web.texts import ngettext
from mingus.web.texts import write_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.money import Currency
    from mingus.plaid.history import BalancePoint
    from mingus.reports.asked import Asked
    from mingus.reports.figures import CategorySum
    from mingus.transactions.categories import Category
    from mingus.web.charts import Chart
    from mingus.web.charts import TickText

DAY = dt.timedelta(days=1)
MOST_MONTHS = 36
MOST_PARTS = 7
REST_HUE = "slate"


def net_worth(key: str, points: Sequence[BalancePoint]) -> Chart:
    """The curve of one currency; each point says whether it was told by the bank or worked out."""
    return _curve(key, _("Net worth"), points)


def balance(key: str, points: Sequence[BalancePoint]) -> Chart:
    """An account's balance over time."""
    return _curve(key, _("Balance"), points)


def _curve(key: str, title: str, points: Sequence[BalancePoint]) -> Chart:
    currency = points[0].currency if points else money.UNKNOWN
    marks = tuple(
        Mark(
            label=write_day(point.date, "medium"),
            value=_size(Money(minor=point.minor, currency=currency)),
            text=_balance_text(point, currency),
        )
        for point in points
    )
    summary = (
        _(
            "From %(before)s on %(since)s to %(after)s on %(until)s.",
            before=marks[0].text,
            since=marks[0].label,
            after=marks[-1].text,
            until=marks[-1].label,
        )
        if marks
        else ""
    )
    series = [Series(name=title, hue="indigo", marks=marks)] if marks else []
    return charts.area(key, title, summary, series, ticks(currency))


def _balance_text(point: BalancePoint, currency: Currency) -> str:
    text = _minus(format_money(Money(minor=point.minor, currency=currency)))
    return _("%(amount)s, worked out from transactions", amount=text) if point.reconstructed else text


def cash_flow(key: str, flow: Sequence[Month], asked: Asked) -> Chart:
    """In and out beside each other, by month, or by year where there are many months."""
    steps = by_year(flow) if len(flow) > MOST_MONTHS else list(flow)
    series = [
        Series(name=_("In"), hue="teal", marks=_flow_marks(steps, flow, asked, "income")),
        Series(name=_("Out"), hue="indigo", marks=_flow_marks(steps, flow, asked, "spending"), hollow=True),
    ]
    kept = sum(1 for one in steps if one.kept.minor >= 0)
    summary = ngettext(
        "In %(kept)s of %(num)s bar more came in than went out.",
        "In %(kept)s of %(num)s bars more came in than went out.",
        len(steps),
        kept=kept,
    )
    return charts.bars(key, _("Money in and out"), summary, series if flow else [], ticks(asked.currency))


def _flow_marks(steps: Sequence[Month], flow: Sequence[Month], asked: Asked, kind: str) -> tuple[Mark, ...]:
    yearly = len(steps) != len(flow)
    return tuple(
        Mark(
            label=write_day(one.first, "yyyy" if yearly else "MMM yy"),
            value=_size(one.earned if kind == "income" else one.spent),
            text=_minus(format_money(one.earned if kind == "income" else one.spent)),
            url=asked.list_url(one.first, _last_day(one.first, yearly=yearly)),
        )
        for one in steps
    )


def by_year(flow: Sequence[Month]) -> list[Month]:
    """The months summed up by year."""
    years: dict[int, list[Month]] = {}
    for one in flow:
        years.setdefault(one.first.year, []).append(one)
    return [
        Month(
            first=dt.date(year, 1, 1),
            earned=Money(minor=sum(one.earned.minor for one in group), currency=group[0].earned.currency),
            spent=Money(minor=sum(one.spent.minor for one in group), currency=group[0].spent.currency),
        )
        for year, group in years.items()
    ]


def shares(key: str, parts: Sequence[CategorySum], asked: Asked, since: dt.date | None = None) -> Chart:
    """Who had which part of what was spent; small parts together."""
    large = [part for part in parts if part.spent.minor > 0]
    slices = [
        Series(
            name=_(part.category.label),
            hue=part.category.hue,
            marks=(
                Mark(
                    label=_(part.category.label),
                    value=_size(part.spent),
                    text=format_money(part.spent),
                    url=asked.list_url(since, category=part.category.code, flow="spending"),
                ),
            ),
        )
        for part in large[:MOST_PARTS]
    ]
    rest = Money(minor=sum(part.spent.minor for part in large[MOST_PARTS:]), currency=asked.currency)
    if rest.minor:
        mark = Mark(label=_("Everything else"), value=_size(rest), text=format_money(rest))
        slices.append(Series(name=_("Everything else"), hue=REST_HUE, marks=(mark,)))
    whole = Money(minor=sum(part.spent.minor for part in parts), currency=asked.currency)  # refunds too
    summary = _("%(first)s is the largest part.", first=slices[0].name) if slices else ""
    return charts.donut(key, _("Where it went"), summary, slices, (_short(whole), _("spent")))


def over_time(
    key: str, found: dict[dt.date, dict[Category, int]], months: Sequence[dt.date], asked: Asked
) -> Chart:
    """What was spent by month, the largest groups told apart."""
    sums: dict[Category, int] = {}
    for of_month in found.values():
        for group, minor in of_month.items():
            sums[group] = sums.get(group, 0) + minor
    largest = sorted((group for group in sums if sums[group] > 0), key=lambda group: -sums[group])
    shown, rest = largest[: MOST_PARTS - 1], set(largest[MOST_PARTS - 1 :])
    firsts = list(months)[-MOST_MONTHS:]

    def mark(first: dt.date, minor: int, code: str | None) -> Mark:
        amount = Money(minor=minor, currency=asked.currency)
        filters = {"category": code} if code else {}
        return Mark(
            label=write_day(first, "MMM yy"),
            value=_size(amount),
            text=_minus(format_money(amount)),
            url=asked.list_url(first, _last_day(first, yearly=False), flow="spending", **filters),
        )

    series = [
        Series(
            name=_(group.label),
            hue=group.hue,
            marks=tuple(mark(first, found.get(first, {}).get(group, 0), None) for first in firsts),
        )
        for group in shown
    ]
    if rest:
        others = [
            sum(minor for group, minor in found.get(first, {}).items() if group in rest) for first in firsts
        ]
        marks = tuple(mark(first, minor, None) for first, minor in zip(firsts, others, strict=True))
        series.append(Series(name=_("Everything else"), hue=REST_HUE, marks=marks))
    summary = _("%(first)s is the largest part.", first=series[0].name) if series else ""
    return charts.stacked_bars(key, _("Spending by month"), summary, series, ticks(asked.currency))


def ticks(currency: Currency) -> TickText:
    """Round figures beside an axis, shortened."""

    def text(value: float) -> str:
        return _short(Money(minor=money.to_minor(money.parse(f"{value:.2f}"), currency), currency=currency))

    return text


def _short(amount: Money) -> str:
    digits = 0 if abs(amount.major) < 1000 else 1
    if amount.currency == money.UNKNOWN or amount.currency.startswith(money.UNOFFICIAL_MARK):
        text = format_compact_decimal(amount.major, locale=get_locale(), fraction_digits=digits)
    else:
        text = format_compact_currency(
            amount.major, amount.currency, locale=get_locale(), fraction_digits=digits
        )
    return _minus(str(text).replace(".0", ""))


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _size(amount: Money) -> float:
    return float(amount.major)


def _last_day(first: dt.date, *, yearly: bool) -> dt.date:
    if yearly:
        return dt.date(first.year, 12, 31)
    return (first.replace(day=28) + 4 * DAY).replace(day=1) - DAY
