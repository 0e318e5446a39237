"""Admin pages about syncs: a list to narrow, and one sync with everything that is known of it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from flask import abort
from flask import render_template
from flask import request

from mingus.admin import syncdetail
from mingus.admin import syncs as queries
from mingus.admin.tallies import MONTH
from mingus.admin.views import ROWS_SHOWN
from mingus.admin.views import bp
from mingus.admin.views import chosen
from mingus.admin.views import day_of
from mingus.admin.views import midnight
from mingus.auth.models import UserId
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import ConnectionId
from mingus.services import services
from mingus.web import charts
from mingus.web.access import owned_or_404

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

SPARK_DAYS = 14
LONGEST_SECONDS = 86_400
NAMES = ("status", "trigger", "error", "bank", "person", "connection", "since", "until", "longer")


@bp.get("/syncs")
def syncs() -> ResponseReturnValue:
    filters, after = _filters(), request.args.get("after", "")
    now = services().ambient.now()
    is_first = not after
    shows_failures = is_first and not filters.narrow
    failed = queries.failures_by_day(now, SPARK_DAYS) if shows_failures else []
    return render_template(
        "admin/syncs.html",
        page=queries.page(filters, limit=ROWS_SHOWN, after=SyncId(after) if after else None),
        failures=queries.failures(now - MONTH) if shows_failures else [],
        failed_by_day=failed,
        spark=charts.sparkline(failed, hue="red") if any(failed) else None,
        asked={name: request.args[name] for name in NAMES if request.args.get(name)},
        banks=queries.banks(services().settings.environment.value),
        is_first=is_first,
        statuses=list(SyncStatus),
        triggers=[trigger for trigger in Trigger if trigger is not Trigger.IMPORT],
    )


@bp.get("/syncs/<sync_id>")
def sync(sync_id: SyncId) -> ResponseReturnValue:
    found = owned_or_404(syncdetail.detail(sync_id, now=services().ambient.now()))
    return render_template(
        "admin/sync.html",
        detail=found,
        sync=found.sync,
        for_plaid=syncdetail.for_plaid(found),
        most_calls=syncdetail.MOST_CALLS,
    )


@bp.get("/syncs/<sync_id>/rows")
def sync_rows(sync_id: SyncId) -> ResponseReturnValue:
    """Which rows a sync touched: their ids and the names of what changed, never what they say."""
    found = owned_or_404(syncdetail.detail(sync_id, now=services().ambient.now()))
    return render_template(
        "admin/sync_rows.html", sync=found.sync, rows=syncdetail.touched(found), most=syncdetail.MOST_ROWS
    )


def _filters() -> queries.Filters:
    """The filters of the address; what can't be read is a page that is not there."""
    person, connection = request.args.get("person"), request.args.get("connection")
    since, until = day_of(request.args.get("since")), day_of(request.args.get("until"))
    seconds = request.args.get("longer") or ""
    if seconds and (not seconds.isdigit() or not 0 < int(seconds) <= LONGEST_SECONDS):
        abort(404)
    return queries.Filters(
        status=chosen(SyncStatus, "status"),
        trigger=chosen(Trigger, "trigger"),
        error=request.args.get("error") or None,
        institution_id=request.args.get("bank") or None,
        user_id=UserId(person) if person else None,
        connection_id=ConnectionId(connection) if connection else None,
        since=midnight(since) if since else None,
        until=midnight(until + dt.timedelta(days=1)) if until else None,
        longer_than=dt.timedelta(seconds=int(seconds)) if seconds else None,
    )
