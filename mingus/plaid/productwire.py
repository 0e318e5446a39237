"""Liabilities, investments and recurring streams as Plaid says them, row by row, turned to the person's side."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

import msgspec

from mingus import money
from mingus.plaid.synced import UnreadableRow
from mingus.plaid.wire import PENCE
from mingus.plaid.wire import UnreadableAnswer
from mingus.plaid.wire import clean

if TYPE_CHECKING:
    from mingus.money import Currency

Row = TypeVar("Row")
Facts = dict[str, Any]
NO_NUMBER = "one of its numbers is none that a ledger can hold"


class WireApr(msgspec.Struct, frozen=True):
    apr_percentage: Decimal | None = None
    apr_type: str | None = None
    balance_subject_to_apr: Decimal | None = None
    interest_charge_amount: Decimal | None = None


class WireRate(msgspec.Struct, frozen=True):
    percentage: Decimal | None = None
    type: str | None = None


class WireLiability(msgspec.Struct, frozen=True):
    """A card, mortgage or loan: the lists share most of their keys."""

    account_id: str
    aprs: list[WireApr] = []
    interest_rate: WireRate | None = None
    interest_rate_percentage: Decimal | None = None
    is_overdue: bool | None = None
    minimum_payment_amount: Decimal | None = None
    next_monthly_payment: Decimal | None = None
    next_payment_due_date: dt.date | None = None
    last_payment_amount: Decimal | None = None
    last_payment_date: dt.date | None = None
    last_statement_balance: Decimal | None = None
    last_statement_issue_date: dt.date | None = None
    past_due_amount: Decimal | None = None
    origination_principal_amount: Decimal | None = None
    origination_date: dt.date | None = None
    maturity_date: dt.date | None = None
    expected_payoff_date: dt.date | None = None
    loan_name: str | None = None


class WireSecurity(msgspec.Struct, frozen=True):
    security_id: str
    name: str | None = None
    ticker_symbol: str | None = None
    type: str | None = None
    subtype: str | None = None
    is_cash_equivalent: bool | None = None
    close_price: Decimal | None = None
    close_price_as_of: dt.date | None = None
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None


class WireHolding(msgspec.Struct, frozen=True):
    account_id: str
    security_id: str
    quantity: Decimal
    institution_price: Decimal | None = None
    institution_price_as_of: dt.date | None = None
    institution_value: Decimal | None = None
    cost_basis: Decimal | None = None
    vested_quantity: Decimal | None = None
    vested_value: Decimal | None = None
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None


class WireMovement(msgspec.Struct, frozen=True):
    investment_transaction_id: str
    account_id: str
    date: dt.date
    amount: Decimal
    name: str | None = None
    security_id: str | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    fees: Decimal | None = None
    type: str | None = None
    subtype: str | None = None
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None


class WireAmount(msgspec.Struct, frozen=True):
    amount: Decimal | None = None
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None


class WireStreamCategory(msgspec.Struct, frozen=True):
    primary: str | None = None
    detailed: str | None = None


class WireStream(msgspec.Struct, frozen=True):
    account_id: str
    stream_id: str
    average_amount: WireAmount
    last_amount: WireAmount
    is_active: bool
    description: str | None = None
    merchant_name: str | None = None
    frequency: str | None = None
    status: str | None = None
    first_date: dt.date | None = None
    last_date: dt.date | None = None
    predicted_next_date: dt.date | None = None
    transaction_ids: list[str] = []
    personal_finance_category: WireStreamCategory | None = None


class LiabilitiesAnswer(msgspec.Struct, frozen=True):
    liabilities: dict[str, list[msgspec.Raw] | None]  # by kind, also kinds that we do not know yet
    request_id: str


class HoldingsAnswer(msgspec.Struct, frozen=True):
    holdings: list[msgspec.Raw]
    securities: list[msgspec.Raw]
    request_id: str


class MovementsAnswer(msgspec.Struct, frozen=True):
    investment_transactions: list[msgspec.Raw]
    securities: list[msgspec.Raw]
    total_investment_transactions: int
    request_id: str


class RecurringAnswer(msgspec.Struct, frozen=True):
    inflow_streams: list[msgspec.Raw]
    outflow_streams: list[msgspec.Raw]
    request_id: str


def read(raw: msgspec.Raw, kind: type[Row]) -> Row | UnreadableRow:
    """One row as `kind`, or what is wrong with it."""
    try:
        return msgspec.json.decode(bytes(raw), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        return UnreadableRow(raw=text_of(raw), reason=(str(err) or type(err).__name__)[:200])


def text_of(raw: msgspec.Raw) -> str:
    """Plaid's own JSON, without what databases refuse."""
    return bytes(raw).decode("utf-8", "replace").replace("\x00", "").replace("\\u0000", "")


def liability_facts(row: WireLiability, kind: str, currency: Currency) -> Facts:
    """The terms of a debt in the currency of its account; raises UnreadableAnswer."""
    rate, rate_type = _leading_rate(row)

    def minor(value: Decimal | None) -> int | None:
        return _minor(value, currency)

    return {
        "kind": clean(kind, 40),
        "currency": currency,
        "aprs": [
            {
                "type": clean(apr.apr_type, 40) or None,
                "percent": exact(apr.apr_percentage),
                "balance_minor": minor(apr.balance_subject_to_apr),
                "interest_minor": minor(apr.interest_charge_amount),
            }
            for apr in row.aprs
        ],
        "rate_percent": exact(rate),
        "rate_type": clean(rate_type, 40) or None,
        "is_overdue": row.is_overdue,
        "minimum_payment_minor": minor(row.minimum_payment_amount),
        "next_payment_minor": minor(
            row.minimum_payment_amount if row.next_monthly_payment is None else row.next_monthly_payment
        ),
        "next_due_on": row.next_payment_due_date,
        "last_payment_minor": minor(row.last_payment_amount),
        "last_payment_on": row.last_payment_date,
        "statement_minor": minor(row.last_statement_balance),
        "statement_on": row.last_statement_issue_date,
        "past_due_minor": minor(row.past_due_amount),
        "principal_minor": minor(row.origination_principal_amount),
        "originated_on": row.origination_date,
        "matures_on": row.maturity_date or row.expected_payoff_date,
        "name": clean(row.loan_name) or None,
    }


