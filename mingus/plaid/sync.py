"""The sync engine: fetch everything with no transaction open, then apply it all in one.

A crash anywhere leaves the old cursor and the old rows; doing it again is harmless. The cursor moves in the same
transaction as the rows it covers, and only for the holder of the lease.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from functools import partial
from typing import TYPE_CHECKING
from typing import TypeVar

from sqlalchemy import select

from mingus.auth.models import User
from mingus.db import Unit
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.jobs import JobKind
from mingus.plaid.drift import check_balances
from mingus.plaid.failures import Family
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.gateway import About
from mingus.plaid.ledger import Arrival
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidConnection
from mingus.plaid.polling import plan_next
from mingus.plaid.polling import working_state
from mingus.plaid.spool import PageSpool
from mingus.plaid.states import ENDED
from mingus.plaid.states import ConnectionState
from mingus.plaid.writing import Counts
from mingus.plaid.writing import LedgerWriter
from mingus.vault import SecretUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mingus.ambient import Ambient
    from mingus.jobs import Jobs
    from mingus.plaid.connections import Connections
    from mingus.plaid.gateway import PlaidGateway
    from mingus.plaid.leases import Lease
    from mingus.plaid.leases import Leases
    from mingus.plaid.refreshing import Refresher
    from mingus.plaid.wire import WireAccount

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

MUTATED = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
COMPLETE = "HISTORICAL_UPDATE_COMPLETE"
NOT_READY = "NOT_READY"
MOST_RESTARTS = 5
MOST_PAGES = 20_000
LONGEST_PAUSE_SECONDS = 15.0
POLL_IMPORT = dt.timedelta(seconds=20)
FIRST_RETRY = dt.timedelta(seconds=30)
LONGEST_RETRY = dt.timedelta(hours=4)


class Superseded(Exception):
    """Another worker holds the lease by now: nothing of this run may be written."""


class SyncEngine:
    """Brings the stored rows of a connection up to Plaid's cursor; safe to repeat."""

    def __init__(
        self,
        *,
        ambient: Ambient,
        jobs: Jobs,
        gateway: PlaidGateway,
        connections: Connections,
        leases: Leases,
        refresher: Refresher,
        pause: Callable[[float], None],
    ) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._gateway = gateway
        self._connections = connections
        self._leases = leases
        self._refresher = refresher
        self._pause = pause

    def request(self, connection_id: ConnectionId, trigger: Trigger) -> SyncId:
        """Ask for a sync; asking while one waits gives that one, asking while one runs gives one further."""
        with unit_of_work() as unit:
            connection = unit.lock(PlaidConnection, connection_id)
            if connection is None or ConnectionState(connection.state) in ENDED:
                raise NotFound
            sync_id = self._leases.wish(unit, connection, trigger)
            unit.after_commit(lambda: self._jobs.enqueue(JobKind.SYNC, connection_id=connection_id))
            return sync_id

    def run(self, connection_id: ConnectionId) -> None:
        """Sync a connection if that is wanted and nobody else is at it."""
        lease = self._leases.take(connection_id)
        if lease is None:
            return
        try:
            with PageSpool() as spool:
                self._sync(lease, spool)
        except PlaidFailure as failure:
            self._note_failure(lease, failure)
        except (Superseded, NotFound):
            self._close_log(lease, SyncStatus.SUPERSEDED)
        except SecretUnreadable:
            self._note_failure(lease, PlaidFailure("INVALID_ACCESS_TOKEN"))
        else:
            self._run_again_if_wanted(lease)

    # fetching

    def _sync(self, lease: Lease, spool: PageSpool) -> None:
        connection = db.session.get(PlaidConnection, lease.connection_id)
        if connection is None:
            raise Superseded
        token, cursor = self._connections.token(connection), connection.sync_cursor
        about = About(connection_id=connection.id, institution_id=connection.plaid_institution_id)
        db.session.rollback()  # nothing stays open while Plaid is asked
        full = False
        try:
            status, after = self._fetch(lease, spool, token, cursor, about)
        except PlaidFailure as failure:
            if not cursor or failure.error_code != "INVALID_FIELD":
                raise
            # Plaid no longer knows the cursor: read everything anew, and let the rest go only at the very end
            full = True
            spool.clear()
            status, after = self._fetch(lease, spool, token, "", about)
        accounts = self._patiently(lease, spool, lambda: self._gateway.accounts(token, about)).accounts
        self._apply(lease, spool, accounts, before=cursor, after=after, status=status, full=full)

    def _fetch(self, lease: Lease, spool: PageSpool, token: str, start: str, about: About) -> tuple[str, str]:
        """Every page from `start` on; begins again from there when data moved meanwhile."""
        for restart in range(MOST_RESTARTS + 1):
            spool.clear()
            try:
                return self._fetch_once(lease, spool, token, start, about)
            except PlaidFailure as failure:
                if failure.error_code != MUTATED or restart == MOST_RESTARTS:
                    raise
            self._note_progress(lease, spool, restarts=restart + 1)
        raise PlaidFailure(MUTATED)

    def _fetch_once(
        self, lease: Lease, spool: PageSpool, token: str, start: str, about: About
    ) -> tuple[str, str]:
        cursor = start
        while True:
            page, body = self._patiently(lease, spool, partial(self._gateway.sync_page, token, cursor, about))
            spool.keep(page, body)
            if not page.has_more or spool.is_untold(self._ambient.now()):
                self._note_progress(lease, spool)
            if not page.has_more:
                return page.transactions_update_status, page.next_cursor
            if page.next_cursor == cursor or spool.pages >= MOST_PAGES:
                msg = "PAGING_STUCK"
                raise PlaidFailure(msg)  # it would go on for ever
            cursor = page.next_cursor

    def _patiently(self, lease: Lease, spool: PageSpool, ask: Callable[[], Answer]) -> Answer:
        """An answer; our own limits are waited for, since giving up would begin the whole update anew."""
        while True:
            try:
                return ask()
            except PlaidFailure as failure:
                if failure.error_code != "CALLS_HELD_BACK":
                    raise
                self._pause(min(float(failure.retry_after_seconds or 1), LONGEST_PAUSE_SECONDS))
                if spool.is_untold(self._ambient.now()):
                    self._note_progress(lease, spool)  # a long wait must not cost the lease

    def _note_progress(self, lease: Lease, spool: PageSpool, *, restarts: int | None = None) -> None:
        """Prolong the lease and tell how far we are; raises Superseded when the lease is gone."""
        if not self._leases.keep(lease):
            raise Superseded
        spool.told_at = self._ambient.now()
        with unit_of_work() as unit:
            row = unit.lock_one(PlaidSyncLog, lease.sync_id)
            row.pages, row.fetched = spool.pages, spool.rows
            row.update_status = spool.update_status[:40] if spool.update_status else None
            if restarts is not None:
                row.restarts = restarts

    # applying

    def _apply(
        self,
        lease: Lease,
        spool: PageSpool,
        accounts: list[WireAccount],
        *,
        before: str,
        after: str,
        status: str,
        full: bool,
    ) -> None:
        """Rows, removals, balances, cursor, state and log in one transaction."""
        now = self._ambient.now()
        with unit_of_work() as unit:
            connection = unit.lock(PlaidConnection, lease.connection_id)
            if connection is None or connection.fence != lease.fence or connection.sync_cursor != before:
                raise Superseded
            if ConnectionState(connection.state) in ENDED:
                raise Superseded  # the person ended it while we read: no rows, no revival
            self._connections.write_accounts(unit, connection, accounts)
            unit.session.flush()  # the rows name the accounts
            writer = LedgerWriter(
                unit, connection, sync_id=lease.sync_id, now=now, new_id=self._ambient.new_id, seen_too=full
            )
            for page in spool.read():
                writer.write_page(page)
            writer.write_parked()
            if full:
                writer.remove_unseen()
            zone = unit.session.scalar(select(User.time_zone).where(User.id == connection.user_id))
            writer.snapshot_balances(self._ambient.today(zone or "UTC"))
            check_balances(unit, connection, writer.counts, sync_id=lease.sync_id, ambient=self._ambient)
            if after:  # empty: Plaid has nothing yet, which is no progress
                connection.sync_cursor = after
            self._settle(unit, connection, lease, status=status, now=now)
            row = self._finish_log(
                unit, lease, spool, writer.counts, before=before, after=after, status=status
            )
            connection.synced_at = row.started_at
            self._note_arrival(unit, connection, lease, writer)

    def _settle(
        self, unit: Unit, connection: PlaidConnection, lease: Lease, *, status: str, now: dt.datetime
    ) -> None:
        """Give the lease back; while Plaid still gathers history, look again soon."""
        importing = status in {NOT_READY, "TRANSACTIONS_UPDATE_STATUS_UNKNOWN"}
        after = ConnectionState.IMPORTING if importing else working_state(connection, now)
        self._connections.move(unit, connection, after, cause="synced")
        connection.failures = connection.crashes = 0
        connection.last_checked_at = now
        if not importing:
            connection.last_good_at = now
        connection.done_seq, connection.lease_until = lease.wanted_seq, None
        plan_next(unit, connection, now)
        if status != COMPLETE:
            self._leases.wish(unit, connection, Trigger.SCHEDULE)
            connection.lease_until = now + POLL_IMPORT
        else:
            self._refresher.after_sync(unit, connection)

    def _note_arrival(
        self, unit: Unit, connection: PlaidConnection, lease: Lease, writer: LedgerWriter
    ) -> None:
        """What is new waits for the person's rules, which run after this and never hold it up."""
        if not writer.counts.added and not writer.counts.modified:
            return
        sync_id = lease.sync_id
        unit.session.add(
            Arrival(
                sync_id=sync_id,
                user_id=connection.user_id,
                connection_id=connection.id,
                first_id=writer.first_id,
                at=self._ambient.now(),
            )
        )
        unit.after_commit(lambda: self._jobs.enqueue(JobKind.ARRIVAL, sync_id=sync_id))

    def _finish_log(
        self,
        unit: Unit,
        lease: Lease,
        spool: PageSpool,
        counts: Counts,
        *,
        before: str,
        after: str,
        status: str,
    ) -> PlaidSyncLog:
        row = unit.lock_one(PlaidSyncLog, lease.sync_id)
        aside = counts.parked + counts.quarantined
        row.status = (SyncStatus.PARTIAL if aside else SyncStatus.SUCCESS).value
        row.finished_at, row.update_status = self._ambient.now(), status[:40]
        row.pages, row.fetched = spool.pages, spool.rows
        row.added, row.modified, row.removed = counts.added, counts.modified, counts.removed
        row.parked, row.quarantined = counts.parked, counts.quarantined
        row.cursor_before, row.cursor_after = _hash(before), _hash(after)
        row.error_code = row.error_request_id = None
        fields = {"sync_log_id": lease.sync_id, "added": counts.added, "modified": counts.modified}
        unit.after_commit(lambda: log.info("sync finished", extra={**fields, "removed": counts.removed}))
        return row

    # ending otherwise

    def _note_failure(self, lease: Lease, failure: PlaidFailure) -> None:
        """A failed sync: later again with growing patience, or not before the person or the operator acted."""
        self._close_log(lease, SyncStatus.FAILED, failure)
        self._connections.note_failure(lease.connection_id, failure, cause="sync")
        with unit_of_work() as unit:
            connection = unit.lock(PlaidConnection, lease.connection_id)
            if connection is None or connection.fence != lease.fence:
                return
            connection.crashes = 0
            if failure.advice.family in {Family.RETRY, Family.UNKNOWN}:
                connection.lease_until = self._ambient.now() + self._patience(connection, failure)
                return
            connection.done_seq, connection.lease_until = lease.wanted_seq, None
            if failure.advice.family is Family.NORMAL:  # no transactions here, which is no failure
                self._connections.move(
                    unit, connection, ConnectionState.HEALTHY, cause="no transactions here"
                )
                self._refresher.after_sync(unit, connection)

    def _patience(self, connection: PlaidConnection, failure: PlaidFailure) -> dt.timedelta:
        if failure.retry_after_seconds is not None:
            return dt.timedelta(seconds=failure.retry_after_seconds)
        return min(FIRST_RETRY * (1 << min(max(connection.failures - 1, 0), 12)), LONGEST_RETRY)

    def _close_log(self, lease: Lease, status: SyncStatus, failure: PlaidFailure | None = None) -> None:
        with unit_of_work() as unit:
            row = unit.lock(PlaidSyncLog, lease.sync_id)
            if row is None or row.status != SyncStatus.RUNNING:
                return
            row.status, row.finished_at = status.value, self._ambient.now()
            if failure is not None:
                row.error_code, row.error_request_id = failure.error_code, failure.request_id

    def _run_again_if_wanted(self, lease: Lease) -> None:
        if lease.connection_id in self._leases.wanted():
            self._jobs.enqueue(JobKind.SYNC, connection_id=lease.connection_id)


def _hash(cursor: str) -> str | None:
    return hashlib.sha256(cursor.encode()).hexdigest() if cursor else None
