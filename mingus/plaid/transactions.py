"""What pages and API read of transactions and syncs; the owner comes first, pages go by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Select
from sqlalchemy import and_
from sqlalchemy import func
from sqlalchemy import or_
from sqlalchemy import select

from mingus.db import db
from mingus.money import Currency
from mingus.money import Money
from mingus.plaid.accounts import replaced_accounts
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.ledger import TransactionId
from mingus.plaid.models import AccountId
from mingus.plaid.models import PlaidConnection

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId
    from mingus.plaid.models import ConnectionId

LARGEST_PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list of transactions is narrowed to; None: not narrowed."""

    since: dt.date | None = None
    until: dt.date | None = None
    account_id: AccountId | None = None
    category: str | None = None
    search: str | None = None
    least_minor: int | None = None
    most_minor: int | None = None
    pending: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRow:
    """One transaction as its owner sees it: spent is negative."""

    id: TransactionId
    account_id: AccountId
    date: dt.date
    name: str
    merchant_name: str | None
    amount: Money
    categories: tuple[str, ...]
    pending: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionPage:
    """Some rows, newest first, and the key that the next ones come after."""

    rows: tuple[TransactionRow, ...]
    next: TransactionId | None


def page(
    user_id: UserId,
    filters: Filters,
    *,
    environment: str,
    limit: int,
    after: TransactionId | None = None,
    offset: int = 0,
) -> TransactionPage:
    """A page of the person's transactions after a key (fast at any depth) or at an offset."""
    statement = _filtered(user_id, filters, environment)
    if after is not None:
        anchor = db.session.execute(
            select(PlaidTransaction.date, PlaidTransaction.id).where(
                PlaidTransaction.id == after, PlaidTransaction.user_id == user_id
            )
        ).one_or_none()
        if anchor is None:
            return TransactionPage(rows=(), next=None)
        statement = statement.where(
            or_(
                PlaidTransaction.date < anchor.date,
                and_(PlaidTransaction.date == anchor.date, PlaidTransaction.id < anchor.id),
            )
        )
    ordered = statement.order_by(PlaidTransaction.date.desc(), PlaidTransaction.id.desc())
    found = db.session.execute(ordered.offset(offset).limit(limit + 1)).all()
    rows = tuple(_row(transaction, choice) for transaction, choice in found[:limit])
    return TransactionPage(rows=rows, next=rows[-1].id if len(found) > limit else None)


def total_count(user_id: UserId, filters: Filters, *, environment: str) -> int:
    """How many transactions the filters leave."""
    statement = _filtered(user_id, filters, environment).with_only_columns(func.count(PlaidTransaction.id))
    return int(db.session.scalar(statement.order_by(None)) or 0)


def sync_log(user_id: UserId, sync_id: SyncId) -> PlaidSyncLog | None:
    log = db.session.get(PlaidSyncLog, sync_id)
    return log if log is not None and log.user_id == user_id else None


def sync_logs(
    user_id: UserId, *, limit: int, after: SyncId | None = None, connection_id: ConnectionId | None = None
) -> list[PlaidSyncLog]:
    """The person's syncs, newest first, after a key."""
    statement = select(PlaidSyncLog).where(PlaidSyncLog.user_id == user_id)
    if connection_id is not None:
        statement = statement.where(PlaidSyncLog.connection_id == connection_id)
    if after is not None:
        statement = statement.where(PlaidSyncLog.id < after)
    return list(db.session.scalars(statement.order_by(PlaidSyncLog.id.desc()).limit(limit)))


def _filtered(
    user_id: UserId, filters: Filters, environment: str
) -> Select[PlaidTransaction, TransactionChoice]:
    """Living, shown transactions; an account linked anew brings its predecessor's only while that one is kept."""
    statement = (
        select(PlaidTransaction, TransactionChoice)
        .join(PlaidConnection, PlaidConnection.id == PlaidTransaction.connection_id)
        .outerjoin(TransactionChoice, TransactionChoice.transaction_id == PlaidTransaction.id)
        .where(
            PlaidTransaction.user_id == user_id,
            PlaidTransaction.removed_at.is_(None),
            PlaidConnection.environment == environment,
            PlaidTransaction.account_id.not_in(replaced_accounts(user_id)),
            or_(TransactionChoice.hidden.is_(None), TransactionChoice.hidden.is_(False)),
        )
    )
    return statement.where(*_conditions(filters))


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    table, found = PlaidTransaction, []
    if filters.since is not None:
        found.append(table.date >= filters.since)
    if filters.until is not None:
        found.append(table.date <= filters.until)
    if filters.account_id is not None:
        found.append(table.account_id == filters.account_id)
    if filters.category is not None:
        shown = func.coalesce(TransactionChoice.category, table.category)
        found.append(or_(shown == filters.category, table.category_detailed == filters.category))
    if filters.search is not None:
        found.append(_search(filters.search))
    if filters.least_minor is not None:
        found.append(table.amount_minor >= filters.least_minor)
    if filters.most_minor is not None:
        found.append(table.amount_minor <= filters.most_minor)
    if filters.pending is not None:
        found.append(table.pending.is_(filters.pending))
    return found


def _search(words: str) -> ColumnElement[bool]:
    """In the bank's text, the merchant, the person's own name and notes; %, _ and \\ mean themselves."""
    escaped = words.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pattern = f"%{escaped}%"
    fields = (
        PlaidTransaction.name,
        PlaidTransaction.merchant_name,
        TransactionChoice.name,
        TransactionChoice.notes,
    )
    return or_(*(func.lower(field).like(pattern, escape="\\") for field in fields))


def _row(transaction: PlaidTransaction, choice: TransactionChoice | None) -> TransactionRow:
    own = choice.category if choice is not None else None
    banks = tuple(filter(None, (transaction.category, transaction.category_detailed)))
    return TransactionRow(
        id=transaction.id,
        account_id=transaction.account_id,
        date=transaction.date,
        name=(choice.name if choice is not None else None) or transaction.name,
        merchant_name=transaction.merchant_name,
        amount=Money(minor=transaction.amount_minor, currency=Currency(transaction.currency)),
        categories=(own,) if own else banks,
        pending=transaction.pending,
    )
