"""What a page means for the ledger: pure, no clock, no database.

A posted transaction takes over the row of the pending one it replaces, whether the pending one is still there,
was removed a page or a sync ago, or comes to be removed later: the row, its id and the person's decisions stay.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from mingus.plaid.ledger import ChangeKind
from mingus.plaid.ledger import TransactionId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping

    from mingus.plaid.synced import TransactionFacts

Facts = tuple[Any, ...]  # the values of BANKS_FIELDS, in their order

BANKS_FIELDS = (
    "account_id",
    "plaid_transaction_id",
    "pending_plaid_id",
    "amount_minor",
    "amount_exact",
    "currency",
    "date",
    "authorized_date",
    "pending",
    "name",
    "merchant_name",
    "category",
    "category_detailed",
    "payment_channel",
)
PENDING_ID = BANKS_FIELDS.index("pending_plaid_id")


@dataclass(slots=True, kw_only=True)
class KnownRow:
    """A stored transaction, as far as planning needs it."""

    id: TransactionId
    facts: Facts
    removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A stored transaction's new facts and what happened to it."""

    id: TransactionId
    kind: ChangeKind
    facts: Facts
    raw: str | None
    fields: dict[str, list[object]]


@dataclass(slots=True, kw_only=True)
class PagePlan:
    """What to write for one page."""

    new: dict[str, tuple[Facts, str]] = field(default_factory=dict)  # by Plaid's id
    changes: list[Change] = field(default_factory=list)
    parked: list[TransactionFacts] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Counts:
    """What an update did to the ledger."""

    added: int = 0
    modified: int = 0
    removed: int = 0
    parked: int = 0
    quarantined: int = 0

    @property
    def changed(self) -> int:
        """How many rows are not as they were."""
        return self.added + self.modified + self.removed


def plan_page(
    rows: Iterable[TransactionFacts],
    removed: Iterable[str],
    *,
    known: Mapping[str, KnownRow],
    accounts: Mapping[str, str],
) -> PagePlan:
    """The plan for a page, given the stored rows by Plaid's id and our account ids by Plaid's.

    The same id twice: the last one wins. Identical facts: nothing is written.
    """
    plan = PagePlan()
    stored = dict(known)
    for row in rows:
        account_id = accounts.get(row.plaid_account_id)
        if account_id is None:
            plan.parked.append(row)
            continue
        facts = (account_id, *row[1:-1])
        if row.plaid_transaction_id in stored:
            _modify(plan, stored[row.plaid_transaction_id], facts, row.raw)
        elif row.pending_plaid_id in stored:
            _post(plan, stored, row, facts)
        elif row.pending_plaid_id in plan.new:
            # pending and posted arrive together for the first time: one row, already posted
            del plan.new[row.pending_plaid_id]
            plan.new[row.plaid_transaction_id] = (facts, row.raw)
        else:
            plan.new[row.plaid_transaction_id] = (facts, row.raw)
    for plaid_id in removed:
        plan.new.pop(plaid_id, None)
        if plaid_id in stored and not stored[plaid_id].removed:
            _remove(plan, stored[plaid_id])
    return plan


def _modify(plan: PagePlan, known: KnownRow, facts: Facts, raw: str) -> None:
    if facts[PENDING_ID] is None:  # a bank that forgets it does not unmake it
        facts = (*facts[:PENDING_ID], known.facts[PENDING_ID], *facts[PENDING_ID + 1 :])
    fields = difference(known.facts, facts)
    kind = ChangeKind.RETURNED if known.removed else ChangeKind.MODIFIED
    if not fields and not known.removed:
        return
    plan.changes.append(Change(id=known.id, kind=kind, facts=facts, raw=raw, fields=fields))
    known.facts, known.removed = facts, False


def _post(plan: PagePlan, stored: dict[str, KnownRow], row: TransactionFacts, facts: Facts) -> None:
    known = stored.pop(str(row.pending_plaid_id))
    fields = difference(known.facts, facts)
    plan.changes.append(Change(id=known.id, kind=ChangeKind.POSTED, facts=facts, raw=row.raw, fields=fields))
    known.facts, known.removed = facts, False
    stored[row.plaid_transaction_id] = known


def _remove(plan: PagePlan, known: KnownRow) -> None:
    plan.changes.append(Change(id=known.id, kind=ChangeKind.REMOVED, facts=known.facts, raw=None, fields={}))
    known.removed = True


def difference(before: Facts, after: Facts) -> dict[str, list[object]]:
    """The fields that differ, as [before, after] in words that JSON holds."""
    if before == after:
        return {}
    return {
        name: [_plain(was), _plain(now)]
        for name, was, now in zip(BANKS_FIELDS, before, after, strict=True)
        if was != now
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.date) else value
