"""The settings page of a person's data, and all of it as one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint
from flask import Response
from flask import render_template
from flask import stream_with_context

from mingus.audit import AuditAction
from mingus.exports import archive
from mingus.exports.cut import while_there
from mingus.exports.formats import EXPORT_LIMIT
from mingus.services import services
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("exports", __name__, url_prefix="/settings/data")


@bp.get("")
def index() -> ResponseReturnValue:
    return render_template("settings/data.html")


@bp.get("/everything.zip")
def everything() -> ResponseReturnValue:
    """The whole account, sent while it is read."""
    wired = services()
    wired.limiter.spend("export", visitor().id, EXPORT_LIMIT)
    today = wired.ambient.today(visitor().time_zone)
    wired.trail.note(AuditAction.EXPORTED, actor=visitor().id, subject=visitor().id, what="everything")
    pieces = archive.everything(
        visitor().id, environment=wired.settings.environment.value, now=wired.ambient.now(), today=today
    )
    return Response(
        stream_with_context(while_there(visitor().id, pieces)),
        mimetype="application/zip",
        headers={"Content-Disposition": f'attachment; filename="mingus-{today.isoformat()}.zip"'},
    )
