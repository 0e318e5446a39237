"""The forms of accounts that are kept by hand."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField
from wtforms import SelectField
from wtforms import StringField
from wtforms import SubmitField
from wtforms import ValidationError
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired
from wtforms.validators import Length
from wtforms.validators import Optional

from mingus import money
from mingus.auth.forms import CURRENCIES
from mingus.auth.forms import tidy_text
from mingus.manual.kinds import KINDS
from mingus.money import Currency
from mingus.money import Money
from mingus.plaid.forms import NAME_LENGTH
from mingus.web.amounts import read_amount

if TYPE_CHECKING:
    from collections.abc import Callable

KIND_WORDS = {
    "cash": _("Cash"),
    "account": _("Bank account"),
    "savings": _("Savings account"),
    "property": _("House or flat"),
    "vehicle": _("Car or other vehicle"),
    "investment": _("Investment"),
    "valuables": _("Valuables"),
    "asset": _("Something else that you own"),
    "card": _("Credit card"),
    "mortgage": _("Mortgage"),
    "loan": _("Loan"),
    "debt": _("Something else that you owe"),
}
EARLIEST = dt.date(1900, 1, 1)
AMOUNT_LENGTH = 40


class OnADay(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    """A value and its day; `latest` is today where the person is."""

    amount = StringField(
        _("Value"),
        filters=[tidy_text],
        validators=[InputRequired(_("Please fill this in.")), Length(max=AMOUNT_LENGTH)],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    on = DateField(_("On"), validators=[InputRequired(_("Please fill this in."))])
    latest: dt.date
    currency_of_value: Callable[[], Currency]  # each form knows it from elsewhere

    def validate_amount(self, field: StringField) -> None:
        try:
            money.to_minor(read_amount(field.data or ""), self.currency_of_value())
        except money.NotMoney as err:
            raise ValidationError(str(err) or gettext("This is more than can be kept here.")) from err

    def validate_on(self, field: DateField) -> None:
        if field.data is not None and not EARLIEST <= field.data <= self.latest:
            raise ValidationError(gettext("A day from 1900 to today, please."))

    def day(self) -> dt.date:
        """The day that was entered; only for a form whose fields are fine."""
        return self.on.data or self.latest

    def value(self, *, owed: bool) -> Money:
        """What was entered; what is owed is negative. Only for a form whose fields are fine."""
        entered = Money.exact(read_amount(self.amount.data or ""), self.currency_of_value())
        return -entered if owed else entered


class ValueForm(OnADay):
    """A new value of an account, or another one for an old."""

    submit = SubmitField(_("Save"))

    def __init__(self, *, currency: Currency, latest: dt.date, **more: Any) -> None:
        super().__init__(**more)
        self._currency, self.latest = currency, latest

    def currency_of_value(self) -> Currency:
        return self._currency


class ManualAccountForm(OnADay):
    """A new account with its first value."""

    name = StringField(
        _("Name"),
        filters=[tidy_text],
        validators=[InputRequired(_("Give it a name.")), Length(max=NAME_LENGTH)],
        render_kw={"maxlength": NAME_LENGTH, "autocomplete": "off"},
    )
    kind = SelectField(_("What it is"), choices=[SelectChoice(kind, KIND_WORDS[kind]) for kind in KINDS])
    currency = SelectField(_("Currency"), choices=[SelectChoice(code, code) for code in CURRENCIES])
    amount = StringField(
        _("What it is worth, or what you owe"),
        filters=[tidy_text],
        description=_("Leave it empty if you don't know yet."),
        validators=[Optional(), Length(max=AMOUNT_LENGTH)],
        render_kw={"inputmode": "decimal", "autocomplete": "off"},
    )
    submit = SubmitField(_("Add it"))

    def __init__(self, *, latest: dt.date, **more: Any) -> None:
        super().__init__(**more)
        self.latest = latest

    def currency_of_value(self) -> Currency:
        return Currency(self.currency.data or CURRENCIES[0])


class DeleteForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    submit = SubmitField(_("Delete it for good"))
