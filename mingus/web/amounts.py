"""Amounts and days as people write them, in their own way of writing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from babel.numbers import NumberFormatError
from babel.numbers import format_decimal
from babel.numbers import parse_decimal
from flask_babel import get_locale
from flask_babel import gettext as _

from mingus import money
from mingus.money import Money

if TYPE_CHECKING:
    from decimal import Decimal

    from mingus.money import Currency

EXAMPLE = money.parse("1234.5")


def read_amount(text: str) -> Decimal:
    """The number that somebody of this locale wrote; raises NotMoney with a sentence that shows the way."""
    plain = text.strip().replace("−", "-").replace(" ", "\u00a0" if _groups_by_space() else "")
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


def _groups_by_space() -> bool:
    return "\u00a0" in str(format_decimal(EXAMPLE, "#,##0.00", locale=get_locale()))
