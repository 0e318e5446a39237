"""What is kept for search, held against the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.transactions.models import Wording
from mingus.transactions.wording import NewWordings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def wrong_wordings(session: Session) -> list[str]:
    """The rows whose key is not that of what they say, or whose wording is not kept."""
    kept = {(row.user_id, row.key, row.text) for row in session.scalars(select(Wording))}
    rows = PlaidTransaction
    told: list[tuple[str, str, int | None, tuple[str | None, ...]]] = [
        (row.id, row.user_id, row.wording, (row.name, row.merchant_name))
        for row in session.execute(
            select(rows.id, rows.user_id, rows.wording, rows.name, rows.merchant_name).where(
                rows.wording.is_not(None)
            )
        )
    ]
    told += [
        (row.transaction_id, row.user_id, row.wording, (row.name, row.notes, *row.tags))
        for row in session.scalars(select(TransactionChoice).where(TransactionChoice.wording.is_not(None)))
    ]
    wrong = []
    for row_id, owner, key, texts in told:
        new = NewWordings()
        right = new.key(*texts)
        said = new.take()
        if key != right or any((owner, *one) not in kept for one in said):
            wrong.append(row_id)
    return wrong
