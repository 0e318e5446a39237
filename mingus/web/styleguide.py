"""The style guide: every block of the design system in every state, over invented data. Not in production."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint
from flask import render_template
from wtforms import BooleanField
from wtforms import EmailField
from wtforms import Form
from wtforms import PasswordField
from wtforms import RadioField
from wtforms import SelectField
from wtforms import StringField
from wtforms import TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

from mingus.money import Money
from mingus.money import official
from mingus.services import services
from mingus.web import charts
from mingus.web.charts import Mark
from mingus.web.charts import Series

if TYPE_CHECKING:
    from mingus.web.charts import Chart

bp = Blueprint("styleguide", __name__)

HUES = ["indigo", "blue", "cyan", "teal", "green", "lime", "amber", "orange", "red", "pink", "plum", "slate"]
MONTHS = ["Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]
LONG = "Krankenversicherungsbeitragsrückerstattung der Allgemeinen Ortskrankenkasse Baden-Württemberg"


class SpecimenForm(Form):
    """One field of each kind."""

    name = StringField("Account name", default="Everyday", description="Only you see this name.")
    email = EmailField("Email", render_kw={"placeholder": "ada@example.org"})
    password = PasswordField("Password", default="correct horse battery")
    zone = SelectField(
        "Time zone",
        choices=[SelectChoice("utc", "UTC"), SelectChoice("berlin", "Europe, Berlin")],
        default="berlin",
    )
    note = TextAreaField("Note", default="Shared with Ben.")
    keep = BooleanField("Keep me signed in", description="For 30 days on this device.", default=True)
    theme = RadioField(
        "Theme",
        choices=[
            SelectChoice("system", "As the system"),
            SelectChoice("light", "Light"),
            SelectChoice("dark", "Dark"),
        ],
        default="system",
    )
    locked = StringField("Institution", default="First Platypus Bank", render_kw={"disabled": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecimenRow:
    """A transaction as the list prints it."""

    id: str
    title: str
    notes: tuple[str, ...]
    hue: str
    icon: str
    amount: Money | None
    url: str = "#transactions"
    tags: tuple[str, ...] = ()
    pending: bool = False
    removed: bool = False
    hidden: bool = False
    paired: bool = False
    noted: bool = False


@bp.get("/styleguide")
def styleguide() -> str:
    wrong = SpecimenForm(prefix="wrong-", data={"email": "ada@", "password": "short"})
    wrong.email.errors = ["This does not look like a mail address."]
    wrong.password.errors = ["Use at least 12 characters."]
    now = services().ambient.now()
    return render_template(
        "styleguide.html",
        hues=HUES,
        form=SpecimenForm(),
        wrong=wrong,
        amounts=_amounts(),
        days=_days(),
        charts=_charts(),
        spark=charts.sparkline([_wave(day) for day in range(60)]),
        instants=[
            now - ago for ago in (dt.timedelta(seconds=20), dt.timedelta(hours=3), dt.timedelta(days=40))
        ],
        long_text=LONG,
        now=now,
    )


def _dollars(text: str) -> Money:
    return Money.exact(text, official("USD"))


def _amounts() -> tuple[Money | None, ...]:
    return (
        _dollars("1204.00"),
        _dollars("-23.90"),
        _dollars("0"),
        Money.exact("-128400", official("JPY")),
        Money.exact("12.345", official("KWD")),
        _dollars("-98765432.10"),
        None,
    )


def _days() -> list[tuple[str, Money, list[SpecimenRow]]]:
    today = [
        SpecimenRow(
            id="1",
            title="Corner Bakery",
            notes=("Everyday ·· 0042", "Eating out"),
            hue="orange",
            icon="utensils",
            amount=_dollars("-6.40"),
            pending=True,
        ),
        SpecimenRow(
            id="2",
            title="Whole Harvest Market",
            notes=("Everyday ·· 0042", "Groceries"),
            hue="green",
            icon="shopping-basket",
            amount=_dollars("-84.17"),
        ),
        SpecimenRow(
            id="3",
            title="Acme Corporation",
            notes=("Everyday ·· 0042", "Salary"),
            hue="teal",
            icon="briefcase",
            amount=_dollars("3420.00"),
        ),
    ]
    before = [
        SpecimenRow(
            id="4",
            title=LONG,
            notes=("A very long account name that nobody can read in one line ·· 9913", "Health"),
            hue="pink",
            icon="heart-pulse",
            amount=_dollars("-12345678.90"),
        ),
        SpecimenRow(
            id="5",
            title="City Transit",
            notes=("Travel card ·· 1177", "Removed by your bank"),
            hue="cyan",
            icon="train-front",
            amount=_dollars("-2.75"),
            removed=True,
        ),
        SpecimenRow(
            id="6",
            title="Unreadable line",
            notes=("Travel card ·· 1177",),
            hue="slate",
            icon="circle-question-mark",
            amount=None,
        ),
    ]
    return [
        ("Today", _dollars("3329.43"), today),
        ("Thursday, 19 November", _dollars("-12345681.65"), before),
    ]


def _wave(day: int) -> float:
    return 96_000 + 9_000 * math.sin(day / 37) + 3_200 * math.sin(day / 6.5) + day * 92


def _whole(value: float) -> str:
    return f"${value:,.0f}"


def _short(value: float) -> str:
    return f"${value / 1000:,.0f}k"


def _month_marks(values: tuple[int, ...], url: str | None = None) -> tuple[Mark, ...]:
    return tuple(
        Mark(label=month, value=value, text=_whole(value), url=url)
        for month, value in zip(MONTHS, values, strict=True)
    )


def _charts() -> dict[str, Chart]:
    first = dt.date(2025, 11, 21)
    days = tuple(
        Mark(label=f"{first + dt.timedelta(days=day):%b %Y}", value=_wave(day), text=_whole(_wave(day)))
        for day in range(366)
    )
    last_year = tuple(
        Mark(label=mark.label, value=mark.value * 0.86, text=_whole(mark.value * 0.86)) for mark in days
    )
    income = (4210, 4210, 4390, 4210, 4420, 4210, 5600, 4210, 4210, 4380, 4210, 4600)
    spending = (3890, 3120, 2980, 4410, 3020, 3310, 3640, 3990, 2870, 3105, 3480, 1990)
    shares = {
        "Home": (1450, "indigo"),
        "Groceries": (612, "green"),
        "Eating out": (388, "orange"),
        "Transport": (214, "cyan"),
        "Health": (140, "pink"),
        "Other": (96, "slate"),
    }
    return {
        "area": charts.area(
            "net-worth",
            "Net worth",
            "Rises from $96,000 to $136,000 over a year.",
            [
                Series(name="This year", hue="indigo", marks=days),
                Series(name="Last year", hue="slate", marks=last_year, hollow=True),
            ],
            _short,
        ),
        "bars": charts.bars(
            "cash-flow",
            "Cash flow",
            "Income stays above spending in eleven of twelve months.",
            [
                Series(name="In", hue="teal", marks=_month_marks(income, "#charts")),
                Series(name="Out", hue="indigo", marks=_month_marks(spending, "#charts"), hollow=True),
            ],
            _short,
        ),
        "stacked": charts.stacked_bars(
            "by-category",
            "Spending by category",
            "Home is the largest part in every month.",
            [
                Series(
                    name=name,
                    hue=hue,
                    marks=_month_marks(tuple(int(value * (share / 2900)) for value in spending)),
                )
                for name, (share, hue) in shares.items()
            ],
            _short,
        ),
        "donut": charts.donut(
            "shares",
            "Where it went",
            "Half of this month's spending was for the home.",
            [
                Series(
                    name=name,
                    hue=hue,
                    marks=(Mark(label=name, value=value, text=_whole(value), url="#charts"),),
                )
                for name, (value, hue) in shares.items()
            ],
            ("$2,900", "in November"),
        ),
        "empty": charts.area("nothing", "Nothing yet", "No data.", [], _short),
    }
