"""What pages read of accounts that are kept by hand; the owner comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.money import Currency
from mingus.money import Money
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import PlaidAccount

if TYPE_CHECKING:
    import datetime as dt

    from mingus.auth.models import UserId
    from mingus.plaid.models import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedValue:
    """What an account was worth on a day, as its owner said."""

    on: dt.date
    value: Money


def values(user_id: UserId, account_id: AccountId) -> list[DatedValue]:
    """Every value that was given, the newest first."""
    rows = db.session.execute(
        select(BalanceSnapshot.taken_on, BalanceSnapshot.current_minor, BalanceSnapshot.currency)
        .join(PlaidAccount, PlaidAccount.id == BalanceSnapshot.account_id)
        .where(
            PlaidAccount.user_id == user_id,
            BalanceSnapshot.account_id == account_id,
            BalanceSnapshot.current_minor.is_not(None),
        )
        .order_by(BalanceSnapshot.taken_on.desc())
    )
    return [
        DatedValue(on=row.taken_on, value=Money(minor=row.current_minor, currency=Currency(row.currency)))
        for row in rows
    ]


def moved_since(user_id: UserId, account_id: AccountId, newest: DatedValue) -> Money | None:
    """What the account's transactions after that value come to; None when there are none."""
    found = db.session.scalar(
        select(func.sum(PlaidTransaction.amount_minor)).where(
            PlaidTransaction.user_id == user_id,
            PlaidTransaction.account_id == account_id,
            PlaidTransaction.removed_at.is_(None),
            PlaidTransaction.currency == newest.value.currency,
            PlaidTransaction.date > newest.on,
        )
    )
    return Money(minor=int(found), currency=newest.value.currency) if found else None
