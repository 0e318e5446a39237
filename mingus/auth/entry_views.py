"""The second step of signing in, passkeys, and confirming that it is still you."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import msgspec
from flask import Blueprint
from flask import jsonify
from flask import redirect
from flask import render_template
from flask import request
from flask import session
from flask import url_for
from flask_babel import gettext as _

from mingus.auth.factor_models import ChallengePurpose
from mingus.auth.failures import HalfSessionOver
from mingus.auth.failures import WrongCode
from mingus.auth.failures import WrongPassword
from mingus.auth.forms import FactorForm
from mingus.auth.forms import IdentityForm
from mingus.auth.forms import IdentityWithCodeForm
from mingus.auth.forms import entered
from mingus.auth.views import caller
from mingus.auth.views import start_session
from mingus.services import services
from mingus.web.access import safe_next
from mingus.web.access import visitor
from mingus.web.bodies import json_body

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("entry", __name__)


class PasskeyBody(msgspec.Struct, forbid_unknown_fields=True):
    """What the browser's passkey answered."""

    credential: dict[str, Any]
    remember: bool = False
    zone: str = ""


@bp.route("/login/factor", methods=["GET", "POST"])
def factor() -> ResponseReturnValue:
    """After the password: a code of the app or a recovery code, or a passkey instead."""
    half = session.get("half")
    if half is None:
        return redirect(url_for("auth.login"), code=303)
    form = FactorForm()
    if not form.validate_on_submit():
        return render_template("auth/factor.html", form=form), 422 if form.errors else 200
    try:
        entry = services().entrance.finish(half, entered(form.code), caller=caller())
    except WrongCode as err:
        form.code.errors = [_(err.public)]
        return render_template("auth/factor.html", form=form), err.status
    except HalfSessionOver:
        session.clear()
        raise
    onward = redirect(safe_next(request.args.get("next")), code=303)
    return start_session(entry.keys, onward, remember=entry.remembered)


@bp.post("/login/passkey/question")
def question() -> ResponseReturnValue:
    return jsonify({"success": True, "question": services().entrance.question(caller=caller())})


@bp.post("/login/passkey")
def answer() -> ResponseReturnValue:
    body = json_body(PasskeyBody)
    entry = services().entrance.enter_with_passkey(
        body.credential, remember=body.remember, caller=caller(zone=body.zone)
    )
    response = jsonify({"success": True, "next": safe_next(request.args.get("next"))})
    return start_session(entry.keys, response, remember=entry.remembered)


@bp.route("/confirm", methods=["GET", "POST"])
def confirm() -> ResponseReturnValue:
    """Once more before something dangerous; then on with what was being done."""
    form = IdentityWithCodeForm() if visitor().has_factor else IdentityForm()
    if not form.validate_on_submit():
        return _confirm_page(form), 422 if form.errors else 200
    code = entered(form.code) if visitor().has_factor else ""
    try:
        keys = services().entrance.confirm(visitor(), password=entered(form.password), code=code)
    except WrongPassword as err:
        form.password.errors = [_(err.public)]
        return _confirm_page(form), err.status
    except WrongCode as err:
        form.code.errors = [_(err.public)]
        return _confirm_page(form), err.status
    return start_session(keys, redirect(_onward(), code=303), remember=session.permanent)


@bp.post("/confirm/passkey/question")
def confirm_question() -> ResponseReturnValue:
    asked = services().passkeys.begin_asking(ChallengePurpose.CONFIRM, visitor().id)
    return jsonify({"success": True, "question": asked})


@bp.post("/confirm/passkey")
def confirm_answer() -> ResponseReturnValue:
    keys = services().entrance.confirm_with_passkey(visitor(), json_body(PasskeyBody).credential)
    response = jsonify({"success": True, "next": _onward()})
    return start_session(keys, response, remember=session.permanent)


@bp.get("/confirm/go-on")
def go_on() -> ResponseReturnValue:
    """The form that was interrupted, with everything in it: one press sends it again."""
    kept = session.get("kept")
    if kept is None:
        return redirect(url_for("web.home"), code=303)
    return render_template("auth/go_on.html", kept=kept)


def _confirm_page(form: IdentityForm) -> str:
    return render_template("auth/confirm.html", form=form, next=request.args.get("next"))


def _onward() -> str:
    return url_for("entry.go_on") if "kept" in session else safe_next(request.args.get("next"))
