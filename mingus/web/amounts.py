"""Amounts and days as people write them, in their own way of writing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from babel.numbers import NumberFormatError
from babel.numbers import format_currency
from babel.numbers import format_decimal
from babel.numbers import get_currency_precision
from babel.numbers import get_decimal_symbol
from babel.numbers import get_group_symbol
from babel.numbers import parse_decimal
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup
from markupsafe import escape

from mingus import money
from mingus.money import Money

if TYPE_CHECKING:
    from decimal import Decimal

    from babel import Locale

    from mingus.money import Currency

BLANKS = " \u00a0\u202f"
APOSTROPHES = "'’"
EXAMPLE = money.parse("1234.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How amounts of one currency are written in one locale, read off two of them."""

    positive: tuple[str, str]
    negative: tuple[str, str]
    decimal: str
    group: str
    grouping: tuple[int, int]
    digits: int

    def write(self, minor: int) -> str:
        head, tail = self.negative if minor < 0 else self.positive
        digits = str(abs(minor)).rjust(self.digits + 1, "0")
        whole, part = (digits[: -self.digits], digits[-self.digits :]) if self.digits else (digits, "")
        size, others = self.grouping
        groups = []
        while len(whole) > size:
            groups.append(whole[-size:])
            whole, size = whole[:-size], others
        return (
            head + self.group.join((whole, *reversed(groups))) + (self.decimal + part if part else "") + tail
        )


@cache  # as many as there are locales and currencies here
def _style(locale: Locale, currency: Currency) -> Style:
    # custom may have fewer digits than the currency; only what stands around them is taken from there
    custom = get_currency_precision(currency)
    number = "1" + (get_decimal_symbol(locale) + "0" * custom if custom else "")
    head, _number, tail = str(format_currency(1, currency, locale=locale)).rpartition(number)
    minus_head, _number, minus_tail = str(format_currency(-1, currency, locale=locale)).rpartition(number)
    return Style(
        positive=(head, tail),
        negative=(minus_head, minus_tail),
        decimal=get_decimal_symbol(locale),
        group=get_group_symbol(locale),
        grouping=locale.currency_formats["standard"].grouping,
        digits=money.digits(currency),
    )


def format_money(value: Money) -> str:
    """An amount in the person's locale: the currency's own digits, unofficial and unknown ones by their letters."""
    locale = get_locale()
    if value.currency == money.UNKNOWN or value.currency.startswith(money.UNOFFICIAL_MARK):
        digits = money.digits(value.currency)
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return f"{format_decimal(value.major, pattern, locale=locale)} {money.code(value.currency)}"
    # a page writes a hundred; Babel, which reads its pattern anew for each, takes seven times as long
    return _style(locale, value.currency).write(value.minor)


def money_markup(value: Money | None, sign: str = "auto") -> Markup:
    """An amount on a page, with a true minus: screen readers skip a hyphen. None is one the bank did not say.

    `sign`: "auto" shows + on money in and − on money out, "never" shows a balance as it is.
    """
    if value is None:
        return Markup('<span class="money money--unknown">{}</span>').format(_("unknown"))
    tone = plus = ""
    if sign == "auto" and value.minor:
        tone, plus = (" money--in", "+") if value.minor > 0 else (" money--out", "")
    text = format_money(value).replace("-", "−")
    return Markup(  # noqa: S704 (what comes from outside is escaped)
        f'<data class="money{tone}" value="{escape(str(value))}">{plus}{escape(text)}</data>'
    )


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
