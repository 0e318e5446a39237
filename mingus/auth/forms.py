"""The forms of people's pages: they parse and hold every rule about a field."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING
from typing import Any
from zoneinfo import available_timezones

from babel.numbers import list_currencies
from email_validator import EmailNotValidError
from email_validator import validate_email
from flask_babel import get_locale
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField
from wtforms import EmailField
from wtforms import Field
from wtforms import HiddenField
from wtforms import PasswordField
from wtforms import SelectField
from wtforms import StringField
from wtforms import SubmitField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import DataRequired
from wtforms.validators import EqualTo
from wtforms.validators import InputRequired
from wtforms.validators import Length
from wtforms.validators import ValidationError

from mingus.auth import passwords
from mingus.auth.models import EMAIL_LENGTH
from mingus.auth.models import TOKEN_NAME_LENGTH
from mingus.auth.models import TokenScope
from mingus.web import regions

if TYPE_CHECKING:
    from collections.abc import Mapping

THEMES = {"system": _("Like the device"), "light": _("Light"), "dark": _("Dark")}
SCOPES = {TokenScope.READ.value: _("Only read"), TokenScope.WRITE.value: _("Read and change")}
TOKEN_DAYS = {"7": _("a week"), "30": _("30 days"), "90": _("90 days"), "365": _("a year")}
CURRENCIES = sorted(list_currencies("en"))
ZONES = sorted(
    zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/"))
)


def tidy_email(value: str | None) -> str:
    """An address as it is compared: no blanks around it, lower case, one Unicode form."""
    return unicodedata.normalize("NFKC", value or "").strip().lower()


def tidy_text(value: str | None) -> str:
    """A name without control characters and doubled blanks."""
    visible = "".join(character if character.isprintable() else " " for character in value or "")
    return " ".join(unicodedata.normalize("NFC", visible).split())


def _choices(labels: Mapping[str, Any]) -> list[SelectChoice]:
    """Options of a select; one without a label shows its value."""
    return [SelectChoice(value, label) for value, label in labels.items()]


def entered(field: Field) -> str:
    """What the person typed into a text field; nothing typed is the empty text."""
    return str(field.data or "")


class Address:
    """Accepts what can be a mail address; whether the domain exists is not asked."""

    def __call__(self, form: FlaskForm, field: Field) -> None:  # noqa: ARG002 (the validator's signature)
        try:
            validate_email(field.data or "", check_deliverability=False, test_environment=True)
        except EmailNotValidError as err:
            raise ValidationError(_("This does not look like a mail address.")) from err


def email_field(label: Any, **options: Any) -> EmailField:
    return EmailField(
        label,
        filters=[tidy_email],
        validators=[InputRequired(_("Please fill this in.")), Length(max=EMAIL_LENGTH), Address()],
        render_kw={"autocomplete": "username", "inputmode": "email", "maxlength": EMAIL_LENGTH, **options},
    )


def new_password_field(label: Any) -> PasswordField:
    return PasswordField(
        label,
        description=_("At least 12 characters. A few unrelated words make a good one."),
        validators=[
            InputRequired(_("Please fill this in.")),
            Length(
                min=passwords.MIN_LENGTH,
                max=passwords.MAX_LENGTH,
                message=_("Use between %(min)d and %(max)d characters."),
            ),
        ],
        render_kw={"autocomplete": "new-password", "minlength": passwords.MIN_LENGTH},
    )


def current_password_field(label: Any) -> PasswordField:
    return PasswordField(
        label,
        validators=[InputRequired(_("Please fill this in.")), Length(max=passwords.MAX_LENGTH)],
        render_kw={"autocomplete": "current-password"},
    )


def code_field() -> StringField:
    return StringField(
        _("Code"),
        validators=[DataRequired(_("Please fill this in.")), Length(max=60)],
        render_kw={
            "autocomplete": "one-time-code",
            "autocapitalize": "none",
            "spellcheck": "false",
            "maxlength": 60,
        },
    )


class LoginForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    email = email_field(_("E-mail"))
    password = current_password_field(_("Password"))
    remember = BooleanField(_("Keep me signed in on this device"))
    next = HiddenField()
    zone = HiddenField(render_kw={"data-module": "time-zone"})  # a script fills it in; empty without
    submit = SubmitField(_("Sign in"))


class FactorForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    code = code_field()
    submit = SubmitField(_("Go on"))


class IdentityForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    password = current_password_field(_("Password"))
    submit = SubmitField(_("Confirm"))


class IdentityWithCodeForm(IdentityForm):
    code = code_field()


class RegisterForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    display_name = StringField(
        _("Your name"),
        filters=[tidy_text],
        validators=[InputRequired(_("Please fill this in.")), Length(min=1, max=80)],
        render_kw={"autocomplete": "name", "maxlength": 80},
    )
    email = email_field(_("E-mail"))
    password = new_password_field(_("Password"))
    invitation = HiddenField()
    submit = SubmitField(_("Create account"))


class ForgotForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    email = email_field(_("E-mail"))
    submit = SubmitField(_("Send me a link"))


class InvitationForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    email = email_field(_("E-mail"))


class NewPasswordForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    password = new_password_field(_("New password"))
    password_again = PasswordField(
        _("New password again"),
        validators=[EqualTo("password", _("The two passwords differ."))],
        render_kw={"autocomplete": "new-password"},
    )
    submit = SubmitField(_("Set password"))


class ChangePasswordForm(NewPasswordForm):
    current = current_password_field(_("Current password"))


class ConfirmForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    submit = SubmitField(_("Confirm"))


class ProfileForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    display_name = StringField(
        _("Your name"),
        filters=[tidy_text],
        validators=[InputRequired(_("Please fill this in.")), Length(min=1, max=80)],
        render_kw={"autocomplete": "name", "maxlength": 80},
    )
    time_zone = SelectField(
        _("Time zone"), choices=_choices({"UTC": "UTC", **{zone: zone.replace("_", " ") for zone in ZONES}})
    )
    language = SelectField(_("Language"), choices=_choices(regions.LANGUAGES))
    region = SelectField(_("Dates and numbers as in"))
    currency = SelectField(_("Currency shown first"), choices=_choices(dict.fromkeys(CURRENCIES)))
    theme = SelectField(_("Appearance"), choices=_choices(THEMES))
    submit = SubmitField(_("Save"))

    def __init__(self, *, locale: str, **more: Any) -> None:
        language, region = regions.split(locale)
        super().__init__(language=language, region=region, **more)
        self.region.choices = _choices(regions.names(get_locale().language))

    def locale(self) -> str:
        """Both choices as one; only for a form whose fields are fine."""
        return regions.join(self.language.data, self.region.data)


class EmailChangeForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    email = email_field(_("New e-mail"))
    submit = SubmitField(_("Send a confirmation link"))


class LeaveForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    email = email_field(_("Your e-mail"))
    submit = SubmitField(_("Delete everything"))


class TokenForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    name = StringField(
        _("What it is for"),
        filters=[tidy_text],
        validators=[DataRequired(_("Please fill this in.")), Length(max=TOKEN_NAME_LENGTH)],
        render_kw={"autocomplete": "off", "maxlength": TOKEN_NAME_LENGTH},
    )
    scope = SelectField(_("It may"), choices=_choices(SCOPES))
    days = SelectField(_("It works for"), choices=_choices(TOKEN_DAYS), default="90")
