"""Holdings, securities and the movements of investment accounts, in Plaid's shape."""

from __future__ import annotations

import math
import tomllib
from datetime import date
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

from mingus.simulator.ids import world_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Sequence

    from mingus.simulator.accounts import Account

Doc = dict[str, Any]

DATA = Path(__file__).parent / "data" / "securities.toml"
HISTORY = timedelta(days=730)
EVERY_DAYS = 14


class Security(NamedTuple):
    """Something that can be held."""

    key: str
    name: str
    ticker: str | None
    type: str
    subtype: str
    base_price: float
    market: str | None
    cash_like: bool
    currency: str = "USD"

    def price(self, day: date) -> float:
        """The closing price of a day: it wanders, and always the same way."""
        if self.cash_like:
            return 1.0
        turn = day.toordinal() / 19 + len(self.name)
        return round(self.base_price * (1 + 0.06 * math.sin(turn) + 0.03 * math.sin(turn * 3.7)), 4)


class Position(NamedTuple):
    """How much of a security an account holds, and what it cost."""

    security: Security
    quantity: float
    cost_basis: float | None
    price: float


def with_margin(account: Account) -> Doc:
    """The account as investment answers carry it, where balances have one more key."""
    shape = account.shape()
    shape["balances"] = {**shape["balances"], "margin_loan_amount": None}
    return shape


def positions(account: Account, today: date) -> list[Position]:
    """What the account holds; the values add up to its balance."""
    custom = _listed(account, "holdings")
    if custom:
        return [_custom_position(row) for row in custom]
    value = account.current or 0.0
    kind = "brokerage" if account.plan.subtype in ("brokerage", "crypto exchange") else "other"
    found = []
    for key, share in portfolios()[kind]:
        security = securities()[key]
        price = security.price(today)
        # An option's quantity counts shares: contracts of a hundred.
        quantity = round(value * share / price, 6)
        found.append(Position(security, quantity, round(quantity * security.base_price * 0.93, 2), price))
    return found


def holding_shape(account: Account, position: Position, today: date) -> Doc:
    """A holding in Plaid's shape."""
    return {
        "account_id": account.account_id,
        "cost_basis": position.cost_basis,
        "institution_price": position.price,
        "institution_price_as_of": today.isoformat(),
        "institution_price_datetime": None,
        "institution_value": round(position.quantity * position.price, 4),
        "iso_currency_code": position.security.currency,
        "quantity": position.quantity,
        "security_id": security_id(position.security),
        "unofficial_currency_code": None,
        "vested_quantity": position.quantity if account.plan.subtype == "401k" else None,
        "vested_value": None,
    }


def security_shape(security: Security, today: date) -> Doc:
    """A security in Plaid's shape."""
    option = {
        "contract_type": "call",
        "expiration_date": "2027-01-15",
        "strike_price": 95.0,
        "underlying_security_ticker": "LRKS",
    }
    bond = {
        "face_value": 100.0,
        "issue_date": "2021-02-15",
        "maturity_date": "2031-02-15",
        "yield_rate": {"percentage": 4.25, "type": "coupon"},
    }
    return {
        "cfi_code": None,
        "close_price": security.price(today),
        "close_price_as_of": today.isoformat(),
        "cusip": None,
        "figi": None,
        "fixed_income": bond if security.type == "fixed income" else None,
        "industry": None,
        "institution_id": None,
        "institution_security_id": None,
        "is_cash_equivalent": security.cash_like,
        "isin": None,
        "iso_currency_code": security.currency,
        "market_identifier_code": security.market,
        "name": security.name,
        "option_contract": option if security.type == "derivative" else None,
        "proxy_security_id": None,
        "sector": None,
        "security_id": security_id(security),
        "sedol": None,
        "subtype": security.subtype,
        "ticker_symbol": security.ticker,
        "type": security.type,
        "unofficial_currency_code": None,
        "update_datetime": None,
    }


def movements(account: Account, first: date, last: date, since: date) -> Iterator[tuple[Doc, Security]]:
    """The account's buys, dividends and sales between the days, newest first, none before `since`."""
    custom = _listed(account, "investment_transactions")
    if custom:
        yield from _custom_movements(account, custom, first, last)
        return
    held = [position.security for position in positions(account, last)]
    day = last
    while day >= max(first, since):
        if day.toordinal() % EVERY_DAYS == 3 and held:
            number = day.toordinal() // EVERY_DAYS
            yield _movement(account, held[number % len(held)], day, number), held[number % len(held)]
        day -= timedelta(days=1)


