"""What a page means for the ledger: pure, no clock, no database.

A posted transaction takes over the row of the pending one it replaces, whether the pending one is still there,
was removed a page or a sync ago, or comes to be removed later: the row, its id and the person's decisions stay.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from mingus.plaid.ledger import ChangeKind
from mingus.plaid.ledger import TransactionId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping

    from mingus.plaid.synced import TransactionFacts

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


@dataclass(slots=True, kw_only=True)
class KnownRow:
    """A stored transaction, as far as planning needs it."""

    id: TransactionId
    facts: dict[str, object]
    removed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A stored transaction's new facts and what happened to it."""

    id: TransactionId
    kind: ChangeKind
    facts: dict[str, object]
    raw: str | None
    fields: dict[str, list[object]]


@dataclass(slots=True, kw_only=True)
class PagePlan:
    """What to write for one page."""

    new: dict[str, tuple[dict[str, object], str]] = field(default_factory=dict)  # by Plaid's id
    changes: list[Change] = field(default_factory=list)
    parked: list[TransactionFacts] = field(default_factory=list)


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
        facts = _facts(row, account_id)
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


def _facts(row: TransactionFacts, account_id: str) -> dict[str, object]:
    facts: dict[str, object] = {name: getattr(row, name) for name in BANKS_FIELDS if name != "account_id"}
    facts["account_id"] = account_id
    return facts


def _modify(plan: PagePlan, known: KnownRow, facts: dict[str, object], raw: str) -> None:
    if facts["pending_plaid_id"] is None:
        facts["pending_plaid_id"] = known.facts[
            "pending_plaid_id"
        ]  # a bank that forgets it does not unmake it
    fields = difference(known.facts, facts)
    kind = ChangeKind.RETURNED if known.removed else ChangeKind.MODIFIED
    if not fields and not known.removed:
        return
    plan.changes.append(Change(id=known.id, kind=kind, facts=facts, raw=raw, fields=fields))
    known.facts, known.removed = facts, False


def _post(
    plan: PagePlan, stored: dict[str, KnownRow], row: TransactionFacts, facts: dict[str, object]
) -> None:
    known = stored.pop(str(row.pending_plaid_id))
    fields = difference(known.facts, facts)
    plan.changes.append(Change(id=known.id, kind=ChangeKind.POSTED, facts=facts, raw=row.raw, fields=fields))
    known.facts, known.removed = facts, False
    stored[row.plaid_transaction_id] = known


def _remove(plan: PagePlan, known: KnownRow) -> None:
    plan.changes.append(Change(id=known.id, kind=ChangeKind.REMOVED, facts=known.facts, raw=None, fields={}))
    known.removed = True


def difference(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, list[object]]:
    """The fields that differ, as [before, after] in words that JSON holds."""
    return {
        name: [_plain(before.get(name)), _plain(after.get(name))]
        for name in BANKS_FIELDS
        if before.get(name) != after.get(name)
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.date) else value
