"""The pages of notices, and how people want to hear of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint
from flask import abort
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_babel import gettext as _

from mingus.notices.models import NoticeKind
from mingus.notices.service import Ways
from mingus.plaid.pulse import pulse_of
from mingus.plaid.schedules import CHOICES
from mingus.services import services
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("notices", __name__)


@bp.get("/notices")
def index() -> ResponseReturnValue:
    environment = services().settings.environment.value
    pulse = pulse_of(visitor().id, environment=environment, now=services().ambient.now())
    return render_template("notices/index.html", pulse=pulse, rows=services().notices.of(visitor().id))


@bp.post("/notices/read")
def mark_read() -> ResponseReturnValue:
    services().notices.mark_read(visitor().id)
    return redirect(url_for("notices.index"), code=303)


@bp.route("/settings/notifications", methods=["GET", "POST"])
def choices() -> ResponseReturnValue:
    if request.method == "POST":
        return _choose()
    return render_template(
        "settings/notifications.html",
        ways=services().notices.ways(visitor().id),
        hours=services().schedules.hours_of(visitor().id),
        hour_choices=CHOICES,
    )


def _choose() -> ResponseReturnValue:
    hours = request.form.get("hours", "")
    if hours not in map(str, CHOICES):
        abort(400)
    services().schedules.choose(visitor().id, int(hours))
    services().notices.choose(
        visitor().id,
        {
            kind: Ways(in_app=f"{kind}-app" in request.form, by_mail=f"{kind}-mail" in request.form)
            for kind in NoticeKind
        },
    )
    flash(_("Saved."), "success")
    return redirect(url_for("notices.choices"), code=303)
