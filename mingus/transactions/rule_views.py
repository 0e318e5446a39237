"""The settings pages of rules and of people's own categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint
from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_babel import gettext as _

from mingus.auth.forms import entered
from mingus.plaid.ledger import TransactionId
from mingus.services import services
from mingus.transactions import history
from mingus.transactions import rules
from mingus.transactions import shown
from mingus.transactions.edit_views import tell
from mingus.transactions.filters import Filters
from mingus.transactions.listing import Listing
from mingus.transactions.own_categories import NameTaken
from mingus.transactions.rule_forms import CategoryForm
from mingus.transactions.rule_forms import RuleForm
from mingus.transactions.rule_forms import as_fields
from mingus.transactions.rules import RuleWords
from mingus.transactions.views import Desk
from mingus.transactions.views import environment
from mingus.web.access import owned_or_404
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from mingus.transactions.categories import Category

bp = Blueprint("rules", __name__, url_prefix="/settings")
SAMPLE = 20
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """A rule as its list shows it."""

    id: str
    words: RuleWords
    category: Category | None
    account: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a rule meets by now; `more` when there are more than were counted."""

    count: int
    more: bool
    rows: tuple[shown.Row, ...]


@bp.get("/rules")
def index() -> ResponseReturnValue:
    desk = Desk()
    lines = [_line(desk, rule.id, rules.words_of(rule)) for rule in rules.rules_of(visitor().id)]
    return render_template("settings/rules.html", lines=lines)


@bp.route("/rules/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Write a rule; ?from= begins with what one transaction is like."""
    return _write(None, _like(request.args.get("from")))


@bp.route("/rules/<rule_id>", methods=["GET", "POST"])
def edit(rule_id: str) -> ResponseReturnValue:
    rule = owned_or_404(rules.rule_of(visitor().id, rule_id))
    return _write(rule.id, rules.words_of(rule))


@bp.post("/rules/<rule_id>/delete")
def delete(rule_id: str) -> ResponseReturnValue:
    services().rules.delete(visitor().id, rule_id)
    flash(_("The rule is gone. What it did stays."), "success")
    return redirect(url_for("rules.index"), code=303)


@bp.get("/categories")
def categories() -> ResponseReturnValue:
    return render_template("settings/categories.html", tree=Desk().catalogue.tree())


@bp.route("/categories/new", methods=["GET", "POST"])
def new_category() -> ResponseReturnValue:
    return _write_category(None)


@bp.route("/categories/<category_id>", methods=["GET", "POST"])
def edit_category(category_id: str) -> ResponseReturnValue:
    own = {category.code: category for category in Desk().catalogue.own}
    return _write_category(owned_or_404(own.get(category_id)))


@bp.post("/categories/<category_id>/delete")
def delete_category(category_id: str) -> ResponseReturnValue:
    services().own_categories.delete(visitor().id, category_id)
    flash(_("The category is gone. What was in it is as the bank says again."), "success")
    return redirect(url_for("rules.categories"), code=303)


def _write(rule_id: str | None, words: RuleWords) -> ResponseReturnValue:
    desk = Desk()
    form = RuleForm(data=as_fields(words))
    form.offer(desk.catalogue, desk.accounts)
    sent = form.validate_on_submit()
    if not sent or form.preview.data:
        preview = _preview(desk, form.words() if sent else words) if sent or words.conditions() else None
        page = render_template("settings/rule.html", form=form, rule_id=rule_id, preview=preview)
        return page, 422 if form.is_submitted() and not sent else 200
    written = services().rules.write(visitor().id, form.words(), rule_id)
    if form.past.data:
        tell(services().rules.apply_to_past(visitor().id, written), url_for("rules.index"))
    else:
        flash(_("Saved. It holds for what comes from now on."), "success")
    return redirect(url_for("rules.index"), code=303)


def _like(transaction_id: str | None) -> RuleWords:
    """A rule that meets one transaction and asks for what the person decided there."""
    if not transaction_id:
        return RuleWords()
    found = history.whole(
        visitor().id,
        TransactionId(transaction_id),
        catalogue=Desk().catalogue,
        environment=environment(),
    )
    if found is None:
        return RuleWords()
    entry = found.entry
    return RuleWords(
        merchant=entry.merchant_name,
        text=None if entry.merchant_name else entry.bank_name,
        category=found.own_category,
        name=entry.own_name,
        tags=entry.tags,
        hides=entry.hidden,
    )


def _preview(desk: Desk, words: RuleWords) -> Preview:
    ids = services().rules.matching(visitor().id, words, limit=MOST_COUNTED + 1)
    listing = Listing(visitor().id, Filters(), desk.catalogue, environment=environment())
    rows = (shown.row(entry, desk.by_id, dated=True) for entry in listing.among(ids[:SAMPLE]))
    return Preview(count=min(len(ids), MOST_COUNTED), more=len(ids) > MOST_COUNTED, rows=tuple(rows))


def _line(desk: Desk, rule_id: str, words: RuleWords) -> RuleLine:
    account = desk.by_id.get(words.account_id) if words.account_id else None
    return RuleLine(
        id=rule_id,
        words=words,
        category=desk.catalogue.find(words.category) if words.category else None,
        account=shown.account_name(account) if account is not None else None,
    )


def _write_category(category: Category | None) -> ResponseReturnValue:
    form = CategoryForm(
        name=category.label if category else None,
        parent=(category.parent or "") if category else "",
        icon=category.icon if category else "tag",
        hue=category.hue if category else "indigo",
    )
    form.offer(Desk().catalogue)
    if not form.validate_on_submit():
        page = render_template("settings/category.html", form=form, category=category)
        return page, 422 if form.errors else 200
    try:
        services().own_categories.write(
            visitor().id,
            name=entered(form.name),
            icon=form.icon.data,
            hue=form.hue.data,
            parent=form.parent.data or None,
            category_id=category.code if category else None,
        )
    except NameTaken as err:
        form.name.errors = [_(err.public)]
        return render_template("settings/category.html", form=form, category=category), err.status
    flash(_("Saved."), "success")
    return redirect(url_for("rules.categories"), code=303)
