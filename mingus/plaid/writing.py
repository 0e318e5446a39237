"""Writing a page's plan in bulk, always in the caller's unit."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import Table
from sqlalchemy import bindparam
from sqlalchemy import delete
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import true
from sqlalchemy import update

from mingus import bulk
from mingus.db import Unit
from mingus.db import upsert
from mingus.plaid import synced
from mingus.plaid.later import Later
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
from mingus.plaid.plan import Change
from mingus.plaid.plan import Counts
from mingus.plaid.plan import Facts
from mingus.plaid.plan import KnownRow
from mingus.plaid.plan import PagePlan
from mingus.plaid.plan import plan_page
from mingus.plaid.synced import TransactionFacts
from mingus.plaid.synced import UnreadableRow
from mingus.transactions import sums
from mingus.transactions.wording import NewWordings

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from collections.abc import Iterable
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from mingus.plaid.synced import SyncPage
    from mingus.transactions.sums import Bucket

TABLE: Table = PlaidTransaction.__table__  # type: ignore[assignment]  # a mapped class has a table
COLUMNS = (
    *("id", "user_id", "connection_id"),
    *BANKS_FIELDS,
    *("raw", "first_sync_id", "last_sync_id", "removed_at", "wording"),
)
FACTS = tuple(getattr(PlaidTransaction, name) for name in BANKS_FIELDS)
ACCOUNT, PLAIDS_ID, DATE, CURRENCY, AMOUNT, CATEGORY, DETAILED, PENDING, NAME, MERCHANT = (
    BANKS_FIELDS.index(name)
    for name in (
        *("account_id", "plaid_transaction_id", "date", "currency", "amount_minor"),
        *("category", "category_detailed", "pending", "name", "merchant_name"),
    )
)
CHANGE = (
    update(TABLE)
    .where(TABLE.c.id == bindparam("row_id"))
    .values(
        raw=func.coalesce(bindparam("new_raw"), TABLE.c.raw),  # a removal brings none
        last_sync_id=bindparam("sync_id"),
        removed_at=bindparam("removed_at"),
        wording=bindparam("new_wording"),
        **{name: bindparam(name) for name in BANKS_FIELDS},
    )
)
CHANGES: Table = TransactionChange.__table__  # type: ignore[assignment]  # a mapped class has a table
CHANGE_COLUMNS = ("id", "transaction_id", "sync_id", "at", "kind", "fields")


class LedgerWriter:
    """Applies the pages of one update to one connection."""

    def __init__(
        self,
        unit: Unit,
        connection: PlaidConnection,
        *,
        sync_id: SyncId,
        cursor: str,
        now: dt.datetime,
        new_id: Callable[[str], str],
        seen_too: bool = False,
        staged: bool = False,
    ) -> None:
        self._session = unit.session
        self.user_id = connection.user_id
        self._owner = (connection.user_id, connection.id)
        self._connection_id = connection.id
        self.sync_id = sync_id
        self._of_cursor = hashlib.sha256(cursor.encode()).hexdigest()
        self._now = now
        self._new_id = new_id
        self._seen_too = seen_too  # in a full read every row seen is marked, so that the unseen ones can go
        self._trusting = not seen_too  # that what is said to be new is new
        self._staged = staged  # rows that people see are changed by `write_later` only
        self._later = Later()
        self._found: dict[str, KnownRow] = {}  # the page's stored rows by our id
        self._ours: set[str] = set()  # those of them that this update brought
        self._before: dict[str, Facts] = {}  # of stored rows, until the page is applied
        self.counts = Counts()
        self.touched: set[str] = set()  # accounts whose sums are not as they were
        self.new = sums.NewRows()
        self.said = NewWordings()
        self.changed: set[Bucket] = set()  # months in which a row is not as it was
        self.turned: set[str] = set()  # rows that went or returned
        self.first_id: TransactionId | None = None  # of the new rows
        accounts = self._session.execute(
            select(PlaidAccount.plaid_account_id, PlaidAccount.id).where(
                PlaidAccount.connection_id == connection.id
            )
        ).all()
        self._accounts: dict[str, str] = {row.plaid_account_id: row.id for row in accounts}

    def write_page(self, page: SyncPage) -> None:
        """Apply one page: its rows in their order, then its removals."""
        added, modified = synced.read_rows(page.added), synced.read_rows(page.modified)
        self._quarantine([row for row in (*added, *modified) if isinstance(row, UnreadableRow)])
        fresh = [row for row in added if isinstance(row, TransactionFacts)]
        changed = [row for row in modified if isinstance(row, TransactionFacts)]
        self._write_rows(fresh, changed, [row.transaction_id for row in page.removed])

    @property
    def waiting(self) -> int:
        """How many changes wait for `write_later`."""
        return len(self._later.changes)

    def write_later(self) -> None:
        """Apply what a staged update has for rows that people see."""
        self._apply(self._later.changes)

    def write_parked(self) -> None:
        """Apply the rows whose account has appeared meanwhile."""
        ready = self._session.scalars(
            select(ParkedRow)
            .where(
                ParkedRow.connection_id == self._connection_id, ParkedRow.plaid_account_id.in_(self._accounts)
            )
            .order_by(ParkedRow.id)
        ).all()
        if not ready:
            return
        found = [synced.facts_of(row.raw) for row in ready]
        self._write_rows([], [row for row in found if isinstance(row, TransactionFacts)], [])
        self._session.execute(delete(ParkedRow).where(ParkedRow.id.in_([row.id for row in ready])))

    def remove_unseen(self) -> None:
        """After a full read: what the bank no longer tells of is removed, not deleted; set aside, it is forgotten."""
        unseen = (
            PlaidTransaction.connection_id == self._connection_id,
            PlaidTransaction.last_sync_id != self.sync_id,
            PlaidTransaction.removed_at.is_(None),
        )
        gone = self._session.execute(
            update(PlaidTransaction)
            .where(*unseen)
            .values(removed_at=self._now, last_sync_id=self.sync_id)
            .returning(PlaidTransaction.id, PlaidTransaction.account_id, PlaidTransaction.date)
            .execution_options(synchronize_session=False)
        ).all()
        self._note([self._change(row.id, ChangeKind.REMOVED, {}) for row in gone])
        of_products = QuarantinedRow.of_cursor.is_(None)
        for aside, mine in ((ParkedRow, true()), (QuarantinedRow, ~of_products)):
            earlier = (aside.connection_id == self._connection_id, aside.sync_id != self.sync_id)
            self._session.execute(delete(aside).where(*earlier, mine))
        self._touch_changed((row.account_id, row.date.replace(day=1)) for row in gone)
        self.turned.update(row.id for row in gone)
        self.counts.removed += len(gone)

    def forget_better(self) -> None:
        """Forget what was set aside when the same update was told before, and has been told rightly now."""
        self._session.execute(
            delete(QuarantinedRow).where(
                QuarantinedRow.connection_id == self._connection_id,
                self._of_this_update,
                QuarantinedRow.sync_id != self.sync_id,
            )
        )

    def aside_since(self) -> dt.datetime | None:
        """Since when rows of this update can't be read; None when all can."""
        if not self.counts.quarantined:
            return None
        since = select(func.min(QuarantinedRow.at))
        return self._session.scalar(
            since.where(QuarantinedRow.connection_id == self._connection_id, self._of_this_update)
        )

    @property
    def _of_this_update(self) -> ColumnElement[bool]:
        return QuarantinedRow.of_cursor == self._of_cursor

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
                    PlaidAccount.connection_id == self._connection_id, PlaidAccount.closed_at.is_(None)
                )
            )
        ]
        upsert(self._session, BalanceSnapshot, rows, key=["account_id", "taken_on"])

    def _write_rows(
        self, fresh: list[TransactionFacts], changed: list[TransactionFacts], removed: list[str]
    ) -> None:
        """What is said to be new is inserted without a look, as long as that holds; then all is looked up."""
        rows = fresh + changed
        sought = {row.plaid_transaction_id for row in changed} | set(removed)
        for row in rows:
            if row.pending_plaid_id:
                sought |= {row.pending_plaid_id, row.plaid_transaction_id}
        if self._trusting:
            plan, _ = self._plan(rows, removed, sought)
            self._trusting = self._insert(plan, unless_known=True)
        if not self._trusting:
            sought.update(row.plaid_transaction_id for row in fresh)
            plan, seen = self._plan(rows, removed, sought)
            self._insert(plan)
            if self._seen_too:
                self._mark_seen(seen)
        self._apply(self._later.keep(plan.changes, self._found, self._ours) if self._staged else plan.changes)
        self._park(plan.parked)

    def _plan(
        self, rows: list[TransactionFacts], removed: list[str], sought: set[str]
    ) -> tuple[PagePlan, list[str]]:
        """The plan, and the ids of the stored rows that the page tells of."""
        known = self._known(sought)
        seen: list[str] = [
            known[row.plaid_transaction_id].id for row in rows if row.plaid_transaction_id in known
        ]
        return plan_page(rows, removed, known=known, accounts=self._accounts), seen

    def _known(self, plaid_ids: set[str]) -> dict[str, KnownRow]:
        self._found.clear()
        self._ours.clear()
        if not plaid_ids:
            return {}
        found = self._later.known(plaid_ids)
        for row_id, removed_at, first_sync_id, *facts in self._session.execute(
            select(
                PlaidTransaction.id, PlaidTransaction.removed_at, PlaidTransaction.first_sync_id, *FACTS
            ).where(
                PlaidTransaction.connection_id == self._connection_id,
                bulk.among(self._session, PlaidTransaction.plaid_transaction_id, plaid_ids),
            )
        ):
            if row_id in self._later.rows:
                continue  # what it will be is known better
            found[facts[PLAIDS_ID]] = KnownRow(id=row_id, facts=tuple(facts), removed=removed_at is not None)
            if first_sync_id == self.sync_id:
                self._ours.add(row_id)
        for known in found.values():
            self._found[known.id] = known
            self._before[known.id] = known.facts
        return found

    def _insert(self, plan: PagePlan, *, unless_known: bool = False) -> bool:
        """Insert the plan's new rows; False when that was tried and one of them was there already."""
        if not plan.new:
            return True
        sync = (self.sync_id, self.sync_id, None)
        rows = [
            (self._new_id("txn"), *self._owner, *facts, raw, *sync, self._key(facts))
            for facts, raw in plan.new.values()
        ]
        if not unless_known:
            bulk.insert_rows(self._session, TABLE, COLUMNS, rows)
        elif not bulk.insert_unless_known(self._session, TABLE, COLUMNS, rows):
            return False
        self.first_id = self.first_id or TransactionId(rows[0][0])
        for facts, _ in plan.new.values():
            self._count(facts)
        self.counts.added += len(rows)
        return True

    def _apply(self, changes: list[Change]) -> None:
        """The last word on each changed row, in one statement for all; every change is noted."""
        last: dict[str, dict[str, Any]] = {}
        for change in changes:
            gone = change.kind is ChangeKind.REMOVED
            raw = change.raw or last.get(change.id, {}).get("new_raw")
            last.pop(change.id, None)  # an id that one row gives up must be free before another takes it
            last[change.id] = {
                "row_id": change.id,
                "new_raw": raw,
                "removed_at": self._now if gone else None,
                "new_wording": self._key(change.facts),
                **dict(zip(BANKS_FIELDS, change.facts, strict=True)),
            }
            states = (self._before.get(change.id, change.facts), change.facts)
            self._touch_changed((facts[ACCOUNT], facts[DATE].replace(day=1)) for facts in states)
            if change.kind is not ChangeKind.MODIFIED:
                self.turned.add(change.id)
            self.counts.removed += gone
            self.counts.modified += not gone
        if last:
            self._session.connection().execute(
                CHANGE, [{**row, "sync_id": self.sync_id} for row in last.values()]
            )
        self._before.clear()
        self._note([self._change(change.id, change.kind, change.fields) for change in changes])

    def _count(self, facts: Facts) -> None:
        """A new row's part in the sums."""
        self.touched.add(facts[ACCOUNT])
        self.new.add(
            account_id=facts[ACCOUNT],
            day=facts[DATE],
            currency=facts[CURRENCY],
            amount_minor=facts[AMOUNT],
            category=facts[CATEGORY],
            detailed=facts[DETAILED],
            pending=facts[PENDING],
        )

    def _key(self, facts: Facts) -> int:
        return self.said.key(facts[NAME], facts[MERCHANT])

    def _touch_changed(self, buckets: Iterable[Bucket]) -> None:
        for account_id, month in buckets:
            self.touched.add(account_id)
            self.changed.add((account_id, month))

    def _mark_seen(self, ids: Sequence[str]) -> None:
        if ids:
            statement = (
                update(PlaidTransaction.__table__)  # type: ignore[arg-type]  # a table
                .where(PlaidTransaction.id == bindparam("row_id"))
                .values(last_sync_id=self.sync_id)
            )
            self._session.connection().execute(statement, [{"row_id": row_id} for row_id in ids])

    def _park(self, rows: Sequence[TransactionFacts]) -> None:
        parked = {
            row.plaid_transaction_id: {
                "id": self._new_id("prk"),
                "connection_id": self._connection_id,
                "plaid_account_id": row.plaid_account_id,
                "plaid_transaction_id": row.plaid_transaction_id,
                "raw": row.raw,
                "sync_id": self.sync_id,
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
                "connection_id": self._connection_id,
                "fingerprint": row.fingerprint,
                "raw": row.raw,
                "reason": row.reason,
                "sync_id": self.sync_id,
                "of_cursor": self._of_cursor,
                "at": self._now,
            }
            for row in rows
        }
        key = ["connection_id", "fingerprint"]
        upsert(self._session, QuarantinedRow, list(kept.values()), key=key, keep=["id", "at"])
        self.counts.quarantined += len(kept)

    def _change(self, row_id: str, kind: ChangeKind, fields: dict[str, list[object]]) -> bulk.Row:
        return (self._new_id("tch"), row_id, self.sync_id, self._now, kind.value, fields)

    def _note(self, changes: list[bulk.Row]) -> None:
        bulk.insert_rows(self._session, CHANGES, CHANGE_COLUMNS, changes)
