"""Signing up, in and out, and getting back in."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import cast

from flask import Blueprint
from flask import current_app
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import session
from flask import url_for
from flask_babel import gettext as _
from flask_login import current_user
from flask_login import login_user
from flask_login import logout_user

from mingus.auth.entrance import Caller
from mingus.auth.failures import AddressTaken
from mingus.auth.failures import InvitationNeeded
from mingus.auth.failures import RegistrationClosed
from mingus.auth.failures import TicketRefused
from mingus.auth.failures import WrongCredentials
from mingus.auth.forms import ZONES
from mingus.auth.forms import ConfirmForm
from mingus.auth.forms import ForgotForm
from mingus.auth.forms import LoginForm
from mingus.auth.forms import NewPasswordForm
from mingus.auth.forms import RegisterForm
from mingus.auth.forms import entered
from mingus.auth.models import TicketKind
from mingus.auth.passwords import WeakPassword
from mingus.services import services
from mingus.web import access
from mingus.web import regions
from mingus.web.access import network
from mingus.web.access import safe_next
from mingus.web.access import visitor
from mingus.web.headers import CLEAR_SITE_DATA

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from werkzeug.wrappers import Response

    from mingus.auth.sessions import Keys
    from mingus.auth.sessions import Visitor

DEVICE_SECONDS = 365 * 24 * 3600
bp = Blueprint("auth", __name__)


def start_session(keys: Keys, response: Response, *, remember: bool) -> Response:
    """Hand the browser its session with this answer, and the cookie that the session is bound to.

    Nothing of the cookie it came with lives on, but a form kept to be sent again.
    """
    kept = session.get("kept")
    session.clear()
    if kept is not None:
        session["kept"] = kept
    session.permanent = remember
    login_user(cast("Visitor", services().sessions.visitor(keys.token, keys.device)))
    response.set_cookie(
        access.device_cookie(),
        keys.device,
        max_age=DEVICE_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )
    return response


def agent() -> str:
    return request.user_agent.string


def caller(*, zone: str = "") -> Caller:
    """Who is at the door; `zone` is what its clock says, if that is one."""
    return Caller(
        agent=agent(),
        address=request.remote_addr or "",
        network=network(),
        device=access.device(),
        zone=zone if zone in ZONES else "",
    )


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(safe_next(request.values.get("next")), code=303)
    form = LoginForm(next=request.args.get("next", ""))
    if not form.validate_on_submit():
        return _login_page(form), 422 if form.errors else 200
    try:
        entry = services().entrance.sign_in(
            email=entered(form.email),
            password=entered(form.password),
            remember=form.remember.data,
            caller=caller(zone=entered(form.zone)),
        )
    except WrongCredentials as err:
        form.password.errors = [_(err.public)]
        return _login_page(form), err.status
    if entry.is_half:
        session.clear()
        session["half"] = entry.keys.token
        return redirect(url_for("entry.factor", next=form.next.data or None), code=303)
    onward = redirect(safe_next(form.next.data), code=303)
    return start_session(entry.keys, onward, remember=entry.remembered)


def _login_page(form: LoginForm) -> str:
    offered = services().passkeys.are_offered
    return render_template("auth/login.html", form=form, passkeys_offered=offered, next=form.next.data)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    services().auth.end_session(visitor(), visitor().session_id)
    logout_user()
    session.clear()
    flash(_("You are signed out."), "info")
    response = redirect(url_for("auth.login"), code=303)
    response.headers["Clear-Site-Data"] = CLEAR_SITE_DATA
    return response


@bp.route("/register", methods=["GET", "POST"])
def register() -> ResponseReturnValue:
    if current_user.is_authenticated:
        return redirect(url_for("web.home"), code=303)
    form = RegisterForm(invitation=request.args.get("invitation", ""))
    try:
        invited = services().auth.check_may_register(entered(form.invitation))
    except (RegistrationClosed, InvitationNeeded, TicketRefused) as err:
        return render_template("auth/invitation_needed.html", sentence=_(err.public)), err.status
    if request.method == "GET" and invited:
        form.email.data = invited
    if not form.validate_on_submit():
        return render_template("auth/register.html", form=form), 422 if form.errors else 200
    try:
        services().auth.request_registration(
            email=entered(form.email),
            display_name=entered(form.display_name),
            password=entered(form.password),
            invitation=entered(form.invitation),
            locale=regions.wished(request.accept_languages.values()),
            network=network(),
        )
    except WeakPassword as err:
        form.password.errors = [_(str(err.__doc__))]
        return render_template("auth/register.html", form=form), 422
    return redirect(url_for("auth.verify_sent"), code=303)


@bp.get("/verify")
def verify_sent() -> ResponseReturnValue:
    return render_template("auth/verify_sent.html")


@bp.route("/verify/<token>", methods=["GET", "POST"])
def verify(token: str) -> ResponseReturnValue:
    """Opening the link only shows a button: mail scanners open links too."""
    form = ConfirmForm()
    if not form.validate_on_submit():
        services().tickets.find(TicketKind.REGISTRATION, token)
        return render_template("auth/verified.html", form=form)
    try:
        services().auth.confirm_registration(token)
    except AddressTaken as err:
        raise TicketRefused from err
    flash(_("Your address is confirmed. Welcome! Please sign in."), "success")
    return redirect(url_for("auth.login"), code=303)


@bp.route("/forgot", methods=["GET", "POST"])
def forgot() -> ResponseReturnValue:
    form = ForgotForm()
    if not form.validate_on_submit():
        return render_template("auth/forgot.html", form=form), 422 if form.errors else 200
    services().auth.request_reset(email=entered(form.email), network=network())
    return render_template("auth/forgot_sent.html")


@bp.route("/reset/<token>", methods=["GET", "POST"])
def reset(token: str) -> ResponseReturnValue:
    services().auth.check_reset(token)
    form = NewPasswordForm()
    if not form.validate_on_submit():
        return render_template("auth/reset.html", form=form), 422 if form.errors else 200
    try:
        services().auth.reset_password(token, entered(form.password))
    except WeakPassword as err:
        form.password.errors = [_(str(err.__doc__))]
        return render_template("auth/reset.html", form=form), 422
    flash(_("Your password is set and every device is signed out. Please sign in."), "success")
    return redirect(url_for("auth.login"), code=303)
