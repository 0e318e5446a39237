"""What the address of a report asks for: its period, its account, its currency."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import url_for
from flask_babel import gettext as _

from mingus.money import Currency
from mingus.reports import figures
from mingus.reports.figures import Scope

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from mingus.auth.models import UserId
    from mingus.plaid.queries import AccountRow

DEFAULT = "12-months"
MONTHS_OF = {"3-months": 3, "6-months": 6, "12-months": 12}
NOTHING_YET = Currency("USD")  # what an empty report counts in


def period_words() -> dict[str, str]:
    """The periods that are offered, in words."""
    return {
        "this-month": _("This month"),
        "3-months": _("3 months"),
        "6-months": _("6 months"),
        "12-months": _("12 months"),
        "last-year": _("Last year"),
        "all": _("All"),
    }


def span(name: str, today: dt.date) -> tuple[dt.date | None, dt.date]:
    """First and last day of a named period: whole months, the present one included; all has no first day."""
    if name == "all":
        return None, today
    if name == "last-year":
        return dt.date(today.year - 1, 1, 1), dt.date(today.year - 1, 12, 31)
    back = today.year * 12 + today.month - MONTHS_OF.get(name, 1)
    return dt.date(back // 12, back % 12 + 1, 1), today


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The scope of a report and the addresses of its neighbours."""

    endpoint: str
    period: str
    account: AccountRow | None
    currencies: tuple[Currency, ...]
    scope: Scope
    today: dt.date

    @property
    def currency(self) -> Currency:
        return self.scope.currency or NOTHING_YET

    def url(self, endpoint: str | None = None, **changes: str) -> str:
        """This report, or another one, with the same wishes but for some."""
        values = {
            "period": self.period if self.period != DEFAULT else "",
            "account": self.account.id if self.account else "",
            "currency": self.currency
            if len(self.currencies) > 1 and self.currency != self.currencies[0]
            else "",
            **changes,
        }
        query = urlencode({name: value for name, value in values.items() if value})
        return url_for(endpoint or self.endpoint) + (f"?{query}" if query else "")

    def list_url(self, since: dt.date | None = None, until: dt.date | None = None, **filters: str) -> str:
        """The transactions behind a figure."""
        since, until = since or self.scope.since, until or self.scope.until
        values = {
            "since": since.isoformat() if since else "",
            "until": until.isoformat() if until else "",
            "account": self.account.id if self.account else "",
            **filters,
        }
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{url_for('transactions.index')}?{query}"


def read(
    args: MultiDict[str, str],
    *,
    endpoint: str,
    user_id: UserId,
    environment: str,
    accounts: list[AccountRow],
    today: dt.date,
) -> Asked:
    """What the address asks; what it can't mean is left out."""
    period = args.get("period", DEFAULT)
    period = period if period in period_words() else DEFAULT
    since, until = span(period, today)
    account = next((row for row in accounts if row.id == args.get("account")), None)
    scope = Scope(
        user_id=user_id,
        environment=environment,
        since=since,
        until=until,
        accounts=(account.id,) if account else (),
    )
    if since is None:
        scope = replace(scope, since=figures.first_day(scope))
    known = tuple(figures.currencies(replace(scope, since=None, until=None)))
    wanted = next(
        (code for code in known if code == args.get("currency")), known[0] if known else NOTHING_YET
    )
    return Asked(
        endpoint=endpoint,
        period=period,
        account=account,
        currencies=known,
        scope=replace(scope, currency=wanted),
        today=today,
    )
