"""The pages for the people who run this MINGUS; for everybody else they do not exist."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING
from typing import TypeVar

from flask import Blueprint
from flask import abort
from flask import render_template
from flask import request
from flask_babel import lazy_gettext as _l

from mingus.admin import kpis
from mingus.admin import syncs as queries
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.services import services
from mingus.web.access import owned_or_404
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
)


@bp.before_request
def _admins_only() -> None:
    if not visitor().is_admin:
        abort(404)


@bp.context_processor
def _pages() -> dict[str, object]:
    return {"admin_pages": PAGES}


@bp.get("")
def index() -> ResponseReturnValue:
    period = request.args.get("period", "24h")
    if period not in PERIODS:
        abort(404)
    now = services().ambient.now()
    return render_template(
        "admin/index.html",
        kpis=kpis.kpis(environment=services().settings.environment.value, now=now, span=PERIODS[period][1]),
        period=period,
        periods={name: label for name, (label, _) in PERIODS.items()},
    )


@bp.get("/syncs")
def syncs() -> ResponseReturnValue:
    filters = queries.Filters(
        status=_chosen(SyncStatus, "status"),
        trigger=_chosen(Trigger, "trigger"),
        error=request.args.get("error") or None,
    )
    after = request.args.get("after", "")
    asked = {"status": filters.status, "trigger": filters.trigger, "error": filters.error}
    return render_template(
        "admin/syncs.html",
        page=queries.page(filters, limit=ROWS_SHOWN, after=SyncId(after) if after else None),
        failures=queries.failures(services().ambient.now() - kpis.MONTH),
        asked=asked,
        is_narrowed=any(asked.values()),
        is_first=not after,
        statuses=list(SyncStatus),
        triggers=list(Trigger),
    )


@bp.get("/syncs/<sync_id>")
def sync(sync_id: SyncId) -> ResponseReturnValue:
    found = owned_or_404(queries.detail(sync_id, now=services().ambient.now()))
    return render_template("admin/sync.html", detail=found, sync=found.sync, most_calls=queries.MOST_CALLS)


def _chosen(kind: type[Word], name: str) -> Word | None:
    """The filter of the address; a word that nobody knows is a page that is not there."""
    word = request.args.get(name)
    if not word:
        return None
    if word not in {item.value for item in kind}:
        abort(404)
    return kind(word)
