"""One transaction in full: the bank's facts, the person's decisions, and who changed what when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import case
from sqlalchemy import or_
from sqlalchemy import select

from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChange
from mingus.transactions import spending
from mingus.transactions.listing import entry_of
from mingus.transactions.listing import told
from mingus.transactions.models import TransferPair

if TYPE_CHECKING:
    import datetime as dt

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import SyncId
    from mingus.plaid.ledger import TransactionId
    from mingus.transactions.categories import Catalogue
    from mingus.transactions.categories import Category
    from mingus.transactions.listing import Entry

# the parts of the bank's JSON that make an address, in the order of an envelope
ADDRESS = ("address", "city", "region", "postal_code", "country")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field before and after."""

    name: str
    before: object
    after: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that a sync did to the transaction; `trigger` is what made that sync run."""

    at: dt.datetime | None
    kind: str
    sync_id: SyncId
    trigger: str | None
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Everything about one transaction."""

    entry: Entry
    own_category: str | None
    banks_category: Category
    payment_channel: str | None
    authorized_date: dt.date | None
    amount_exact: str | None
    plaid_id: str
    pending_plaid_id: str | None
    location: str | None
    website: str | None
    raw: str
    steps: tuple[Step, ...]
    other_side: TransactionId | None


def whole(
    user_id: UserId, transaction_id: TransactionId, *, catalogue: Catalogue, environment: str
) -> Whole | None:
    """The person's transaction, removed and hidden ones too; None when it is not theirs."""
    for removed in (False, True):
        statement = spending.rows_of(user_id, environment=environment, removed=removed)
        mine = statement.where(PlaidTransaction.id == transaction_id).add_columns(*told())
        found = db.session.execute(mine).one_or_none()
        if found is not None:
            return _whole(found, catalogue)
    return None


def _whole(found: Any, catalogue: Catalogue) -> Whole:
    transaction: PlaidTransaction = found[0]
    other = _other_side(transaction.id)
    raw = _read(transaction.raw)
    return Whole(
        entry=entry_of(found, catalogue, paired=other is not None),
        own_category=found.own_category,
        banks_category=catalogue.find(transaction.category_detailed or transaction.category),
        payment_channel=transaction.payment_channel,
        authorized_date=transaction.authorized_date,
        amount_exact=transaction.amount_exact,
        plaid_id=transaction.plaid_transaction_id,
        pending_plaid_id=transaction.pending_plaid_id,
        location=_location(raw),
        website=_text(raw.get("website")),
        raw=json.dumps(raw, indent=2, ensure_ascii=False),
        steps=_steps(transaction),
        other_side=other,
    )


def _other_side(transaction_id: TransactionId) -> TransactionId | None:
    sides = (TransferPair.out_id == transaction_id, TransferPair.in_id == transaction_id)
    other = case((sides[0], TransferPair.in_id), else_=TransferPair.out_id)
    statement = (
        select(PlaidTransaction.id)
        .join(TransferPair, PlaidTransaction.id == other)
        .where(TransferPair.undone_at.is_(None), or_(*sides), PlaidTransaction.removed_at.is_(None))
    )
    return db.session.scalars(statement).first()


def _steps(transaction: PlaidTransaction) -> tuple[Step, ...]:
    """First how it came, then each change, oldest first; a sync's own log may be gone by then."""
    changes = db.session.scalars(
        select(TransactionChange)
        .where(TransactionChange.transaction_id == transaction.id)
        .order_by(TransactionChange.at, TransactionChange.id)
    ).all()
    ids = {transaction.first_sync_id, *(change.sync_id for change in changes)}
    logs = {
        log.id: log
        for log in db.session.scalars(
            select(PlaidSyncLog).where(PlaidSyncLog.id.in_(ids), PlaidSyncLog.user_id == transaction.user_id)
        )
    }
    first = logs.get(transaction.first_sync_id)
    came = Step(
        at=first.finished_at if first else None,
        kind="added",
        sync_id=transaction.first_sync_id,
        trigger=first.trigger if first else None,
        fields=(),
    )
    return (came, *(_step(change, logs.get(change.sync_id)) for change in changes))


def _step(change: TransactionChange, log: PlaidSyncLog | None) -> Step:
    return Step(
        at=change.at,
        kind=change.kind,
        sync_id=change.sync_id,
        trigger=log.trigger if log else None,
        fields=tuple(
            FieldChange(name=name, before=before, after=after)
            for name, (before, after) in change.fields.items()
        ),
    )


def _read(raw: str) -> dict[str, Any]:
    """The bank's JSON; what is none is shown as the text it is."""
    try:
        found = json.loads(raw)
    except ValueError:
        return {"text": raw}
    return found if isinstance(found, dict) else {"value": found}


def _location(raw: dict[str, Any]) -> str | None:
    place = raw.get("location")
    if not isinstance(place, dict):
        return None
    parts = [text for name in ADDRESS if (text := _text(place.get(name)))]
    return ", ".join(parts) or None


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
