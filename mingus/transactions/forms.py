"""The form of one transaction: what the person decides about it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField
from wtforms import SelectField
from wtforms import StringField
from wtforms import SubmitField
from wtforms import TextAreaField
from wtforms.validators import Length

from mingus.auth.forms import tidy_text
from mingus.transactions.categories import NOTHING
from mingus.transactions.edits import NAME_LENGTH
from mingus.transactions.edits import NOTE_LENGTH
from mingus.transactions.edits import tidy_tags

if TYPE_CHECKING:
    from mingus.transactions.categories import Catalogue
    from mingus.transactions.categories import Category

TAGS_LENGTH = 400


class EntryForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    category = SelectField(_("Category"))
    name = StringField(
        _("Your name for it"),
        filters=[tidy_text],
        validators=[Length(max=NAME_LENGTH)],
        render_kw={"maxlength": NAME_LENGTH},
    )
    tags = StringField(
        _("Tags"),
        description=_("Separated by commas."),
        filters=[tidy_text],
        validators=[Length(max=TAGS_LENGTH)],
        render_kw={"maxlength": TAGS_LENGTH},
    )
    notes = TextAreaField(
        _("Notes"),
        validators=[Length(max=NOTE_LENGTH)],
        render_kw={"rows": 3, "maxlength": NOTE_LENGTH},
    )
    hidden = BooleanField(_("Hide it and leave it out of totals"))
    submit = SubmitField(_("Save"))

    def offer(self, catalogue: Catalogue, banks: Category, chosen: str | None) -> None:
        """Fill the choice of categories, the bank's own first."""
        as_bank = [("", _("As the bank says: %(label)s", label=_(banks.label)))]
        if chosen and chosen not in catalogue:
            as_bank.append((chosen, _(catalogue.find(chosen).label)))
        first = [*as_bank, (NOTHING.code, _(NOTHING.label))]
        self.category.choices = {"": first, **grouped(catalogue)}

    def values(self) -> dict[str, object]:
        """What the person decided, empty fields given back to the bank."""
        return {
            "category": self.category.data or None,
            "name": self.name.data or None,
            "tags": list(tidy_tags(self.tags.data or "")),
            "notes": (self.notes.data or "").strip() or None,
            "hidden": bool(self.hidden.data),
        }


def grouped(catalogue: Catalogue) -> dict[str, Any]:
    """All categories as the groups of a select."""
    groups: dict[str, Any] = {}
    for branch in catalogue.tree():
        members = [(branch.group.code, _(branch.group.label))]
        members += [(category.code, _(category.label)) for category in branch.members]
        groups[str(_(branch.group.label))] = members
    return groups
