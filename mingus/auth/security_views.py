"""The settings page of second factors: passkeys, the authenticator app, recovery codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint
from flask import flash
from flask import jsonify
from flask import redirect
from flask import render_template
from flask import session
from flask import url_for
from flask_babel import gettext as _

from mingus.auth.entry_views import PasskeyBody
from mingus.auth.factor_models import PasskeyId
from mingus.auth.failures import WrongCode
from mingus.auth.forms import FactorForm
from mingus.auth.forms import entered
from mingus.auth.queries import device_name
from mingus.auth.views import agent
from mingus.auth.views import start_session
from mingus.services import services
from mingus.web.access import must_add_factor
from mingus.web.access import owned_or_404
from mingus.web.access import visitor
from mingus.web.bodies import json_body
from mingus.web.qr import qr

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from mingus.auth.sessions import Keys

bp = Blueprint("security", __name__, url_prefix="/settings/security")


@bp.get("")
def index() -> ResponseReturnValue:
    return _page()


@bp.post("/app/begin")
def begin_app() -> ResponseReturnValue:
    services().factors.begin_app(visitor().id)
    return redirect(url_for("security.app"), code=303)


@bp.route("/app", methods=["GET", "POST"])
def app() -> ResponseReturnValue:
    """The picture for the app's camera, and the first code that proves it works."""
    setup = owned_or_404(services().factors.app_setup(visitor()))
    form = FactorForm()
    if form.validate_on_submit():
        try:
            keys = services().factors.confirm_app(visitor(), entered(form.code))
        except WrongCode as err:
            form.code.errors = [_(err.public)]
        else:
            return _changed(keys, _("Your authenticator app is set up. Other devices are signed out."))
    picture = qr(setup.uri)
    return render_template(
        "settings/app.html", form=form, setup=setup, picture=picture
    ), 422 if form.errors else 200


@bp.post("/app/remove")
def remove_app() -> ResponseReturnValue:
    keys = services().factors.remove_app(visitor())
    return _changed(keys, _("The authenticator app is no longer asked for."))


@bp.post("/passkeys/question")
def question() -> ResponseReturnValue:
    return jsonify({"success": True, "question": services().passkeys.begin_adding(visitor())})


@bp.post("/passkeys")
def answer() -> ResponseReturnValue:
    body = json_body(PasskeyBody)
    keys = services().passkeys.finish_adding(visitor(), body.credential, name=device_name(agent()))
    response = jsonify({"success": True, "next": url_for("security.index")})
    start_session(keys, response, remember=session.permanent)
    flash(_("The passkey is added. Other devices are signed out."), "success")
    return response


@bp.post("/passkeys/<passkey_id>/remove")
def remove_passkey(passkey_id: str) -> ResponseReturnValue:
    keys = services().passkeys.remove(visitor(), PasskeyId(passkey_id))
    return _changed(keys, _("That passkey no longer works here."))


@bp.post("/codes")
def make_codes() -> ResponseReturnValue:
    """The answer to the form shows the codes itself: they must not travel on in a cookie."""
    return _page(codes=services().factors.make_codes(visitor()))


def _changed(keys: Keys, sentence: str) -> ResponseReturnValue:
    """Back to the list with the browser's new keys."""
    response = redirect(url_for("security.index"), code=303)
    start_session(keys, response, remember=session.permanent)
    flash(sentence, "success")
    return response


def _page(codes: list[str] | None = None) -> str:
    return render_template(
        "settings/security.html",
        methods=services().factors.methods(visitor().id),
        passkeys_offered=services().passkeys.are_offered,
        required=must_add_factor(),
        codes=codes,
    )
