"""The ledger held against the bank's truth, row by row."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any

import urllib3
from sqlalchemy import select

from mingus import money
from mingus.db import db
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import PlaidAccount
from mingus.plaid.staging import is_settled

if TYPE_CHECKING:
    from tests.support.bank import AtPlaid

Row = tuple[str, str, int, str, bool]


def truth(plaid: AtPlaid, item_id: str) -> dict[str, Row]:
    """What a client that missed nothing would have."""
    answer = urllib3.request("GET", f"{plaid.base_url}/control/items/{item_id}/truth").json()
    return {row["transaction_id"]: row_of(row) for row in answer["transactions"]}


def stored(connection_id: str) -> dict[str, Row]:
    """What the ledger shows: live rows by Plaid's id."""
    db.session.rollback()
    rows = db.session.execute(
        select(PlaidTransaction, PlaidAccount.plaid_account_id)
        .join(PlaidAccount, PlaidAccount.id == PlaidTransaction.account_id)
        .where(
            PlaidTransaction.connection_id == connection_id,
            PlaidTransaction.removed_at.is_(None),
            is_settled(),
        )
    )
    return {
        row.plaid_transaction_id: (
            account_id,
            row.date.isoformat(),
            row.amount_minor,
            row.currency,
            row.pending,
        )
        for row, account_id in rows
    }


def row_of(row: dict[str, Any]) -> Row:
    currency = money.currency_of(row["iso_currency_code"], row["unofficial_currency_code"])
    minor = -money.to_minor(Decimal(str(row["amount"])), currency)
    return (row["account_id"], row["date"], minor, currency, row["pending"])
