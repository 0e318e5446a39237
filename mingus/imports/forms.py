"""The forms of imports: the file, and how it is to be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from flask_wtf.file import FileRequired
from wtforms import BooleanField
from wtforms import SelectField
from wtforms import SubmitField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.imports.csvfile import Layout
    from mingus.imports.csvfile import Table
    from mingus.imports.ofxfile import Statement

NONE = ""
MOST_SAMPLE = 24
COLUMNS = (
    "date",
    "amount",
    "money_out",
    "money_in",
    "direction",
    "payee",
    "memo",
    "balance",
    "bank_id",
    "currency",
)


class UploadForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    file = FileField(
        _("File from your bank"),
        description=_("CSV, OFX or QFX, up to 5 MB. Nothing is written before you have seen what would be."),
        validators=[FileRequired(_("Choose a file."))],
        render_kw={"accept": ".csv,.tsv,.txt,.ofx,.qfx,text/csv,application/x-ofx"},
    )
    submit = SubmitField(_("Read the file"))


class StatementForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    """Which of a file's statements is meant."""

    statement = SelectField(_("Statement"), coerce=int)
    submit = SubmitField(_("Look again"))

    def offer(self, statements: Sequence[Statement]) -> None:
        self.statement.choices = [
            SelectChoice(number, f"{one.account or number + 1} · {one.currency} · {len(one.entries)}")
            for number, one in enumerate(statements)
        ]


class LayoutForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    """What the columns of a CSV file mean."""

    date = SelectField(_("Date"))
    order = SelectField(
        _("Dates are written"),
        choices=[
            SelectChoice("ymd", _("year, month, day")),
            SelectChoice("dmy", _("day, month, year")),
            SelectChoice("mdy", _("month, day, year")),
        ],
    )
    amount = SelectField(_("Amount"))
    money_out = SelectField(_("Money out"), description=_("Where a bank has two columns."))
    money_in = SelectField(_("Money in"))
    direction = SelectField(_("Out or in, in words"), description=_("Such as debit and credit."))
    sign = SelectField(
        _("Signs"),
        choices=[
            SelectChoice("written", _("as they are: minus is spent")),
            SelectChoice("turned", _("turned: plus is spent")),
        ],
    )
    decimal = SelectField(
        _("Cents stand behind a"),
        choices=[SelectChoice(".", _("point: 1,234.50")), SelectChoice(",", _("comma: 1.234,50"))],
    )
    payee = SelectField(_("Payee"))
    memo = SelectField(_("Text"))
    balance = SelectField(_("Balance"))
    bank_id = SelectField(_("The bank's id"))
    currency = SelectField(_("Currency"))
    headed = BooleanField(_("The first line names the columns"))
    submit = SubmitField(_("Look again"))

    def offer(self, table: Table) -> None:
        """Offer the file's own columns, each with what stands in it first."""
        first = table.lines[0] if table.lines else []
        columns = []
        for number, name in enumerate(table.head):
            sample = first[number][:MOST_SAMPLE] if number < len(first) else ""
            label = name or gettext("Column %(number)s", number=number + 1)
            columns.append(SelectChoice(str(number), f"{label} · {sample}" if sample else label))
        for name in COLUMNS:
            self[name].choices = [SelectChoice(NONE, _("not in the file")), *columns]

    def layout(self, before: Layout) -> Layout:
        """The layout as chosen."""
        chosen = {name: int(self[name].data) if self[name].data else None for name in COLUMNS}
        headed = bool(self.headed.data)
        skip = before.skip + (headed - before.headed)
        read = replace(
            before,
            headed=headed,
            skip=max(skip, 0),
            order=self.order.data,
            decimal=self.decimal.data,
            sign=self.sign.data,
        )
        return read.with_columns(chosen)


def as_fields(layout: Layout) -> dict[str, object]:
    """A layout as the form shows it."""
    columns = {name: getattr(layout, name) for name in COLUMNS}
    return {
        **{name: NONE if column is None else str(column) for name, column in columns.items()},
        "order": layout.order,
        "decimal": layout.decimal,
        "sign": layout.sign,
        "headed": layout.headed,
    }


class TakeInForm(FlaskForm):  # type: ignore[misc]  # flask-wtf ships no types
    with_value = BooleanField(_("Also keep the balance that the file tells"))
    submit = SubmitField(_("Import"))
