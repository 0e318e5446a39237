"""The forms of the accounts pages."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField
from wtforms import RadioField
from wtforms import StringField
from wtforms import SubmitField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired
from wtforms.validators import Length

from mingus.auth.forms import tidy_text

NAME_LENGTH = 80


class DisconnectForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    history = RadioField(
        _("What happens to its history?"),
        choices=[
            SelectChoice("keep", _("Keep accounts and transactions as they are")),
            SelectChoice("delete", _("Delete everything this connection brought")),
        ],
        default="keep",
        validators=[InputRequired(_("Please choose."))],
    )
    submit = SubmitField(_("Disconnect"))


class AccountForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    name = StringField(
        _("Your name for it"),
        filters=[tidy_text],
        description=_("Empty: the bank's own name."),
        validators=[Length(max=NAME_LENGTH)],
        render_kw={"maxlength": NAME_LENGTH},
    )
    hidden = BooleanField(_("Hide it and leave it out of totals"))
    submit = SubmitField(_("Save"))
