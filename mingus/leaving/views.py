"""The page that deletes an account, and the receipt that is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint
from flask import redirect
from flask import render_template
from flask import session
from flask import url_for
from flask_babel import gettext as _
from flask_login import logout_user

from mingus.auth.forms import LeaveForm
from mingus.auth.forms import entered
from mingus.services import services
from mingus.web.access import visitor
from mingus.web.headers import CLEAR_SITE_DATA

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("leaving", __name__)


@bp.route("/settings/leave", methods=["GET", "POST"])
def leave() -> ResponseReturnValue:
    form = LeaveForm()
    if not form.validate_on_submit():
        return render_template("leaving/leave.html", form=form), 422 if form.errors else 200
    if entered(form.email) != visitor().email:
        form.email.errors = [_("That is not the address of this account.")]
        return render_template("leaving/leave.html", form=form), 422
    receipt = services().leaving.leave(visitor().id, by=visitor().id)
    logout_user()
    session.clear()
    response = redirect(url_for("leaving.receipt", token=receipt), code=303)
    response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
    return response


@bp.get("/left/<token>")
def receipt(token: str) -> ResponseReturnValue:
    """How far the deletion is; it names nobody, and only who has its address finds it."""
    return render_template("leaving/receipt.html", receipt=services().leaving.receipt(token))
