"""The forms of rules and of people's own categories."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField
from wtforms import SelectField
from wtforms import StringField
from wtforms import SubmitField
from wtforms import ValidationError
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired
from wtforms.validators import Length
from wtforms.validators import Optional

from mingus import money
from mingus.auth.forms import tidy_text
from mingus.plaid.models import AccountId
from mingus.transactions.categories import HUES
from mingus.transactions.edits import NAME_LENGTH
from mingus.transactions.edits import tidy_tags
from mingus.transactions.forms import TAGS_LENGTH
from mingus.transactions.forms import grouped
from mingus.transactions.rules import RuleWords
from mingus.transactions.shown import account_name

if TYPE_CHECKING:
    from mingus.plaid.queries import AccountRow
    from mingus.transactions.categories import Catalogue

CATEGORY_LENGTH = 60
SIGNS = {
    "tag": _("Tag"),
    "star": _("Star"),
    "heart-pulse": _("Heart"),
    "gift": _("Gift"),
    "baby": _("Child"),
    "dog": _("Dog"),
    "house": _("House"),
    "car": _("Car"),
    "plane": _("Plane"),
    "utensils": _("Meal"),
    "shopping-bag": _("Bag"),
    "book-open": _("Book"),
    "music": _("Music"),
    "dumbbell": _("Sport"),
    "briefcase": _("Work"),
    "piggy-bank": _("Savings"),
    "coins": _("Coins"),
    "umbrella": _("Umbrella"),
}
HUE_WORDS = {
    "orange": _("Orange"),
    "amber": _("Amber"),
    "lime": _("Lime"),
    "green": _("Green"),
    "teal": _("Teal"),
    "cyan": _("Cyan"),
    "blue": _("Blue"),
    "indigo": _("Indigo"),
    "plum": _("Plum"),
    "pink": _("Pink"),
    "red": _("Red"),
    "slate": _("Grey"),
}


def _is_size(_form: FlaskForm, field: StringField) -> None:
    try:
        size = money.parse((field.data or "").replace(",", ""))
    except money.NotMoney as err:
        raise ValidationError(gettext("This is no amount.")) from err
    if size < 0:
        raise ValidationError(gettext("An amount without its sign, please."))


class RuleForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    merchant = StringField(_("Merchant has"), filters=[tidy_text], validators=[Length(max=NAME_LENGTH)])
    text = StringField(_("Bank's text has"), filters=[tidy_text], validators=[Length(max=NAME_LENGTH)])
    least = StringField(_("At least"), filters=[tidy_text], validators=[Optional(), Length(max=40), _is_size])
    most = StringField(_("At most"), filters=[tidy_text], validators=[Optional(), Length(max=40), _is_size])
    direction = SelectField(
        _("Direction"),
        choices=[
            SelectChoice("", _("In and out")),
            SelectChoice("in", _("Money in")),
            SelectChoice("out", _("Money out")),
        ],
    )
    account = SelectField(_("Account"))
    category = SelectField(_("Category"))
    name = StringField(_("Name"), filters=[tidy_text], validators=[Length(max=NAME_LENGTH)])
    tags = StringField(
        _("Tags"),
        description=_("Separated by commas."),
        filters=[tidy_text],
        validators=[Length(max=TAGS_LENGTH)],
    )
    hides = BooleanField(_("Hide them and leave them out of totals"))
    past = BooleanField(_("Also those that are here already"))
    preview = SubmitField(_("Preview"))
    submit = SubmitField(_("Save"))

    def offer(self, catalogue: Catalogue, accounts: list[AccountRow]) -> None:
        """Fill the choices that are the person's own."""
        self.category.choices = {"": [("", _("Leave as it is"))], **grouped(catalogue)}
        self.account.choices = [
            SelectChoice("", _("Every account")),
            *(SelectChoice(account.id, account_name(account)) for account in accounts),
        ]

    def validate(self, extra_validators: Any = None) -> bool:
        """Besides each field: a rule needs a condition, and something that is so then."""
        fine = bool(super().validate(extra_validators))
        words = self.words() if fine else None
        if words is not None and not words.conditions():
            self.form_errors.append(gettext("Say which transactions it is about."))
        elif words is not None and not (words.wish().values or words.tags):
            self.form_errors.append(gettext("Say what is to be so."))
        return fine and not self.form_errors

    def words(self) -> RuleWords:
        """The rule as it was written; only for a form whose fields are fine."""
        return RuleWords(
            merchant=self.merchant.data or None,
            text=self.text.data or None,
            least=_size(self.least.data),
            most=_size(self.most.data),
            money_in={"in": True, "out": False}.get(self.direction.data),
            account_id=AccountId(self.account.data) if self.account.data else None,
            category=self.category.data or None,
            name=self.name.data or None,
            tags=tidy_tags(self.tags.data or ""),
            hides=bool(self.hides.data),
        )


def as_fields(words: RuleWords) -> dict[str, object]:
    """A rule as the form shows it."""
    return {
        "merchant": words.merchant,
        "text": words.text,
        "least": f"{words.least:f}" if words.least is not None else None,
        "most": f"{words.most:f}" if words.most is not None else None,
        "direction": {True: "in", False: "out", None: ""}[words.money_in],
        "account": words.account_id or "",
        "category": words.category or "",
        "name": words.name,
        "tags": ", ".join(words.tags),
        "hides": words.hides,
    }


def _size(text: str | None) -> Decimal | None:
    return Decimal(money.parse(text.replace(",", ""))) if text else None


class CategoryForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    name = StringField(
        _("Name"),
        filters=[tidy_text],
        validators=[InputRequired(_("Give it a name.")), Length(max=CATEGORY_LENGTH)],
        render_kw={"maxlength": CATEGORY_LENGTH},
    )
    parent = SelectField(_("Part of"), description=_("It counts in there, in lists and reports."))
    icon = SelectField(_("Sign"), choices=[SelectChoice(value, label) for value, label in SIGNS.items()])
    hue = SelectField(_("Colour"), choices=[SelectChoice(value, HUE_WORDS[value]) for value in HUES])
    submit = SubmitField(_("Save"))

    def offer(self, catalogue: Catalogue) -> None:
        groups = [branch.group for branch in catalogue.tree() if not branch.group.own]
        self.parent.choices = [
            SelectChoice("", _("Nothing: a group of its own")),
            *(SelectChoice(group.code, _(group.label)) for group in groups),
        ]
