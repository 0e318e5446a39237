"""Admin pages about rows that were set aside: why, for how long, and trying again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for

from mingus.admin import setaside as queries
from mingus.admin import unmasking
from mingus.admin.connection_views import environment
from mingus.admin.setaside import Aside
from mingus.admin.setaside import Wanted
from mingus.admin.views import ROWS_SHOWN
from mingus.admin.views import bp
from mingus.admin.views import chosen
from mingus.audit import AuditAction
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import ConnectionId
from mingus.services import services
from mingus.web.access import owned_or_404
from mingus.web.access import visitor
from mingus.web.texts import ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from mingus.admin.setaside import AsideRow
    from mingus.admin.setaside import Source
    from mingus.plaid.ledger import SyncId


@bp.get("/set-aside")
def set_aside() -> ResponseReturnValue:
    """Rows that are not in the ledger; `kind`, `reason` and `connection` narrow them."""
    connection, after = request.args.get("connection"), request.args.get("after", "")
    kind, reason = chosen(Aside, "kind"), request.args.get("reason") or None
    asked = {"kind": kind, "reason": reason, "connection": connection}
    wanted = Wanted(kind=kind, reason=reason, connection_id=ConnectionId(connection) if connection else None)
    return render_template(
        "admin/set_aside.html",
        page=queries.page(wanted, environment=environment(), limit=ROWS_SHOWN, after=after or None),
        reasons=queries.reasons(environment=environment()),
        asked={name: word for name, word in asked.items() if word},
        is_first=not after,
    )


@bp.get("/set-aside/<row_id>")
def set_aside_row(row_id: str) -> ResponseReturnValue:
    """One row; what it says only once a reason was given."""
    row = _found(row_id)
    shown = unmasking.is_shown(row.id)
    return render_template(
        "admin/set_aside_row.html", row=row, raw=queries.raw(row) if shown else None, **unmasking.rule()
    )


@bp.post("/set-aside/<row_id>/show")
def show_set_aside(row_id: str) -> ResponseReturnValue:
    row = _found(row_id)
    unmasking.show(row.id, AuditAction.BODY_SHOWN, subject=row.user_id)
    return redirect(url_for("admin.set_aside_row", row_id=row.id), code=303)


@bp.post("/set-aside/<row_id>/retry")
def retry_row(row_id: str) -> ResponseReturnValue:
    row = _found(row_id)
    sources = queries.sources_of(Wanted(row_id=row.id), environment=environment())
    syncs = _retry(sources, row.kind)
    if syncs:
        return redirect(url_for("admin.sync", sync_id=syncs[0]), code=303)
    return _told(sources)


@bp.post("/set-aside/retry")
def retry_reason() -> ResponseReturnValue:
    """Try again all rows of a reason: what they came from is read once for each connection."""
    kind, reason = request.form.get("kind", ""), request.form.get("reason", "")
    known = {(group.kind.value, group.reason) for group in queries.reasons(environment=environment())}
    owned_or_404((kind, reason) if (kind, reason) in known else None)
    sources = queries.sources_of(Wanted(kind=Aside(kind), reason=reason), environment=environment())
    _retry(sources, Aside(kind))
    return _told(sources)


def _retry(sources: Sequence[Source], kind: Aside) -> list[SyncId]:
    """Have what such rows came from read again; the ids of the syncs, a product is read without one.

    A parked row needs its account, which an ordinary sync asks for. One that could not be read is asked for anew
    with everything else: an old copy might undo what the bank told since.
    """
    syncs = []
    for source in sources:
        services().trail.note(
            AuditAction.ASIDE_RETRIED,
            actor=visitor().id,
            subject=source.user_id,
            target=source.connection_id,
            what=source.product or "transactions",
        )
        if source.product is not None:
            services().refresher.again(source.connection_id, source.product)
            continue
        anew = kind is Aside.QUARANTINED
        syncs.append(services().sync.request(source.connection_id, Trigger.OPERATOR, anew=anew))
    return syncs


def _told(sources: Sequence[Source]) -> ResponseReturnValue:
    count = len({source.connection_id for source in sources})
    flash(ngettext("%(num)s connection is read again.", "%(num)s connections are read again.", count), "info")
    return redirect(url_for("admin.set_aside"), code=303)


def _found(row_id: str) -> AsideRow:
    return owned_or_404(queries.one(row_id, environment=environment()))
