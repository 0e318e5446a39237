"""Whether an account's balance moved as its transactions say: checked by every sync, kept where it did not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import case
from sqlalchemy import func
from sqlalchemy import select

from mingus.db import Unit
from mingus.db import db
from mingus.money import Currency
from mingus.money import Money
from mingus.plaid.ledger import BalanceCheck
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import SyncId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.plaid.models import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftNote:
    """A balance that moved otherwise than its transactions between two syncs."""

    account_id: AccountId
    at: dt.datetime
    sync_id: SyncId
    expected: Money
    reported: Money

    @property
    def drift(self) -> Money:
        return self.reported + -self.expected


def check_balances(
    unit: Unit, connection: PlaidConnection, touched: Collection[str], *, sync_id: SyncId, ambient: Ambient
) -> None:
    """Compare each open account's movement since the last check with its transactions', in the caller's unit.

    Only the accounts in `touched` are summed up. Banks differ in whether a balance counts what is pending: it agrees
    when either way explains it.
    """
    unit.session.flush()  # the sums read what this update wrote
    accounts = unit.session.scalars(
        select(PlaidAccount).where(
            PlaidAccount.connection_id == connection.id, PlaidAccount.closed_at.is_(None)
        )
    ).all()
    before = _last_checks(unit.session, [account.id for account in accounts])
    # summing up an account's rows is only worth it when any of them changed
    summed = {account.id for account in accounts if account.id in touched or account.id not in before}
    totals = _totals(unit.session, connection, summed) if summed else {}
    for account in accounts:
        if account.current_minor is None:
            continue
        last = before.get(account.id)
        if account.id in summed:
            posted, pending = totals.get(account.id, (0, 0))
        else:
            posted, pending = (last.posted_minor, last.pending_minor) if last is not None else (0, 0)
        standing = (account.current_minor, posted, pending, account.currency)
        if last is not None and standing == (
            last.current_minor,
            last.posted_minor,
            last.pending_minor,
            last.currency,
        ):
            continue
        check = BalanceCheck(
            id=ambient.new_id("chk"),
            account_id=account.id,
            sync_id=sync_id,
            at=ambient.now(),
            current_minor=account.current_minor,
            posted_minor=posted,
            pending_minor=pending,
            currency=account.currency,
        )
        if last is not None and last.currency == account.currency:
            _compare(check, last)
        unit.session.add(check)


def drift_of(user_id: UserId, account_id: AccountId) -> DriftNote | None:
    """What the last check of the person's account found; None when balance and transactions agree."""
    row = db.session.scalar(
        select(BalanceCheck)
        .join(PlaidAccount, PlaidAccount.id == BalanceCheck.account_id)
        .where(PlaidAccount.user_id == user_id, BalanceCheck.account_id == account_id)
        .order_by(BalanceCheck.id.desc())
        .limit(1)
    )
    if row is None or row.expected_minor is None or row.reported_minor is None:
        return None
    if row.expected_minor == row.reported_minor:
        return None
    currency = Currency(row.currency)
    return DriftNote(
        account_id=row.account_id,
        at=row.at,
        sync_id=row.sync_id,
        expected=Money(minor=row.expected_minor, currency=currency),
        reported=Money(minor=row.reported_minor, currency=currency),
    )


def _compare(check: BalanceCheck, last: BalanceCheck) -> None:
    """Fill in what was expected: of the two ways of counting the one that explains the balance, if any does."""
    check.reported_minor = check.current_minor - last.current_minor
    posted = check.posted_minor - last.posted_minor
    with_pending = posted + check.pending_minor - last.pending_minor
    check.expected_minor = with_pending if with_pending == check.reported_minor else posted


def _last_checks(session: Session, ids: Sequence[AccountId]) -> dict[AccountId, BalanceCheck]:
    newest = (
        select(func.max(BalanceCheck.id))
        .where(BalanceCheck.account_id.in_(ids))
        .group_by(BalanceCheck.account_id)
    )
    rows = session.scalars(select(BalanceCheck).where(BalanceCheck.id.in_(newest)))
    return {row.account_id: row for row in rows}


def _totals(
    session: Session, connection: PlaidConnection, accounts: Collection[AccountId]
) -> dict[AccountId, tuple[int, int]]:
    """The sums of what is posted and of what is pending, by account, each in its account's own currency."""
    amount = PlaidTransaction.amount_minor
    rows = session.execute(
        select(
            PlaidTransaction.account_id,
            func.sum(case((PlaidTransaction.pending.is_(False), amount), else_=0)),
            func.sum(case((PlaidTransaction.pending.is_(True), amount), else_=0)),
        )
        .join(PlaidAccount, PlaidAccount.id == PlaidTransaction.account_id)
        .where(
            PlaidTransaction.connection_id == connection.id,
            PlaidTransaction.account_id.in_(accounts),
            PlaidTransaction.removed_at.is_(None),
            PlaidTransaction.currency == PlaidAccount.currency,
        )
        .group_by(PlaidTransaction.account_id)
    )
    return {account_id: (int(posted), int(pending)) for account_id, posted, pending in rows}
