"""What the start page tells a person who has banks: where they stand, this month, the newest."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING

from werkzeug.datastructures import MultiDict

from mingus.money import Money
from mingus.plaid import history
from mingus.plaid import queries
from mingus.reports import asked as reading
from mingus.reports import figures
from mingus.reports import plots
from mingus.transactions import catalogues
from mingus.transactions import shown
from mingus.transactions.filters import Filters
from mingus.transactions.listing import Listing

if TYPE_CHECKING:
    from mingus.auth.models import UserId
    from mingus.plaid.queries import AccountRow
    from mingus.reports.asked import Asked
    from mingus.transactions.shown import Day
    from mingus.web.charts import Chart

NEWEST = 10
CURVE_STEP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A sum of this month beside the same days of the last."""

    now: Money
    before: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Everything that the page shows."""

    totals: tuple[Money, ...]
    curve: Chart | None
    earned: Compared
    spent: Compared
    shares: Chart | None
    days: list[Day]
    manual: list[AccountRow]
    spending_url: str


def of(user_id: UserId, *, environment: str, today: dt.date) -> Dashboard:
    """The page of one person."""
    accounts = queries.accounts_of(user_id, environment=environment, hidden_too=True)
    wishes = reading.read(
        MultiDict({"period": "this-month"}),
        endpoint="reports.spending",
        user_id=user_id,
        environment=environment,
        accounts=accounts,
        today=today,
    )
    catalogue = catalogues.of(user_id)
    parts = figures.by_group(figures.get_user_spending_by_category(wishes.scope, catalogue), catalogue)
    listing = Listing(user_id, Filters(), catalogue, environment=environment)
    page = listing.page(limit=NEWEST)
    dates = sorted({entry.date for entry in page.entries})
    totals = queries.net_worth(accounts)
    earned, spent = _compared(wishes)
    return Dashboard(
        totals=totals,
        curve=_curve(user_id, totals, environment=environment, today=today),
        earned=earned,
        spent=spent,
        shares=plots.shares("month", parts, wishes) if any(part.spent.minor > 0 for part in parts) else None,
        days=shown.days(page.entries, listing.day_totals(dates), {row.id: row for row in accounts}, today),
        manual=[row for row in queries.counted(accounts) if row.manual],
        spending_url=wishes.url("reports.spending"),
    )


def _curve(user_id: UserId, totals: tuple[Money, ...], *, environment: str, today: dt.date) -> Chart | None:
    """A year of the currency in which most is told, every third day up to the last."""
    since = reading.span("12-months", today)[0] or today
    found = history.net_worth_history(user_id, environment=environment, since=since, until=today)
    currency = next((total.currency for total in totals if total.currency in found), None)
    return (
        plots.net_worth("net-worth", found[currency][::-CURVE_STEP][::-1]) if currency is not None else None
    )


def _compared(wishes: Asked) -> tuple[Compared, Compared]:
    """What came in and what went out: this month to date, and the last month as far as the same day."""
    first = wishes.today.replace(day=1)
    last_of_before = first - dt.timedelta(days=1)
    same_day = last_of_before.replace(day=min(wishes.today.day, last_of_before.day))

    def total(scope: figures.Scope) -> tuple[int, int]:
        flow = figures.cash_flow(scope)
        return sum(month.earned.minor for month in flow), sum(month.spent.minor for month in flow)

    before = total(replace(wishes.scope, since=last_of_before.replace(day=1), until=same_day))
    now = total(wishes.scope)
    earned, spent = (
        Compared(
            now=Money(minor=this, currency=wishes.currency),
            before=Money(minor=last, currency=wishes.currency),
        )
        for this, last in zip(now, before, strict=True)
    )
    return earned, spent
