"""Money is exact."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mingus import money
from mingus.money import MixedCurrencies
from mingus.money import Money
from mingus.money import NotMoney

USD, JPY, KWD = (money.official(code) for code in ("USD", "JPY", "KWD"))
BTC = money.unofficial("BTC")


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.34", USD, 1234),
        ("-0", USD, 0),
        ("0.005", USD, 0),
        ("0.015", USD, 2),
        ("500", JPY, 500),
        ("500.5", JPY, 500),
        ("1.2345", KWD, 1234),
        ("0.00000001", BTC, 1),
        ("1e15", USD, 10**17),
        ("-1e15", USD, -(10**17)),
    ],
)
def test_an_amount_becomes_whole_minor_units(amount: str, currency: money.Currency, minor: int) -> None:
    assert Money.exact(amount, currency).minor == minor


@pytest.mark.parametrize(
    "amount", ["NaN", "Infinity", "-Infinity", "sNaN", "ten", "", "1e30", "9" * 80, "1e999999999"]
)
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(NotMoney):
        Money.exact(amount, USD)


def test_currencies_never_meet_in_a_sum() -> None:
    with pytest.raises(MixedCurrencies):
        Money.exact("1", USD) + Money.exact("1", JPY)
    sums = money.totals([Money.exact("1.10", USD), None, Money.exact("5", JPY), Money.exact("2.20", USD)])
    assert [str(total) for total in sums] == ["5 JPY", "3.30 USD"]


def test_an_unofficial_currency_is_never_taken_for_an_official_one() -> None:
    assert money.unofficial("USD") != USD
    assert money.code(money.unofficial("usd")) == "USD"
    assert money.currency_of(None, None) == money.UNKNOWN
    assert money.currency_of(None, "BTC") == BTC
    assert money.currency_of("eur", None) == money.official("EUR")


@given(
    st.integers(min_value=-money.MAX_MINOR, max_value=money.MAX_MINOR), st.sampled_from([USD, JPY, KWD, BTC])
)
def test_minor_to_major_and_back_loses_nothing(minor: int, currency: money.Currency) -> None:
    amount = Money(minor=minor, currency=currency)
    assert Money.exact(amount.major, currency) == amount
    assert -amount + amount == Money(minor=0, currency=currency)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=5))
def test_rounding_is_told_apart_from_exactness(value: Decimal) -> None:
    minor, whole = money.minor_of(value, USD)
    assert minor == money.to_minor(value, USD)
    assert whole == (value == value.quantize(Decimal("0.01")))
