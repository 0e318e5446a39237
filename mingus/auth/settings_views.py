"""The settings pages about the person: profile, address, password, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint
from flask import abort
from flask import current_app
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_babel import gettext as _

from mingus.audit import AuditFilter
from mingus.auth import queries
from mingus.auth.failures import AddressTaken
from mingus.auth.failures import TicketRefused
from mingus.auth.failures import UnknownPerson
from mingus.auth.failures import WrongPassword
from mingus.auth.forms import ChangePasswordForm
from mingus.auth.forms import ConfirmForm
from mingus.auth.forms import EmailChangeForm
from mingus.auth.forms import ProfileForm
from mingus.auth.forms import entered
from mingus.auth.models import SessionId
from mingus.auth.models import TicketKind
from mingus.auth.passwords import WeakPassword
from mingus.auth.views import agent
from mingus.auth.views import start_session
from mingus.services import services
from mingus.web.access import safe_next
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from werkzeug.wrappers import Response

EVENTS_SHOWN = 50
LAST_NUMBER = 2**63
THEME_SECONDS = 365 * 24 * 3600
bp = Blueprint("settings", __name__, url_prefix="/settings")


@bp.route("", methods=["GET", "POST"])
def profile() -> ResponseReturnValue:
    form = ProfileForm(obj=visitor(), locale=visitor().locale)
    if not form.validate_on_submit():
        return _profile_page(form, EmailChangeForm()), 422 if form.errors else 200
    services().auth.update_profile(
        visitor().id,
        display_name=entered(form.display_name),
        time_zone=form.time_zone.data,
        locale=form.locale(),
        currency=form.currency.data,
        theme=form.theme.data,
    )
    flash(_("Saved."), "success")
    response = redirect(url_for("settings.profile"), code=303)
    keep_theme(response, form.theme.data)
    return response


@bp.post("/email")
def change_email() -> ResponseReturnValue:
    form = EmailChangeForm()
    if not form.validate_on_submit():
        return _profile_page(ProfileForm(formdata=None, obj=visitor(), locale=visitor().locale), form), 422
    services().auth.request_email_change(visitor(), email=entered(form.email))
    flash(_("We mailed a link to the new address. Your address changes when you open it."), "info")
    return redirect(url_for("settings.profile"), code=303)


@bp.route("/email/<token>", methods=["GET", "POST"])
def confirm_email(token: str) -> ResponseReturnValue:
    form = ConfirmForm()
    if not form.validate_on_submit():
        ticket = services().tickets.find(TicketKind.EMAIL_CHANGE, token)
        return render_template("settings/confirm_email.html", form=form, email=ticket.email)
    try:
        services().auth.confirm_email_change(visitor(), token)
    except (AddressTaken, UnknownPerson) as err:
        raise TicketRefused from err
    flash(_("Your address is changed."), "success")
    return redirect(url_for("settings.profile"), code=303)


@bp.route("/password", methods=["GET", "POST"])
def password() -> ResponseReturnValue:
    form = ChangePasswordForm()
    if not form.validate_on_submit():
        return render_template("settings/password.html", form=form), 422 if form.errors else 200
    try:
        keys = services().auth.change_password(
            visitor(),
            current=entered(form.current),
            password=entered(form.password),
            agent=agent(),
            address=request.remote_addr or "",
        )
    except WrongPassword as err:
        form.current.errors = [_(err.public)]
        return render_template("settings/password.html", form=form), err.status
    except WeakPassword as err:
        form.password.errors = [_(str(err.__doc__))]
        return render_template("settings/password.html", form=form), 422
    response = start_session(keys, redirect(url_for("settings.password"), code=303), remember=False)
    flash(_("Your password is changed and your other devices are signed out."), "success")
    return response


@bp.get("/history")
def history() -> ResponseReturnValue:
    """What happened with the person's own account, by themselves or by others."""
    after = request.args.get("after", type=int)
    if after is not None and not 0 < after < LAST_NUMBER:
        abort(404)
    mine = AuditFilter(subject_id=visitor().id)
    page = services().trail.page(mine, limit=EVENTS_SHOWN, after=after)
    return render_template("settings/history.html", page=page, is_first=after is None)


@bp.get("/devices")
def sessions() -> ResponseReturnValue:
    rows = queries.sessions(visitor().id, current=visitor().session_id, now=services().ambient.now())
    return render_template("settings/sessions.html", rows=rows)


@bp.post("/devices/<session_id>/revoke")
def revoke_session(session_id: str) -> ResponseReturnValue:
    if not services().auth.end_session(visitor(), SessionId(session_id)):
        abort(404)
    flash(_("That device is signed out."), "success")
    return redirect(url_for("settings.sessions"), code=303)


@bp.post("/devices/revoke-others")
def revoke_other_sessions() -> ResponseReturnValue:
    services().auth.end_other_sessions(visitor())
    flash(_("All other devices are signed out."), "success")
    return redirect(url_for("settings.sessions"), code=303)


@bp.post("/amounts")
def amounts() -> ResponseReturnValue:
    """Blur every amount, or show them again; back to where the person was."""
    services().auth.hide_amounts(visitor().id, hidden="hide" in request.form)
    return redirect(safe_next(request.form.get("next")), code=303)


def keep_theme(response: Response, theme: str) -> None:
    """Remember the appearance in the browser too: signed-out pages and scripts read it there."""
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    response.set_cookie("theme", theme, max_age=THEME_SECONDS, samesite="Lax", secure=secure)


def _profile_page(form: ProfileForm, email_form: EmailChangeForm) -> str:
    return render_template("settings/profile.html", form=form, email_form=email_form, email=visitor().email)
