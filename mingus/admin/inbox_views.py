"""Admin pages about what Plaid sent: the inbox, one webhook with its body for a reason, and doing it once more."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from flask import abort
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_babel import gettext as _

from mingus.admin import inbox
from mingus.admin import unmasking
from mingus.admin.tallies import MONTH
from mingus.admin.views import ROWS_SHOWN
from mingus.admin.views import bp
from mingus.admin.views import chosen
from mingus.admin.views import day_of
from mingus.admin.views import midnight
from mingus.audit import AuditAction
from mingus.services import services
from mingus.web.access import owned_or_404
from mingus.web.access import visitor
from mingus.web.texts import ngettext
from mingus.webhooks.models import FAILED
from mingus.webhooks.models import EventState

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@bp.get("/webhooks")
def webhooks() -> ResponseReturnValue:
    """The inbox; `state` is one of its states, or `failed` for all that could not be handled."""
    asked, after = request.args.get("state", ""), request.args.get("after")
    state = None if asked == "failed" else chosen(EventState, "state")
    states = FAILED if asked == "failed" else frozenset({state} if state else ())
    return render_template(
        "admin/webhooks.html",
        page=inbox.page(states, limit=ROWS_SHOWN, after=after or None),
        refusals=inbox.refusals((services().ambient.now() - MONTH).date()),
        asked={"state": asked} if asked else {},
        is_first=not after,
        states=list(EventState),
    )


@bp.get("/webhooks/<event_id>")
def webhook(event_id: str) -> ResponseReturnValue:
    """One webhook; its body only once a reason was given."""
    found = owned_or_404(inbox.one(event_id))
    shown = unmasking.is_shown(event_id)
    return render_template(
        "admin/webhook.html",
        event=found,
        row=found.row,
        body=inbox.body(event_id) if shown else None,
        **unmasking.rule(),
    )


@bp.post("/webhooks/<event_id>/show")
def show_webhook(event_id: str) -> ResponseReturnValue:
    found = owned_or_404(inbox.one(event_id))
    unmasking.show(found.row.id, AuditAction.BODY_SHOWN, subject=found.user_id)
    return redirect(url_for("admin.webhook", event_id=event_id), code=303)


@bp.post("/webhooks/replay")
def replay_failed() -> ResponseReturnValue:
    services().trail.note(AuditAction.WEBHOOKS_REPLAYED, actor=visitor().id, subject=None, which="failed")
    return _told(services().inbox.replay(states=FAILED))


@bp.post("/webhooks/range")
def replay_range() -> ResponseReturnValue:
    """Have what came on these days (the admin's) handled once more; one end may stay open, not both."""
    since, until = day_of(request.form.get("since")), day_of(request.form.get("until"))
    if since is None and until is None:
        flash(_("Say from which day on, or up to which."), "error")
        return redirect(url_for("admin.webhooks"), code=303)
    services().trail.note(AuditAction.WEBHOOKS_REPLAYED, actor=visitor().id, subject=None, which="range")
    count = services().inbox.replay(
        since=midnight(since) if since else None,
        until=midnight(until + dt.timedelta(days=1)) if until else None,
    )
    return _told(count)


@bp.post("/webhooks/<event_id>/replay")
def replay(event_id: str) -> ResponseReturnValue:
    if not services().inbox.replay(event_id=event_id):
        abort(404)
    services().trail.note(AuditAction.WEBHOOKS_REPLAYED, actor=visitor().id, subject=None, target=event_id)
    flash(_("The webhook is handled once more."))
    return redirect(url_for("admin.webhook", event_id=event_id), code=303)


def _told(count: int) -> ResponseReturnValue:
    flash(ngettext("%(num)s webhook is handled once more.", "%(num)s webhooks are handled once more.", count))
    return redirect(url_for("admin.webhooks"), code=303)
