"""Amounts are written as the locale data have it, in every way of writing and every currency that people meet."""

from __future__ import annotations

import pytest
from babel import Locale
from babel.numbers import format_currency
from babel.numbers import get_currency_precision
from flask import Flask
from flask_babel import Babel
from flask_babel import force_locale

from mingus import money
from mingus.money import Money
from mingus.money import official
from mingus.web import regions
from mingus.web.amounts import format_money

LOCALES = sorted(
    {
        regions.written(regions.join(language, region))
        for language in regions.LANGUAGES
        for region in regions.REGIONS
    }
)
CURRENCIES = sorted(Locale("en").currencies)
AMOUNTS = (0, 1, -1, 99, -100, 12_345, -123_456, 1_234_567, -12_345_678, 123_456_789_012, -money.MAX_MINOR)


@pytest.fixture(scope="module")
def app() -> Flask:
    app = Flask(__name__)
    Babel(app)
    return app


@pytest.mark.parametrize("name", LOCALES)
def test_amounts_are_written_as_the_locale_data_say(app: Flask, name: str) -> None:
    with app.test_request_context(), force_locale(name):
        for code in CURRENCIES:
            if get_currency_precision(code) != money.digits(official(code)):
                continue
            for minor in AMOUNTS:
                amount = Money(minor=minor, currency=official(code))
                assert format_money(amount) == format_currency(amount.major, code, locale=name)


def test_a_currency_keeps_its_own_digits_where_custom_drops_them(app: Flask) -> None:
    with app.test_request_context(), force_locale("en_US"):
        assert format_money(Money(minor=1_234_567, currency=official("IQD"))) == "IQD1,234.567"


def test_a_coin_has_its_letters_behind_it(app: Flask) -> None:
    with app.test_request_context(), force_locale("de_DE"):
        assert format_money(Money(minor=-150_000_000, currency=money.unofficial("btc"))) == "-1,50000000 BTC"
