"""Money: whole minor units and a currency, never a float, never summed across currencies."""

from __future__ import annotations

import decimal
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import NewType

if TYPE_CHECKING:
    from collections.abc import Iterable

Currency = NewType("Currency", str)

UNKNOWN = Currency("?")
UNOFFICIAL_MARK = "*"
# ISO 4217 where it differs from two; Unicode's data follows custom instead and would lose fils and fillér
ISO_DIGITS = (
    dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    )
    | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)
    | dict.fromkeys(["CLF", "UYW"], 4)
)
COIN_DIGITS = dict.fromkeys(
    ["ADA", "BCH", "BNB", "BTC", "DOGE", "DOT", "ETH", "LTC", "SOL", "XLM", "XMR", "XRP", "ZEC"], 8
)
DEFAULT_DIGITS = 2
MAX_MINOR = 2**63 - 1  # what a database integer holds
PLAIN_DIGITS = 16  # beyond, an amount is looked at more closely
EXACT = decimal.Context(prec=60, traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow])


class MixedCurrencies(Exception):
    """Two amounts of different currencies met in one sum."""


class NotMoney(Exception):
    """The text is no finite amount that a ledger can hold."""


def official(code: str) -> Currency:
    """An ISO 4217 currency as the bank names it; codes we don't know yet are kept, not refused."""
    return Currency(code.strip().upper()[:11] or UNKNOWN)


def unofficial(code: str) -> Currency:
    """A coin or token: marked, so that it can never be taken for an ISO currency of the same letters."""
    return Currency(UNOFFICIAL_MARK + code.strip().upper()[:10])


def currency_of(iso_code: str | None, unofficial_code: str | None) -> Currency:
    """The currency of a bank's pair of fields, of which at most one is filled."""
    if iso_code:
        return official(iso_code)
    return unofficial(unofficial_code) if unofficial_code else UNKNOWN


def digits(currency: Currency) -> int:
    """How many decimals the currency's minor unit stands for."""
    if currency.startswith(UNOFFICIAL_MARK):
        return COIN_DIGITS.get(currency.removeprefix(UNOFFICIAL_MARK), DEFAULT_DIGITS)
    return ISO_DIGITS.get(currency, DEFAULT_DIGITS)


def code(currency: Currency) -> str:
    """The currency's letters for people."""
    return currency.removeprefix(UNOFFICIAL_MARK)


@dataclass(frozen=True, slots=True, kw_only=True, order=False)
class Money:
    """An amount in minor units. The ledger's sign is the person's: in is positive, out is negative."""

    minor: int
    currency: Currency

    @classmethod
    def exact(cls, amount: Decimal | str | int, currency: Currency) -> Money:
        """`amount` in major units; digits beyond the currency's are rounded half to even; raises NotMoney."""
        return cls(minor=to_minor(parse(amount), currency), currency=currency)

    @property
    def major(self) -> Decimal:
        return Decimal(self.minor).scaleb(-digits(self.currency), EXACT)

    def __neg__(self) -> Money:
        return Money(minor=-self.minor, currency=self.currency)

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise MixedCurrencies
        return Money(minor=self.minor + other.minor, currency=self.currency)

    def __str__(self) -> str:
        return f"{self.major:f} {code(self.currency)}"


def parse(amount: Decimal | str | int) -> Decimal:
    """A finite decimal; a float is refused by its type, NaN, infinities and words by NotMoney."""
    try:
        value = Decimal(amount) if not isinstance(amount, Decimal) else amount
    except (decimal.InvalidOperation, ValueError) as err:
        raise NotMoney from err
    if (
        not value.is_finite()
        or len(value.as_tuple().digits) > EXACT.prec
        or abs(value.adjusted()) > EXACT.prec
    ):
        raise NotMoney
    return value + 0 if value else Decimal(0)  # -0 becomes 0


def to_minor(value: Decimal, currency: Currency) -> int:
    """Whole minor units, half to even; raises NotMoney beyond what a database integer holds."""
    try:
        minor = int(value.scaleb(digits(currency), EXACT).to_integral_value(decimal.ROUND_HALF_EVEN, EXACT))
    except decimal.DecimalException as err:
        raise NotMoney from err
    if abs(minor) > MAX_MINOR:
        raise NotMoney
    return minor


def minor_of(amount: Decimal, currency: Currency) -> tuple[int, bool]:
    """Whole minor units, and whether they hold the amount without rounding; raises NotMoney."""
    if amount.is_finite() and -PLAIN_DIGITS < amount.adjusted() < PLAIN_DIGITS:
        places = digits(currency)
        minor = int(amount.scaleb(places, EXACT))
        if Decimal(minor).scaleb(-places, EXACT) == amount and abs(minor) <= MAX_MINOR:
            return minor, True
    value = parse(amount)
    return to_minor(value, currency), False


def totals(amounts: Iterable[Money | None]) -> tuple[Money, ...]:
    """One sum per currency, ordered by code; unknown amounts (None) are left out, not counted as zero."""
    sums: defaultdict[Currency, int] = defaultdict(int)
    for amount in amounts:
        if amount is not None:
            sums[amount.currency] += amount.minor
    return tuple(Money(minor=sums[currency], currency=currency) for currency in sorted(sums))
