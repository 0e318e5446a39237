"""Admin pages about people and about what happened. Who somebody is, is shown for a reason only, and that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from mingus.admin import people as queries
from mingus.admin import unmasking
from mingus.admin.views import ROWS_SHOWN
from mingus.admin.views import bp
from mingus.admin.views import chosen
from mingus.audit import AuditAction
from mingus.audit import AuditFilter
from mingus.auth.forms import InvitationForm
from mingus.auth.models import Role
from mingus.auth.models import UserId
from mingus.services import services
from mingus.web.access import owned_or_404
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from mingus.admin.people import PersonRow

EVENTS_OF_PERSON = 20


@bp.get("/people")
def people() -> ResponseReturnValue:
    """Everybody; `show` is a role, or `disabled`."""
    asked, after = request.args.get("show", ""), request.args.get("after", "")
    return render_template(
        "admin/people.html",
        page=queries.page(
            environment=services().settings.environment.value,
            limit=ROWS_SHOWN,
            role=None if asked == "disabled" else chosen(Role, "show"),
            disabled=asked == "disabled",
            after=UserId(after) if after else None,
        ),
        asked={"show": asked} if asked else {},
        is_first=not after,
        form=InvitationForm(),
    )


@bp.post("/people/invite")
def invite() -> ResponseReturnValue:
    form = InvitationForm()
    if not form.validate():
        flash(_("That is not an address we can write to."), "error")
    else:
        services().auth.invite(str(form.email.data), by=visitor().id)
        flash(_("An invitation is on its way."), "success")
    return redirect(url_for("admin.people"), code=303)


@bp.get("/people/<person_id>")
def person(person_id: UserId) -> ResponseReturnValue:
    found = _found(person_id)
    return render_template(
        "admin/person.html",
        person=found,
        address=queries.address_of(person_id) if unmasking.is_shown(person_id) else None,
        is_me=person_id == visitor().id,
        events=services().trail.page(AuditFilter(subject_id=person_id), limit=EVENTS_OF_PERSON).rows,
        **unmasking.rule(),
    )


@bp.post("/people/<person_id>/show")
def show_person(person_id: UserId) -> ResponseReturnValue:
    found = _found(person_id)
    unmasking.show(found.id, AuditAction.PERSON_SHOWN, subject=found.id)
    return redirect(url_for("admin.person", person_id=found.id), code=303)


@bp.post("/people/<person_id>/role")
def change_role(person_id: UserId) -> ResponseReturnValue:
    found = _not_me(person_id)
    role = Role.MEMBER if found.role is Role.ADMIN else Role.ADMIN
    services().auth.set_role(queries.address_of(found.id), role, by=visitor().id)
    flash(_("The role is changed."), "success")
    return redirect(url_for("admin.person", person_id=found.id), code=303)


@bp.post("/people/<person_id>/access")
def change_access(person_id: UserId) -> ResponseReturnValue:
    """Shut a person out, or let them in again."""
    found = _not_me(person_id)
    change = services().auth.disable if found.disabled_at is None else services().auth.enable
    change(queries.address_of(found.id), by=visitor().id)
    flash(_("That person is shut out.") if found.disabled_at is None else _("That person may sign in again."))
    return redirect(url_for("admin.person", person_id=found.id), code=303)


@bp.post("/people/<person_id>/sessions")
def end_sessions(person_id: UserId) -> ResponseReturnValue:
    found = _not_me(person_id)
    services().auth.end_all_sessions(found.id, by=visitor().id)
    flash(_("That person is signed out everywhere."), "success")
    return redirect(url_for("admin.person", person_id=found.id), code=303)


@bp.get("/audit")
def audit() -> ResponseReturnValue:
    """The trail: everything, or by action, by whom, about whom."""
    action = chosen(AuditAction, "action")
    asked = {name: request.args[name] for name in ("actor", "subject") if request.args.get(name)}
    after = request.args.get("after", "")
    if after and not after.isdigit():
        abort(404)
    wanted = AuditFilter(action=action, actor_id=asked.get("actor"), subject_id=asked.get("subject"))
    return render_template(
        "admin/audit.html",
        page=services().trail.page(wanted, limit=ROWS_SHOWN, after=int(after) if after else None),
        asked={**({"action": action.value} if action else {}), **asked},
        actions=list(AuditAction),
        is_first=not after,
    )


@bp.post("/audit/check")
def check_audit() -> ResponseReturnValue:
    """Walk the chain from its beginning and say whether it holds."""
    report = services().trail.verify()
    if report.problems:
        flash(_("The chain is broken: %(problems)s", problems="; ".join(report.problems[:3])), "error")
    else:
        words = ngettext("The chain holds: %(num)s event.", "The chain holds: %(num)s events.", report.total)
        flash(words, "success")
    return redirect(url_for("admin.audit"), code=303)


def _found(person_id: UserId) -> PersonRow:
    return owned_or_404(queries.one(person_id, environment=services().settings.environment.value))


def _not_me(person_id: UserId) -> PersonRow:
    """Nobody shuts themselves out or steps down here: there is always an admin left."""
    found = _found(person_id)
    if found.id == visitor().id:
        abort(409)
    return found