def security_facts(row: WireSecurity) -> Facts:
    currency, share = _currency(row.iso_currency_code, row.unofficial_currency_code)
    return {
        "plaid_security_id": row.security_id[:128],
        "name": clean(row.name) or None,
        "ticker": clean(row.ticker_symbol, 40) or None,
        "type": clean(row.type, 40) or "other",
        "subtype": clean(row.subtype, 80) or None,
        "is_cash": bool(row.is_cash_equivalent),
        "currency": currency,
        "close_price": exact(row.close_price, share),
        "close_on": row.close_price_as_of,
    }


def holding_facts(row: WireHolding) -> Facts:
    currency, share = _currency(row.iso_currency_code, row.unofficial_currency_code)
    return {
        "plaid_security_id": row.security_id[:128],
        "quantity": exact(row.quantity),
        "price": exact(row.institution_price, share),
        "price_on": row.institution_price_as_of,
        "value_minor": _minor(row.institution_value, currency, share),
        "cost_minor": _minor(row.cost_basis, currency, share),
        "currency": currency,
        "vested_quantity": exact(row.vested_quantity),
        "vested_minor": _minor(row.vested_value, currency, share),
    }


def movement_facts(row: WireMovement) -> Facts:
    """A movement; Plaid counts what leaves the account, the ledger what the person has."""
    currency, share = _currency(row.iso_currency_code, row.unofficial_currency_code)
    outflow = _minor(row.amount, currency, share)
    return {
        "plaid_investment_id": row.investment_transaction_id[:128],
        "plaid_security_id": row.security_id[:128] if row.security_id else None,
        "date": row.date,
        "name": clean(row.name) or "?",
        "type": clean(row.type, 40) or "other",
        "subtype": clean(row.subtype, 80) or None,
        "quantity": exact(row.quantity),
        "price": exact(row.price, share),
        "amount_minor": -outflow if outflow is not None else None,
        "fees_minor": _minor(row.fees, currency, share),
        "currency": currency,
    }


def stream_facts(row: WireStream, *, is_income: bool) -> Facts:
    """A stream; its amounts in the currency of the last one."""
    last, average = row.last_amount, row.average_amount
    currency, share = _currency(last.iso_currency_code, last.unofficial_currency_code)
    if currency == money.UNKNOWN:
        currency, share = _currency(average.iso_currency_code, average.unofficial_currency_code)
    average_out = _minor(average.amount, currency, share)
    last_out = _minor(last.amount, currency, share)
    category = row.personal_finance_category or WireStreamCategory()
    return {
        "plaid_stream_id": row.stream_id[:128],
        "is_income": is_income,
        "description": clean(row.description) or clean(row.merchant_name) or "?",
        "merchant_name": clean(row.merchant_name) or None,
        "category": clean(category.primary, 80) or None,
        "category_detailed": clean(category.detailed, 120) or None,
        "frequency": clean(row.frequency, 40) or "UNKNOWN",
        "status": clean(row.status, 40) or "UNKNOWN",
        "is_active": row.is_active,
        "average_minor": None if average_out is None else -average_out,
        "last_minor": None if last_out is None else -last_out,
        "currency": currency,
        "first_on": row.first_date,
        "last_on": row.last_date,
        "next_on": row.predicted_next_date,
        "plaid_transaction_ids": [name[:128] for name in row.transaction_ids],
    }


def exact(value: Decimal | None, share: int = 1) -> str | None:
    """A quantity, price or percentage as the text of an exact decimal; raises UnreadableAnswer."""
    if value is None:
        return None
    try:
        return f"{money.parse(value if share == 1 else value / share):f}"
    except money.NotMoney as err:
        raise UnreadableAnswer(NO_NUMBER) from err


def _minor(value: Decimal | None, currency: Currency, share: int = 1) -> int | None:
    if value is None:
        return None
    try:
        return money.to_minor(money.parse(value if share == 1 else value / share), currency)
    except money.NotMoney as err:
        raise UnreadableAnswer(NO_NUMBER) from err


def _currency(iso_code: str | None, unofficial_code: str | None) -> tuple[Currency, int]:
    """The currency and how many of the bank's units make one: London counts in pence."""
    if iso_code is None and unofficial_code == PENCE:
        return money.official("GBP"), 100
    return money.currency_of(iso_code, unofficial_code), 1


def _leading_rate(row: WireLiability) -> tuple[Decimal | None, str | None]:
    """The rate that a person means when they speak of the debt's rate."""
    if row.interest_rate is not None:
        return row.interest_rate.percentage, row.interest_rate.type
    if row.interest_rate_percentage is not None:
        return row.interest_rate_percentage, None
    purchases = (apr for apr in row.aprs if apr.apr_type == "purchase_apr")
    leading = next(purchases, None) or next(iter(row.aprs), None)
    return (leading.apr_percentage, leading.apr_type) if leading is not None else (None, None)
