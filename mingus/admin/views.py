"""The pages for the people who run this MINGUS; for everybody else they do not exist."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import TYPE_CHECKING
from typing import TypeVar

from flask import Blueprint
from flask import abort
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from mingus.admin import connections as connection_rows
from mingus.admin import inbox
from mingus.admin import kpis
from mingus.admin import syncs as queries
from mingus.audit import AuditAction
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import ConnectionId
from mingus.plaid.states import ConnectionState
from mingus.services import services
from mingus.web.access import owned_or_404
from mingus.web.access import visitor
from mingus.web.texts import ngettext
from mingus.webhooks.models import FAILED
from mingus.webhooks.models import EventState

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
    ("admin.people", _l("People")),
    ("admin.audit", _l("Audit")),
    ("admin.system", _l("System")),
    ("admin.browser_reports", _l("Browser reports")),
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
        status=chosen(SyncStatus, "status"),
        trigger=chosen(Trigger, "trigger"),
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
        triggers=[trigger for trigger in Trigger if trigger is not Trigger.IMPORT],
    )


@bp.get("/syncs/<sync_id>")
def sync(sync_id: SyncId) -> ResponseReturnValue:
    found = owned_or_404(queries.detail(sync_id, now=services().ambient.now()))
    return render_template("admin/sync.html", detail=found, sync=found.sync, most_calls=queries.MOST_CALLS)


@bp.get("/webhooks")
def webhooks() -> ResponseReturnValue:
    """The inbox; `state` is one of its states, or `failed` for all that could not be handled."""
    asked, after = request.args.get("state", ""), request.args.get("after")
    state = None if asked == "failed" else chosen(EventState, "state")
    states = FAILED if asked == "failed" else frozenset({state} if state else ())
    return render_template(
        "admin/webhooks.html",
        page=inbox.page(states, limit=ROWS_SHOWN, after=after or None),
        refusals=inbox.refusals((services().ambient.now() - kpis.MONTH).date()),
        asked=asked,
        is_first=not after,
        states=list(EventState),
    )


@bp.post("/webhooks/replay")
def replay_failed() -> ResponseReturnValue:
    services().trail.note(AuditAction.WEBHOOKS_REPLAYED, actor=visitor().id, subject=None, which="failed")
    count = services().inbox.replay(states=FAILED)
    flash(ngettext("%(num)s webhook is handled once more.", "%(num)s webhooks are handled once more.", count))
    return redirect(url_for("admin.webhooks"), code=303)


@bp.post("/webhooks/<event_id>/replay")
def replay(event_id: str) -> ResponseReturnValue:
    if not services().inbox.replay(event_id=event_id):
        abort(404)
    services().trail.note(AuditAction.WEBHOOKS_REPLAYED, actor=visitor().id, subject=None, target=event_id)
    flash(_("The webhook is handled once more."))
    return redirect(url_for("admin.webhooks"), code=303)


@bp.get("/connections")
def connections() -> ResponseReturnValue:
    """Everybody's connections; `state` is one of their states, or `parked`."""
    asked, after = request.args.get("state", ""), request.args.get("after", "")
    environment = services().settings.environment.value
    return render_template(
        "admin/connections.html",
        page=connection_rows.page(
            environment=environment,
            now=services().ambient.now(),
            limit=ROWS_SHOWN,
            state=None if asked == "parked" else chosen(ConnectionState, "state"),
            parked=asked == "parked",
            after=ConnectionId(after) if after else None,
        ),
        counts=connection_rows.counts(environment=environment),
        asked=asked,
        is_first=not after,
    )


@bp.post("/connections/<connection_id>/sync")
def sync_now(connection_id: ConnectionId) -> ResponseReturnValue:
    owner = owned_or_404(
        connection_rows.owner_of(connection_id, environment=services().settings.environment.value)
    )
    services().trail.note(AuditAction.SYNC_ASKED, actor=visitor().id, subject=owner, target=connection_id)
    sync_id = services().sync.request(connection_id, Trigger.OPERATOR)
    return redirect(url_for("admin.sync", sync_id=sync_id), code=303)


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
