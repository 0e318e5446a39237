"""Editing transactions: one, the ticked ones, all that a list holds; and undoing that."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from flask import Blueprint
from flask import flash
from flask import redirect
from flask import request
from flask import url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from mingus.errors import NotFound
from mingus.plaid.ledger import TransactionId
from mingus.services import services
from mingus.transactions.edits import MOST_AT_ONCE
from mingus.transactions.edits import TooMany
from mingus.transactions.edits import Wish
from mingus.transactions.edits import tidy_tags
from mingus.transactions.views import Desk
from mingus.transactions.views import entry_page
from mingus.web.access import safe_next
from mingus.web.access import visitor
from mingus.web.texts import ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue

    from mingus.transactions.edits import Made

bp = Blueprint("transaction_edits", __name__, url_prefix="/transactions")


@bp.post("/edit")
def edit_many() -> ResponseReturnValue:
    """One change to all ticked ones, or to all that the list's filters leave."""
    back = safe_next(request.form.get("next"))
    wish, ids = _wish(), _chosen()
    if wish is None or not ids:
        flash(_("Nothing was changed: tick what you mean, and say what to do."), "info")
        return redirect(back, code=303)
    try:
        made = services().edits.change(visitor().id, ids, wish)
    except (NotFound, TooMany) as err:
        flash(_(err.public), "error")
        return redirect(back, code=303)
    tell(made, back)
    return redirect(back, code=303)


@bp.post("/<transaction_id>/edit")
def edit(transaction_id: str) -> ResponseReturnValue:
    """What the person decides about one, all fields at once."""
    page, form = entry_page(transaction_id, bound=True)
    if not form.validate_on_submit():
        return page(), 422
    made = services().edits.change(visitor().id, [transaction_id], Wish(values=form.values()))
    back = url_for("transactions.entry", transaction_id=transaction_id)
    tell(made, back)
    return redirect(back, code=303)


@bp.post("/edits/<edit_id>/undo")
def undo(edit_id: str) -> ResponseReturnValue:
    count = services().edits.undo(visitor().id, edit_id)
    flash(
        ngettext("%(num)s transaction is as it was.", "%(num)s transactions are as they were.", count),
        "success",
    )
    return redirect(safe_next(request.form.get("next")), code=303)


@bp.post("/<transaction_id>/no-transfer")
def no_transfer(transaction_id: str) -> ResponseReturnValue:
    """The person says that the two sides have nothing to do with each other."""
    services().transfers.undo(visitor().id, TransactionId(transaction_id))
    back = url_for("transactions.entry", transaction_id=transaction_id)
    redo = url_for("transaction_edits.a_transfer", transaction_id=transaction_id)
    told = {"text": _("Both sides count again, each for itself."), "undo": redo, "next": back}
    flash(told, "undo")  # type: ignore[arg-type]  # the macro reads it
    return redirect(back, code=303)


@bp.post("/<transaction_id>/a-transfer")
def a_transfer(transaction_id: str) -> ResponseReturnValue:
    services().transfers.redo(visitor().id, TransactionId(transaction_id))
    flash(_("It is a transfer again."), "success")
    return redirect(safe_next(request.form.get("next")), code=303)


def tell(made: Made, back: str) -> None:
    """Say what was changed, with the way to undo it."""
    if made.id is None:
        flash(_("Nothing was changed: it is so already."), "info")
        return
    text = ngettext("%(num)s transaction changed.", "%(num)s transactions changed.", made.count)
    undo_url = url_for("transaction_edits.undo", edit_id=made.id)
    flash({"text": text, "undo": undo_url, "next": back}, "undo")  # type: ignore[arg-type]  # the macro reads it


def _wish() -> Wish | None:
    """What the pressed button asks for; None when it asks for nothing."""
    form = request.form
    if "category" in form:
        return Wish(values={"category": form["category"] or None})
    tags = tidy_tags(form.get("tag", ""))
    wishes = {
        "tag": Wish(add_tags=tags) if tags else None,
        "untag": Wish(remove_tags=tags) if tags else None,
        "hide": Wish(values={"hidden": True}),
        "show": Wish(values={"hidden": False}),
    }
    return wishes.get(form.get("do", ""))


def _chosen() -> Sequence[str]:
    """The ticked ids, or those of everything in the list; raises TooMany."""
    if "all" not in request.form:
        return request.form.getlist("transaction")
    desk = Desk()
    asked = desk.asked(MultiDict(parse_qsl(request.form.get("filter", "").lstrip("?"))))
    return desk.listing(asked).ids(limit=MOST_AT_ONCE + 1)
