"""The settings page of API tokens: made, shown once, revoked."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from flask import Blueprint
from flask import flash
from flask import redirect
from flask import render_template
from flask import url_for
from flask_babel import gettext as _

from mingus.auth import queries
from mingus.auth.failures import TokenNameTaken
from mingus.auth.failures import TooManyTokens
from mingus.auth.forms import TokenForm
from mingus.auth.forms import entered
from mingus.auth.models import ApiTokenId
from mingus.auth.models import TokenScope
from mingus.services import services
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("tokens", __name__, url_prefix="/settings/tokens")


@bp.route("", methods=["GET", "POST"])
def index() -> ResponseReturnValue:
    """The answer to a form shows the new token itself: it must not travel on in a cookie."""
    form = TokenForm()
    if not form.validate_on_submit():
        return _page(form), 422 if form.errors else 200
    try:
        token = services().api_tokens.make(
            visitor().id,
            name=entered(form.name),
            scope=TokenScope(form.scope.data),
            lifetime=dt.timedelta(days=int(form.days.data)),
        )
    except (TokenNameTaken, TooManyTokens) as err:
        form.name.errors = [_(err.public)]
        return _page(form), err.status
    return _page(TokenForm(formdata=None), made=token, name=entered(form.name))


@bp.post("/<token_id>/revoke")
def revoke(token_id: str) -> ResponseReturnValue:
    services().api_tokens.revoke(visitor().id, ApiTokenId(token_id))
    flash(_("That token no longer works."), "success")
    return redirect(url_for("tokens.index"), code=303)


def _page(form: TokenForm, *, made: str | None = None, name: str = "") -> str:
    rows = queries.api_tokens(visitor().id, now=services().ambient.now())
    return render_template("settings/tokens.html", form=form, rows=rows, made=made, name=name)
