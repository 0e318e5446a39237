"""Writing a page's plan in bulk, always in the caller's unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy import delete
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import Unit
from mingus.db import upsert
from mingus.plaid import synced
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.ledger import ChangeKind
from mingus.plaid.ledger import ParkedRow
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import TransactionChange
from mingus.plaid.ledger import TransactionId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.plan import BANKS_FIELDS
from mingus.plaid.plan import KnownRow
from mingus.plaid.plan import PagePlan
from mingus.plaid.plan import plan_page
from mingus.plaid.synced import TransactionFacts
from mingus.plaid.synced import UnreadableRow

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from collections.abc import Iterable
    from collections.abc import Sequence

    from mingus.plaid.synced import SyncPage

IDS_AT_ONCE = 900  # below SQLite's oldest limit of parameters


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


class LedgerWriter:
    """Applies the pages of one update to one connection."""

    def __init__(
        self,
        unit: Unit,
        connection: PlaidConnection,
        *,
        sync_id: SyncId,
        now: dt.datetime,
        new_id: Callable[[str], str],
        seen_too: bool = False,
    ) -> None:
        self._session = unit.session
        self._unit = unit
        self._connection = connection
        self._sync_id = sync_id
        self._now = now
        self._new_id = new_id
        self._seen_too = seen_too  # in a full read every row seen is marked, so that the unseen ones can go
        self.counts = Counts()
        self.first_id: TransactionId | None = None  # of the new rows
        accounts = self._session.execute(
            select(PlaidAccount.plaid_account_id, PlaidAccount.id).where(
                PlaidAccount.connection_id == connection.id
            )
        ).all()
        self._accounts: dict[str, str] = {row.plaid_account_id: row.id for row in accounts}

    def write_page(self, page: SyncPage) -> None:
        """Apply one page: its rows in their order, then its removals."""
        found = list(synced.rows(page))
        self._quarantine([row for row in found if isinstance(row, UnreadableRow)])
        good = [row for row in found if isinstance(row, TransactionFacts)]
        self._write_rows(good, [row.transaction_id for row in page.removed])

    def write_parked(self) -> None:
        """Apply the rows whose account has appeared meanwhile."""
        ready = self._session.scalars(
            select(ParkedRow)
            .where(
                ParkedRow.connection_id == self._connection.id, ParkedRow.plaid_account_id.in_(self._accounts)
            )
            .order_by(ParkedRow.id)
        ).all()
        if not ready:
            return
        found = [synced.facts_of(row.raw) for row in ready]
        self._write_rows([row for row in found if isinstance(row, TransactionFacts)], [])
        self._session.execute(delete(ParkedRow).where(ParkedRow.id.in_([row.id for row in ready])))

    def remove_unseen(self) -> None:
        """After a full read: what the bank no longer tells of is removed, not deleted."""
        unseen = self._session.execute(
            select(PlaidTransaction.id).where(
                PlaidTransaction.connection_id == self._connection.id,
                PlaidTransaction.last_sync_id != self._sync_id,
                PlaidTransaction.removed_at.is_(None),
            )
        ).scalars()
        ids = list(unseen)
        for some in _slices(ids):
            self._session.execute(
                update(PlaidTransaction)
                .where(PlaidTransaction.id.in_(some))
                .values(removed_at=self._now, last_sync_id=self._sync_id)
            )
        self._note([self._change(row_id, ChangeKind.REMOVED, {}) for row_id in ids])
        self.counts.removed += len(ids)

    def snapshot_balances(self, on: dt.date) -> None:
        """Keep today's balances; a later sync of the day overwrites them."""
        rows = [
            {
                "account_id": row.id,
                "taken_on": on,
                "current_minor": row.current_minor,
                "currency": row.currency,
            }
            for row in self._session.scalars(
                select(PlaidAccount).where(
                    PlaidAccount.connection_id == self._connection.id, PlaidAccount.closed_at.is_(None)
                )
            )
        ]
        upsert(self._session, BalanceSnapshot, rows, key=["account_id", "taken_on"])

    def _write_rows(self, rows: Sequence[TransactionFacts], removed: Sequence[str]) -> None:
        wanted = {row.plaid_transaction_id for row in rows} | set(removed)
        wanted |= {row.pending_plaid_id for row in rows if row.pending_plaid_id}
        known = self._known(wanted)
        seen = [known[row.plaid_transaction_id].id for row in rows if row.plaid_transaction_id in known]
        plan = plan_page(rows, removed, known=known, accounts=self._accounts)
        self._insert(plan)
        self._apply(plan)
        self._park(plan.parked)
        if self._seen_too:
            self._mark_seen(seen)

    def _known(self, plaid_ids: Iterable[str]) -> dict[str, KnownRow]:
        found: dict[str, KnownRow] = {}
        columns = [getattr(PlaidTransaction, name) for name in BANKS_FIELDS]
        for some in _slices(sorted(plaid_ids)):
            for row in self._session.execute(
                select(PlaidTransaction.id, PlaidTransaction.removed_at, *columns).where(
                    PlaidTransaction.connection_id == self._connection.id,
                    PlaidTransaction.plaid_transaction_id.in_(some),
                )
            ):
                row_id, removed_at, *values = row
                facts = dict(zip(BANKS_FIELDS, values, strict=True))
                found[str(facts["plaid_transaction_id"])] = KnownRow(
                    id=row_id, facts=facts, removed=removed_at is not None
                )
        return found

    def _insert(self, plan: PagePlan) -> None:
        if not plan.new:
            return
        common = {
            "user_id": self._connection.user_id,
            "connection_id": self._connection.id,
            "first_sync_id": self._sync_id,
            "last_sync_id": self._sync_id,
            "removed_at": None,
        }
        rows = [
            {**common, **facts, "raw": raw, "id": self._new_id("txn")} for facts, raw in plan.new.values()
        ]
        self.first_id = self.first_id or TransactionId(str(rows[0]["id"]))
        self._session.execute(insert(PlaidTransaction), rows)
        self.counts.added += len(rows)

    def _apply(self, plan: PagePlan) -> None:
        """Changes one after the other: the same row may change twice in a page."""
        for change in plan.changes:
            gone = change.kind is ChangeKind.REMOVED
            values: dict[str, Any] = {
                "last_sync_id": self._sync_id,
                "removed_at": self._now if gone else None,
            }
            if not gone:
                values |= {**change.facts, "raw": change.raw}
            self._session.execute(
                update(PlaidTransaction).where(PlaidTransaction.id == change.id).values(**values)
            )
            if gone:
                self.counts.removed += 1
            else:
                self.counts.modified += 1
        self._note([self._change(change.id, change.kind, change.fields) for change in plan.changes])

    def _mark_seen(self, ids: Sequence[str]) -> None:
        if ids:
            statement = (
                update(PlaidTransaction.__table__)  # type: ignore[arg-type]  # a table
                .where(PlaidTransaction.id == bindparam("row_id"))
                .values(last_sync_id=self._sync_id)
            )
            self._session.connection().execute(statement, [{"row_id": row_id} for row_id in ids])

    def _park(self, rows: Sequence[TransactionFacts]) -> None:
        parked = {
            row.plaid_transaction_id: {
                "id": self._new_id("prk"),
                "connection_id": self._connection.id,
                "plaid_account_id": row.plaid_account_id,
                "plaid_transaction_id": row.plaid_transaction_id,
                "raw": row.raw,
                "sync_id": self._sync_id,
                "at": self._now,
            }
            for row in rows
        }
        key = ["connection_id", "plaid_transaction_id"]
        upsert(self._session, ParkedRow, list(parked.values()), key=key, keep=["id"])
        self.counts.parked += len(parked)

    def _quarantine(self, rows: Sequence[UnreadableRow]) -> None:
        kept = {
            row.fingerprint: {
                "id": self._new_id("qrt"),
                "connection_id": self._connection.id,
                "fingerprint": row.fingerprint,
                "raw": row.raw,
                "reason": row.reason,
                "sync_id": self._sync_id,
                "at": self._now,
            }
            for row in rows
        }
        key = ["connection_id", "fingerprint"]
        upsert(self._session, QuarantinedRow, list(kept.values()), key=key, keep=["id"])
        self.counts.quarantined += len(kept)

    def _change(self, row_id: str, kind: ChangeKind, fields: dict[str, list[object]]) -> dict[str, Any]:
        return {
            "id": self._new_id("tch"),
            "transaction_id": row_id,
            "sync_id": self._sync_id,
            "at": self._now,
            "kind": kind.value,
            "fields": fields,
        }

    def _note(self, changes: list[dict[str, Any]]) -> None:
        if changes:
            self._session.execute(insert(TransactionChange), changes)


def _slices(values: Sequence[str]) -> Iterable[Sequence[str]]:
    for start in range(0, len(values), IDS_AT_ONCE):
        yield values[start : start + IDS_AT_ONCE]
