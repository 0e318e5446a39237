"""Admin pages about connections and their banks: how they do, and what can be done about it. Workers do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_babel import gettext as _

from mingus.admin import connections as queries
from mingus.admin import institutions as banks
from mingus.admin import support
from mingus.admin.connections import Group
from mingus.admin.views import ROWS_SHOWN
from mingus.admin.views import bp
from mingus.admin.views import chosen
from mingus.audit import AuditAction
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import ConnectionId
from mingus.plaid.states import ConnectionState
from mingus.services import services
from mingus.web.access import owned_or_404
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import SyncId


@bp.get("/connections")
def connections() -> ResponseReturnValue:
    """Everybody's connections; `state` is one of their states, `group` another cut, `bank` an institution."""
    after, now = request.args.get("after", ""), services().ambient.now()
    state, group = chosen(ConnectionState, "state"), chosen(Group, "group")
    bank = request.args.get("bank") or None
    asked = {"state": state, "group": group, "bank": bank}
    return render_template(
        "admin/connections.html",
        page=queries.page(
            environment=environment(),
            now=now,
            limit=ROWS_SHOWN,
            state=state,
            group=group,
            institution_id=bank,
            after=ConnectionId(after) if after else None,
        ),
        counts=queries.counts(environment=environment()),
        groups=queries.group_counts(environment=environment(), now=now),
        asked={name: word for name, word in asked.items() if word},
        is_first=not after,
    )


@bp.get("/connections/<connection_id>")
def connection(connection_id: ConnectionId) -> ResponseReturnValue:
    found = owned_or_404(
        queries.detail(connection_id, environment=environment(), now=services().ambient.now())
    )
    return render_template("admin/connection.html", detail=found, row=found.row)


@bp.get("/connections/<connection_id>/support.json")
def support_bundle(connection_id: ConnectionId) -> ResponseReturnValue:
    """What helps others to help, without people and money, as a file."""
    found = owned_or_404(
        support.bundle(connection_id, environment=environment(), now=services().ambient.now())
    )
    return _file(found, f"{connection_id}.json", "application/json")


@bp.get("/syncs/<sync_id>/scenario.toml")
def scenario(sync_id: SyncId) -> ResponseReturnValue:
    """A failed sync as a story that the simulator plays."""
    found = owned_or_404(support.scenario(sync_id, now=services().ambient.now()))
    return _file(found, f"{sync_id}.toml", "application/toml")


@bp.post("/connections/<connection_id>/sync")
def sync_now(connection_id: ConnectionId) -> ResponseReturnValue:
    services().trail.note(
        AuditAction.SYNC_ASKED, actor=visitor().id, subject=_owner(connection_id), target=connection_id
    )
    sync_id = services().sync.request(connection_id, Trigger.OPERATOR)
    return redirect(url_for("admin.sync", sync_id=sync_id), code=303)


@bp.post("/connections/<connection_id>/reread")
def reread(connection_id: ConnectionId) -> ResponseReturnValue:
    """Read everything anew from the start; what the bank no longer tells of is removed."""
    services().trail.note(
        AuditAction.REREAD_ASKED, actor=visitor().id, subject=_owner(connection_id), target=connection_id
    )
    sync_id = services().sync.request(connection_id, Trigger.OPERATOR, anew=True)
    return redirect(url_for("admin.sync", sync_id=sync_id), code=303)


@bp.post("/connections/<connection_id>/pause")
def pause(connection_id: ConnectionId) -> ResponseReturnValue:
    _owner(connection_id)
    services().resting.pause(connection_id, by=visitor().id)
    flash(_("Nobody asks this bank until you let it go on."), "success")
    return redirect(url_for("admin.connection", connection_id=connection_id), code=303)


@bp.post("/connections/<connection_id>/resume")
def resume(connection_id: ConnectionId) -> ResponseReturnValue:
    _owner(connection_id)
    services().resting.resume(connection_id, by=visitor().id)
    flash(_("It goes on, with what was waiting."), "success")
    return redirect(url_for("admin.connection", connection_id=connection_id), code=303)


@bp.get("/banks")
def institutions() -> ResponseReturnValue:
    """The banks with their error rates, and how much of our own allowance is in use."""
    return render_template(
        "admin/institutions.html",
        rows=banks.rows(environment=environment(), now=services().ambient.now()),
        usage=services().outgoing.shared_usage(),
    )


def _file(text: str, name: str, kind: str) -> Response:
    answer = Response(text, content_type=f"{kind}; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def environment() -> str:
    """Whose connections are not asleep."""
    return services().settings.environment.value


def _owner(connection_id: ConnectionId) -> UserId:
    return owned_or_404(queries.owner_of(connection_id, environment=environment()))
