"""The JSON API of debts, investments and recurring payments."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from flask import Blueprint

from mingus import money
from mingus.plaid import productqueries
from mingus.plaid.api import answer
from mingus.plaid.ledger_api import DEFAULT_PAGE
from mingus.plaid.ledger_api import Arguments
from mingus.plaid.models import AccountId
from mingus.plaid.products import Product
from mingus.services import services
from mingus.transactions.listing import LARGEST_PAGE
from mingus.web.access import visitor

if TYPE_CHECKING:
    from decimal import Decimal

    from flask import Response

    from mingus.money import Money
    from mingus.plaid.productqueries import Apr
    from mingus.plaid.productqueries import HoldingRow
    from mingus.plaid.productqueries import LiabilityRow
    from mingus.plaid.productqueries import MovementRow
    from mingus.plaid.productqueries import RecurringRow

bp = Blueprint("products_api", __name__, url_prefix="/api/plaid")


@bp.get("/liabilities")
def liabilities() -> Response:
    """The terms of the person's cards and loans."""
    read = Arguments()
    account_id = _account(read)
    read.check()
    rows = productqueries.liabilities(visitor().id, environment=_environment(), account_id=account_id)
    return answer(liabilities=[_liability(row) for row in rows], products=_standing(Product.LIABILITIES))


@bp.get("/investments")
def investments() -> Response:
    """What the person's investment accounts hold, and a page of their movements."""
    read = Arguments()
    account_id, after = _account(read), read.text("after")
    limit = read.whole("limit", DEFAULT_PAGE, low=1, high=LARGEST_PAGE)
    read.check()
    held = productqueries.holdings(visitor().id, environment=_environment(), account_id=account_id)
    moved = productqueries.movements(
        visitor().id, environment=_environment(), limit=limit + 1, after=after, account_id=account_id
    )
    return answer(
        holdings=[_holding(row) for row in held],
        transactions=[_movement(row) for row in moved[:limit]],
        next=moved[limit - 1].id if len(moved) > limit else None,
        products=_standing(Product.HOLDINGS, Product.INVESTMENT_TRANSACTIONS),
    )


@bp.get("/recurring")
def recurring() -> Response:
    """The person's subscriptions, bills and incomes."""
    read = Arguments()
    account_id = _account(read)
    read.check()
    rows = productqueries.recurring(visitor().id, environment=_environment(), account_id=account_id)
    return answer(
        inflow=[_stream(row) for row in rows if row.is_income],
        outflow=[_stream(row) for row in rows if not row.is_income],
        products=_standing(Product.RECURRING),
    )


def _environment() -> str:
    return services().settings.environment.value


def _account(read: Arguments) -> AccountId | None:
    account_id = read.text("account_id")
    return AccountId(account_id) if account_id else None


def _standing(*products: Product) -> list[dict[str, Any]]:
    """When each connection's part was last read well, and why not since."""
    return [
        {
            "connection_id": row.connection_id,
            "product": row.product,
            "last_good_at": row.last_good_at,
            "last_tried_at": row.last_tried_at,
            "error_code": row.error_code,
            "message": row.sentence,
            "set_aside": row.set_aside,
        }
        for row in productqueries.product_states(visitor().id, environment=_environment())
        if row.product in products
    ]


def _number(amount: Money | None) -> Decimal | None:
    return None if amount is None else amount.major


def _liability(row: LiabilityRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "account_id": row.account_id,
        "kind": row.kind,
        "name": row.name,
        "currency": money.code(row.currency),
        "rate_percent": row.rate_percent,
        "rate_type": row.rate_type,
        "aprs": [_apr(apr) for apr in row.aprs],
        "is_overdue": row.is_overdue,
        "minimum_payment": _number(row.minimum_payment),
        "next_payment": _number(row.next_payment),
        "next_due_on": row.next_due_on,
        "last_payment": _number(row.last_payment),
        "last_payment_on": row.last_payment_on,
        "statement_balance": _number(row.statement),
        "statement_on": row.statement_on,
        "past_due": _number(row.past_due),
        "principal": _number(row.principal),
        "originated_on": row.originated_on,
        "matures_on": row.matures_on,
        "as_of": row.as_of,
    }


def _apr(apr: Apr) -> dict[str, Any]:
    return {
        "type": apr.type,
        "percent": apr.percent,
        "balance": _number(apr.balance),
        "interest": _number(apr.interest),
    }


def _holding(row: HoldingRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "account_id": row.account_id,
        "name": row.name,
        "ticker": row.ticker,
        "type": row.type,
        "is_cash": row.is_cash,
        "currency": money.code(row.currency),
        "quantity": row.quantity,
        "price": row.price,
        "price_on": row.price_on,
        "value": _number(row.value),
        "cost_basis": _number(row.cost),
        "gain": _number(row.gain),
        "vested_quantity": row.vested_quantity,
        "as_of": row.as_of,
    }


def _movement(row: MovementRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "account_id": row.account_id,
        "date": row.date,
        "name": row.name,
        "type": row.type,
        "subtype": row.subtype,
        "security_name": row.security_name,
        "ticker": row.ticker,
        "quantity": row.quantity,
        "price": row.price,
        "amount": _number(row.amount),
        "fees": _number(row.fees),
        "currency": money.code(row.amount.currency),
    }


def _stream(row: RecurringRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "account_id": row.account_id,
        "name": row.name,
        "description": row.description,
        "category": [word for word in (row.category, row.category_detailed) if word],
        "frequency": row.frequency,
        "status": row.status,
        "is_active": row.is_active,
        "average_amount": _number(row.average),
        "last_amount": _number(row.last),
        "currency": money.code(row.currency),
        "first_on": row.first_on,
        "last_on": row.last_on,
        "next_on": row.next_on,
        "payments": row.payments,
    }
