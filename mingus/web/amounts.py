"""Amounts and days as people write them, in their own way of writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel.numbers import NumberFormatError
from babel.numbers import format_decimal
from babel.numbers import get_group_symbol
from babel.numbers import parse_decimal
from flask_babel import get_locale
from flask_babel import gettext as _

from mingus import money
from mingus.money import Money

if TYPE_CHECKING:
    from decimal import Decimal

    from mingus.money import Currency

BLANKS = " \u00a0\u202f"
APOSTROPHES = "'’"
EXAMPLE = money.parse("1234.5")


def read_amount(text: str) -> Decimal:
    """The number that somebody of this locale wrote; raises NotMoney with a sentence that shows the way."""
    plain = _grouped(text.strip().replace("−", "-"))
    try:
        return money.parse(parse_decimal(plain, locale=get_locale(), strict=True))
    except (NumberFormatError, money.NotMoney) as err:
        raise money.NotMoney(not_readable()) from err


def write_amount(amount: Money) -> str:
    """The same number as that person would write it, for a form's field."""
    digits = money.digits(amount.currency)
    pattern = "0." + "0" * digits if digits else "0"
    return str(format_decimal(amount.major, pattern, locale=get_locale()))


def to_money(value: Decimal, currency: Currency) -> Money:
    """Raises NotMoney when no ledger could hold it."""
    return Money.exact(value, currency)


def not_readable() -> str:
    example = format_decimal(EXAMPLE, "#,##0.00", locale=get_locale())
    return str(_("This is no amount. Write it like %(example)s.", example=example))


def _grouped(text: str) -> str:
    """The text with whichever blank or apostrophe a keyboard has in place of the locale's own between thousands."""
    group = str(get_group_symbol(get_locale()))
    blank = group if group.isspace() else ""
    typed = text.translate(dict.fromkeys(map(ord, BLANKS), blank))
    return typed.replace("'", group) if group in APOSTROPHES else typed
