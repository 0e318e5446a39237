"""The pages for the people who run this MINGUS; for everybody else they do not exist."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING
from typing import TypeVar
from zoneinfo import ZoneInfo

from flask import Blueprint
from flask import abort
from flask import render_template
from flask import request
from flask_babel import lazy_gettext as _l

from mingus.admin import kpis
from mingus.admin import plots
from mingus.services import services
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

Word = TypeVar("Word", bound=StrEnum)

bp = Blueprint("admin", __name__, url_prefix="/admin")
ROWS_SHOWN = 50
PERIODS = {
    "24h": (_l("24 hours"), dt.timedelta(days=1)),
    "7d": (_l("7 days"), dt.timedelta(days=7)),
    "30d": (_l("30 days"), dt.timedelta(days=30)),
}
PAGES = (
    ("admin.index", _l("Overview")),
    ("admin.syncs", _l("Syncs")),
    ("admin.webhooks", _l("Webhooks")),
    ("admin.connections", _l("Connections")),
    ("admin.institutions", _l("Banks")),
    ("admin.set_aside", _l("Set aside")),
    ("admin.people", _l("People")),
    ("admin.audit", _l("Audit")),
    ("admin.system", _l("System")),
    ("admin.browser_reports", _l("Browser reports")),
)
# the tab that a page without one of its own belongs to
PAGE_OF = {
    "admin.sync": "admin.syncs",
    "admin.sync_rows": "admin.syncs",
    "admin.webhook": "admin.webhooks",
    "admin.connection": "admin.connections",
    "admin.set_aside_row": "admin.set_aside",
    "admin.person": "admin.people",
}


@bp.before_request
def _admins_only() -> None:
    if not visitor().is_admin:
        abort(404)


@bp.context_processor
def _pages() -> dict[str, object]:
    endpoint = request.endpoint or ""
    return {"admin_pages": PAGES, "admin_here": PAGE_OF.get(endpoint, endpoint)}


@bp.get("")
def index() -> ResponseReturnValue:
    period = request.args.get("period", "24h")
    if period not in PERIODS:
        abort(404)
    now, environment = services().ambient.now(), services().settings.environment.value
    return render_template(
        "admin/index.html",
        kpis=kpis.kpis(environment=environment, now=now, span=PERIODS[period][1]),
        charts=plots.lines(kpis.by_day(environment=environment, now=now)),
        period=period,
        periods={name: label for name, (label, _span) in PERIODS.items()},
    )


@bp.get("/browser-reports")
def browser_reports() -> ResponseReturnValue:
    """What browsers refused to do, by our policy."""
    return render_template("admin/browser_reports.html", rows=services().browser_reports.recent())


def chosen(kind: type[Word], name: str) -> Word | None:
    """The filter of the address; a word that nobody knows is a page that is not there."""
    word = request.args.get(name)
    if not word:
        return None
    if word not in {item.value for item in kind}:
        abort(404)
    return kind(word)


def day_of(word: str | None) -> dt.date | None:
    """A day of a form or an address; one that can't be read is a page that is not there."""
    if not word:
        return None
    try:
        day = dt.date.fromisoformat(word)
    except ValueError:
        abort(404)
    if not 2000 <= day.year <= 2200:
        abort(404)
    return day


def midnight(day: dt.date) -> dt.datetime:
    """When the day begins for the admin who looks."""
    return dt.datetime.combine(day, dt.time(), ZoneInfo(visitor().time_zone)).astimezone(dt.UTC)
