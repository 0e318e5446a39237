"""The pages of reports: each a question, a chart, the same as a table, and the way to the rows behind it."""

from __future__ import annotations

from itertools import dropwhile
from typing import TYPE_CHECKING

from flask import Blueprint
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_babel import gettext as _

from mingus.money import Money
from mingus.plaid import history
from mingus.plaid import productqueries
from mingus.plaid import queries
from mingus.reports import asked as reading
from mingus.reports import figures
from mingus.reports import plots
from mingus.reports.merchants import merchants as where_most_was_spent
from mingus.reports.standing import standing
from mingus.services import services
from mingus.transactions import catalogues
from mingus.transactions.categories import Flow
from mingus.web.access import visitor

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from flask.typing import ResponseReturnValue

    from mingus.plaid.productqueries import RecurringRow
    from mingus.reports.asked import Asked
    from mingus.reports.figures import Month
    from mingus.transactions.categories import Catalogue

bp = Blueprint("reports", __name__, url_prefix="/reports")
MOST_MERCHANTS = 50


def environment() -> str:
    return services().settings.environment.value


def asked() -> Asked:
    return reading.read(
        request.args,
        endpoint=request.endpoint or "reports.cash_flow",
        user_id=visitor().id,
        environment=environment(),
        accounts=queries.accounts_of(visitor().id, environment=environment(), hidden_too=True),
        today=services().ambient.today(visitor().time_zone),
    )


def page(template: str, wishes: Asked, **words: object) -> str:
    """A report in its frame: tabs, periods, accounts and currencies."""
    return render_template(
        f"reports/{template}.html",
        asked=wishes,
        periods=reading.period_words(),
        accounts=queries.accounts_of(visitor().id, environment=environment(), hidden_too=True),
        reports=(
            (_("Net worth"), "reports.net_worth"),
            (_("Cash flow"), "reports.cash_flow"),
            (_("Spending"), "reports.spending"),
            (_("Merchants"), "reports.merchants"),
            (_("Recurring"), "reports.recurring"),
        ),
        **words,
    )


@bp.get("")
def index() -> ResponseReturnValue:
    return redirect(url_for("reports.net_worth"), code=303)


@bp.get("/net-worth")
def net_worth() -> ResponseReturnValue:
    """What the person has less what they owe, over time; each currency by itself."""
    wishes = asked()
    since = wishes.scope.since or wishes.today
    found = history.net_worth_history(
        visitor().id, environment=environment(), since=since, until=wishes.scope.until or wishes.today
    )
    curves = [
        (currency, plots.net_worth(f"net-worth-{number}", points), points)
        for number, (currency, points) in enumerate(found.items())
    ]
    accounts = queries.accounts_of(visitor().id, environment=environment())
    return page(
        "net_worth",
        wishes,
        curves=curves,
        totals=queries.net_worth(accounts),
        standings=standing(accounts),
    )


@bp.get("/cash-flow")
def cash_flow() -> ResponseReturnValue:
    """In and out by month."""
    wishes = asked()
    flow = _since_first(figures.cash_flow(wishes.scope))
    earned = Money(minor=sum(month.earned.minor for month in flow), currency=wishes.currency)
    spent = Money(minor=sum(month.spent.minor for month in flow), currency=wishes.currency)
    return page(
        "cash_flow",
        wishes,
        flow=flow[::-1],
        chart=plots.cash_flow("cash-flow", flow, wishes),
        earned=earned,
        spent=spent,
        kept=Money(minor=earned.minor - spent.minor, currency=wishes.currency),
    )


@bp.get("/spending")
def spending() -> ResponseReturnValue:
    """Where the money went, by group and by what is in it."""
    wishes, catalogue = asked(), catalogues.of(visitor().id)
    parts = figures.get_user_spending_by_category(wishes.scope, catalogue)
    groups = figures.by_group(parts, catalogue)
    by_month = figures.spending_by_month(wishes.scope, catalogue)
    months = _months(wishes, by_month)
    return page(
        "spending",
        wishes,
        groups=groups,
        parts=parts,
        total=Money(minor=sum(group.spent.minor for group in groups), currency=wishes.currency),
        shares=plots.shares("shares", groups, wishes),
        over_time=plots.over_time("by-month", by_month, months, wishes),
    )


def _months(wishes: Asked, found: Iterable[dt.date]) -> list[dt.date]:
    days = list(found)
    if not days:
        return []
    # of months before the first row nothing is known, which is not the same as nothing spent
    return figures.months(max(wishes.scope.since or min(days), min(days)), wishes.scope.until or max(days))


def _since_first(flow: list[Month]) -> list[Month]:
    """The months from the first in which anything moved."""
    return list(dropwhile(lambda month: not month.earned.minor and not month.spent.minor, flow))


@bp.get("/merchants")
def merchants() -> ResponseReturnValue:
    """With whom most was spent."""
    wishes = asked()
    rows = where_most_was_spent(wishes.scope, wishes.currency, limit=MOST_MERCHANTS)
    return page("merchants", wishes, rows=rows, largest=max((row.spent.minor for row in rows), default=1))


@bp.get("/recurring")
def recurring() -> ResponseReturnValue:
    """What comes again and again: bills, subscriptions and pay."""
    wishes = asked()
    account = wishes.account.id if wishes.account else None
    streams = productqueries.recurring(visitor().id, environment=environment(), account_id=account)
    catalogue = catalogues.of(visitor().id)
    moved = {one.id for one in streams if _flow(one, catalogue) is Flow.TRANSFER}
    living = [one for one in streams if one.is_active and one.id not in moved]
    return page(
        "recurring",
        wishes,
        bills=[one for one in living if not one.is_income],
        pay=[one for one in living if one.is_income],
        moved=[one for one in streams if one.is_active and one.id in moved],
        ended=[one for one in streams if not one.is_active],
        catalogue=catalogue,
        today=wishes.today,
    )


def _flow(stream: RecurringRow, catalogue: Catalogue) -> Flow:
    return catalogue.find(stream.category_detailed or stream.category).flow
