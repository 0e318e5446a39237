"""The pages of accounts that are kept by hand: added, valued, deleted. Each is shown by the accounts' own page."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from flask import Blueprint
from flask import abort
from flask import flash
from flask import redirect
from flask import render_template
from flask import url_for
from flask_babel import gettext as _

from mingus.auth.forms import entered
from mingus.manual import queries
from mingus.manual.forms import DeleteForm
from mingus.manual.forms import ManualAccountForm
from mingus.manual.forms import ValueForm
from mingus.manual.kinds import DEBTS
from mingus.manual.kinds import KINDS
from mingus.manual.service import TooManyAccounts
from mingus.plaid.models import AccountId
from mingus.plaid.queries import account as find_account
from mingus.services import services
from mingus.web.access import owned_or_404
from mingus.web.access import visitor
from mingus.web.amounts import write_amount

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from mingus.manual.queries import DatedValue
    from mingus.plaid.queries import AccountRow

bp = Blueprint("manual", __name__, url_prefix="/accounts")


def today() -> dt.date:
    return services().ambient.today(visitor().time_zone)


def manual_or_404(account_id: str) -> AccountRow:
    environment = services().settings.environment.value
    found = owned_or_404(find_account(visitor().id, AccountId(account_id), environment=environment))
    return owned_or_404(found if found.manual else None)


@bp.route("/new", methods=["GET", "POST"])
def add() -> ResponseReturnValue:
    form = ManualAccountForm(latest=today(), data={"currency": visitor().currency, "on": today()})
    if not form.validate_on_submit():
        return render_template("manual/new.html", form=form), 422 if form.errors else 200
    kind = KINDS[form.kind.data]
    try:
        account_id = services().manual.add(
            visitor().id,
            name=entered(form.name),
            kind=form.kind.data,
            currency=form.currency_of_value(),
            value=form.value(owed=kind.is_debt) if form.amount.data else None,
            on=form.day(),
        )
    except TooManyAccounts as err:
        form.form_errors.append(_(err.public))
        return render_template("manual/new.html", form=form), err.status
    flash(_("%(name)s is added.", name=entered(form.name)), "success")
    return redirect(url_for("plaid.account", account_id=account_id), code=303)


@bp.route("/<account_id>/values", methods=["GET", "POST"])
def values(account_id: str) -> ResponseReturnValue:
    """Every value that was given, and a form for the next."""
    account = manual_or_404(account_id)
    given = queries.values(visitor().id, account.id)
    form = _form(account, amount=_suggested(account, given), on=today())
    if not form.validate_on_submit():
        page = render_template(
            "manual/values.html", account=account, values=given, form=form, owed=is_owed(account)
        )
        return page, 422 if form.errors else 200
    services().manual.write_value(
        visitor().id, account.id, on=form.day(), value=form.value(owed=is_owed(account))
    )
    flash(_("Saved."), "success")
    return redirect(url_for("plaid.account", account_id=account.id), code=303)


@bp.route("/<account_id>/values/<on>", methods=["GET", "POST"])
def edit_value(account_id: str, on: str) -> ResponseReturnValue:
    account, day = manual_or_404(account_id), _day(on)
    given = queries.values(visitor().id, account.id)
    one = owned_or_404(next((value for value in given if value.on == day), None))
    form = _form(account, amount=_written(account, one), on=one.on)
    if not form.validate_on_submit():
        return render_template(
            "manual/value.html", account=account, one=one, form=form
        ), 422 if form.errors else 200
    services().manual.write_value(
        visitor().id, account.id, on=form.day(), value=form.value(owed=is_owed(account)), before=one.on
    )
    flash(_("Saved."), "success")
    return redirect(url_for("manual.values", account_id=account.id), code=303)


@bp.post("/<account_id>/values/<on>/delete")
def delete_value(account_id: str, on: str) -> ResponseReturnValue:
    account = manual_or_404(account_id)
    services().manual.delete_value(visitor().id, account.id, _day(on))
    flash(_("That value is gone."), "success")
    return redirect(url_for("manual.values", account_id=account.id), code=303)


@bp.route("/<account_id>/delete", methods=["GET", "POST"])
def delete(account_id: str) -> ResponseReturnValue:
    account = manual_or_404(account_id)
    form = DeleteForm()
    if not form.validate_on_submit():
        return render_template("manual/delete.html", account=account, form=form), 422 if form.errors else 200
    services().manual.delete(visitor().id, account.id)
    flash(_("%(name)s is deleted.", name=account.name), "success")
    return redirect(url_for("plaid.accounts"), code=303)


def is_owed(account: AccountRow) -> bool:
    return account.type in DEBTS


def _form(account: AccountRow, *, amount: str, on: dt.date) -> ValueForm:
    return ValueForm(currency=account.currency, latest=today(), data={"amount": amount, "on": on})


def _suggested(account: AccountRow, given: list[DatedValue]) -> str:
    """The last value and what was booked since; nothing where that says nothing new."""
    moved = queries.moved_since(visitor().id, account.id, given[0]) if given else None
    if moved is None:
        return ""
    value = given[0].value + moved
    return write_amount(-value if is_owed(account) else value)


def _written(account: AccountRow, one: DatedValue) -> str:
    return write_amount(-one.value if is_owed(account) else one.value)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        abort(404)