def security_id(security: Security) -> str:
    """The same security has the same id everywhere."""
    return world_id("security", security.key)


@cache
def securities() -> dict[str, Security]:
    """Every security by key."""
    rows = tomllib.loads(DATA.read_text())["securities"]
    return {key: _security(key, row) for key, row in rows.items()}


@cache
def portfolios() -> dict[str, list[tuple[str, float]]]:
    """What kinds of accounts hold."""
    rows = tomllib.loads(DATA.read_text())["portfolios"]
    return {kind: [(key, share) for key, share in row] for kind, row in rows.items()}


def _security(key: str, row: list[Any]) -> Security:
    return Security(key, *row)


def _movement(account: Account, security: Security, day: date, number: int) -> Doc:
    price = security.price(day)
    kind, subtype, name, sign = (
        ("buy", "buy", "BUY", 1),
        ("cash", "dividend", "DIVIDEND", -1),
        ("buy", "contribution", "CONTRIBUTION", 1),
        ("sell", "sell", "SELL", -1),
    )[number % 4]
    quantity = 0.0 if kind == "cash" else round(sign * 150 / price, 6)
    amount = -round(7.5 + number % 20, 2) if kind == "cash" else round(quantity * price, 2)
    return _shape(
        account,
        security,
        day,
        name=f"{name} {security.name}",
        kind=kind,
        subtype=subtype,
        amount=amount,
        quantity=quantity,
        price=price,
        fees=0.0,
    )


def _shape(
    account: Account,
    security: Security,
    day: date,
    *,
    name: str,
    kind: str,
    subtype: str,
    amount: float,
    quantity: float,
    price: float,
    fees: float,
) -> Doc:
    return {
        "account_id": account.account_id,
        "amount": amount,
        "cancel_transaction_id": None,
        "date": day.isoformat(),
        "fees": fees,
        "investment_transaction_id": world_id("movement", account.account_id, security.key, day, name),
        "iso_currency_code": security.currency,
        "name": name,
        "price": price,
        "quantity": quantity,
        "security_id": security_id(security),
        "subtype": subtype,
        "transaction_datetime": None,
        "type": kind,
        "unofficial_currency_code": None,
    }


def _listed(account: Account, key: str) -> list[Doc]:
    """What a custom user lists, be it one object or several."""
    value = account.plan.override.get(key)
    rows = [value] if isinstance(value, dict) else value
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _custom_security(row: Doc) -> Security:
    said: Doc = row["security"] if isinstance(row.get("security"), dict) else {}
    ticker = said.get("ticker_symbol")
    name = str(said.get("name") or ticker or "Unnamed Security")
    price = _number(row.get("institution_price"), _number(row.get("price"), 1.0))
    currency = str(row.get("currency") or "USD")
    return Security(f"custom {name}", name, ticker, "equity", "common stock", price, None, False, currency)


def _custom_position(row: Doc) -> Position:
    security = _custom_security(row)
    return Position(security, _number(row.get("quantity"), 1.0), row.get("cost_basis"), security.base_price)


def _custom_movements(
    account: Account, rows: Sequence[Doc], first: date, last: date
) -> Iterator[tuple[Doc, Security]]:
    for row in sorted(rows, key=lambda row: str(row.get("date")), reverse=True):
        try:
            day = date.fromisoformat(str(row.get("date")))
        except ValueError:
            continue
        if first <= day <= last:
            security = _custom_security(row)
            quantity, price = _number(row.get("quantity"), 0.0), _number(row.get("price"), 0.0)
            kind = str(row.get("type") or "buy")
            name = str(row.get("name") or kind.upper())
            shape = _shape(
                account,
                security,
                day,
                name=name,
                kind=kind,
                subtype=kind if kind in ("buy", "sell") else "deposit",
                amount=round(quantity * price, 2),
                quantity=quantity,
                price=price,
                fees=_number(row.get("fees"), 0.0),
            )
            yield shape, security


def _number(value: object, default: float) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else default
