"""The pages of imports: a file is brought, looked over, taken in, and can be taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel.dates import get_date_format
from babel.numbers import get_decimal_symbol
from flask import Blueprint
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from mingus.imports import queries
from mingus.imports.forms import LayoutForm
from mingus.imports.forms import StatementForm
from mingus.imports.forms import TakeInForm
from mingus.imports.forms import UploadForm
from mingus.imports.forms import as_fields
from mingus.imports.rows import FileRefused
from mingus.imports.service import NothingToImport
from mingus.manual.views import manual_or_404
from mingus.manual.views import today
from mingus.money import Money
from mingus.services import services
from mingus.web.access import owned_or_404
from mingus.web.access import visitor
from mingus.web.texts import ngettext

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from mingus.imports.models import TransactionImport
    from mingus.imports.service import Look

bp = Blueprint("imports", __name__)
MOST_SHOWN = 25


@bp.route("/accounts/<account_id>/import", methods=["GET", "POST"])
def begin(account_id: str) -> ResponseReturnValue:
    """Bring a file; below it what was brought before."""
    account = manual_or_404(account_id)
    form = UploadForm()
    status = 200
    if form.validate_on_submit():
        try:
            import_id = services().imports.take_up(
                visitor().id,
                account.id,
                name=form.file.data.filename or "",
                content=form.file.data.read(),
                order=_usual_order(),
                decimal=get_decimal_symbol(get_locale()),
            )
        except FileRefused as refused:
            form.file.errors = [_(refused.public)]
        else:
            return redirect(url_for("imports.look", import_id=import_id), code=303)
    if form.errors or form.file.errors:
        status = 422
    before = queries.imports_of(visitor().id, account.id)
    return render_template("imports/begin.html", account=account, form=form, before=before), status


@bp.route("/imports/<import_id>", methods=["GET", "POST"])
def look(import_id: str) -> ResponseReturnValue:
    """What would be imported, and how the file is read; posting reads it another way."""
    draft = owned_or_404(queries.import_of(visitor().id, import_id))
    account = manual_or_404(draft.account_id)
    seen = services().imports.look(visitor().id, draft.id, today=today())
    form = _form_for(seen)
    if form is not None and form.validate_on_submit():
        services().imports.lay_out(visitor().id, draft.id, _chosen(form, seen))
        return redirect(url_for("imports.look", import_id=draft.id), code=303)
    page = render_template(
        "imports/look.html",
        account=account,
        draft=draft,
        seen=seen,
        form=form,
        take_in=TakeInForm(formdata=None, with_value=seen.reading.balance is not None),
        most=MOST_SHOWN,
        amount=lambda minor: Money(minor=minor, currency=seen.currency),
    )
    return page, 422 if form is not None and form.errors else 200


@bp.post("/imports/<import_id>/take-in")
def take_in(import_id: str) -> ResponseReturnValue:
    draft = _owned(import_id)
    form = TakeInForm()
    try:
        added = services().imports.take_in(
            visitor().id, draft.id, today=today(), with_value=bool(form.with_value.data)
        )
    except NothingToImport as nothing:
        flash(_(nothing.public), "info")
        return redirect(url_for("imports.begin", account_id=draft.account_id), code=303)
    flash(ngettext("%(num)s transaction imported.", "%(num)s transactions imported.", added), "success")
    return redirect(url_for("plaid.account", account_id=draft.account_id), code=303)


@bp.post("/imports/<import_id>/take-back")
def take_back(import_id: str) -> ResponseReturnValue:
    done = _owned(import_id)
    gone = services().imports.take_back(visitor().id, done.id)
    flash(ngettext("%(num)s transaction taken back.", "%(num)s transactions taken back.", gone), "success")
    return redirect(url_for("imports.begin", account_id=done.account_id), code=303)


@bp.post("/imports/<import_id>/leave")
def leave(import_id: str) -> ResponseReturnValue:
    draft = _owned(import_id)
    services().imports.leave(visitor().id, draft.id)
    flash(_("The file is left. Nothing of it was written."), "info")
    return redirect(url_for("imports.begin", account_id=draft.account_id), code=303)


def _owned(import_id: str) -> TransactionImport:
    return owned_or_404(queries.import_of(visitor().id, import_id))


def _form_for(seen: Look) -> LayoutForm | StatementForm | None:
    """How else the file could be read; None where there is only one way."""
    if seen.layout is not None and seen.table is not None:
        form = LayoutForm(data=as_fields(seen.layout))
        form.offer(seen.table)
        return form
    if len(seen.statements) > 1:
        form = StatementForm(data={"statement": seen.statement})
        form.offer(seen.statements)
        return form
    return None


def _chosen(form: LayoutForm | StatementForm, seen: Look) -> dict[str, object]:
    if isinstance(form, StatementForm) or seen.layout is None:
        return {"statement": int(request.form.get("statement", "0"))}
    return form.layout(seen.layout).as_json()


def _usual_order() -> str:
    """In which order people of this locale write a date."""
    pattern = get_date_format("short", locale=get_locale()).pattern.lower()
    return "".join(sorted("dmy", key=pattern.find))
