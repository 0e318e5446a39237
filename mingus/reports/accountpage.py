"""One account in full: its balance over time, its newest transactions, its terms or what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mingus.plaid import drift
from mingus.plaid import history
from mingus.plaid import productqueries
from mingus.reports import asked as reading
from mingus.reports import plots
from mingus.transactions import catalogues
from mingus.transactions import shown
from mingus.transactions.filters import Filters
from mingus.transactions.listing import Listing

if TYPE_CHECKING:
    import datetime as dt

    from mingus.auth.models import UserId
    from mingus.plaid.drift import DriftNote
    from mingus.plaid.productqueries import HoldingRow
    from mingus.plaid.productqueries import LiabilityRow
    from mingus.plaid.productqueries import MovementRow
    from mingus.plaid.queries import AccountRow
    from mingus.transactions.shown import Day
    from mingus.web.charts import Chart

NEWEST = 12
MOST_MOVEMENTS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """Everything that the page shows beside the account's row."""

    curve: Chart
    is_told_backwards: bool
    drift: DriftNote | None
    days: list[Day]
    terms: list[LiabilityRow]
    holdings: list[HoldingRow]
    movements: list[MovementRow]


def of(user_id: UserId, account: AccountRow, *, environment: str, period: str, today: dt.date) -> AccountPage:
    """The page of one of the person's accounts."""
    since, until = reading.span(period, today)
    points = history.account_history(
        user_id, account.id, environment=environment, since=None if account.manual else since
    )
    points = [point for point in points if point.date <= until]
    if account.manual:
        points = history.standing(points, since=since, until=until)
    listing = Listing(
        user_id, Filters(accounts=(account.id,)), catalogues.of(user_id), environment=environment
    )
    entries = listing.page(limit=NEWEST).entries
    dates = sorted({entry.date for entry in entries})
    return AccountPage(
        curve=plots.balance("balance", points),
        is_told_backwards=any(point.reconstructed for point in points),
        drift=drift.drift_of(user_id, account.id),
        days=shown.days(entries, listing.day_totals(dates), {account.id: account}, today),
        terms=productqueries.liabilities(user_id, environment=environment, account_id=account.id),
        holdings=productqueries.holdings(user_id, environment=environment, account_id=account.id),
        movements=productqueries.movements(
            user_id, environment=environment, limit=MOST_MOVEMENTS, account_id=account.id
        ),
    )
