"""The sync engine: fetch everything with no transaction open, then apply it all in one.

A crash anywhere leaves the old cursor and the old rows; doing it again is harmless. The cursor moves in the same
transaction as the rows it covers, and only for the holder of the lease.
"""

from __future__ import annotations

import datetime as dt
import logging
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus import bulk
from mingus import metrics
from mingus import tracing
from mingus.auth.models import User
from mingus.db import Unit
from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.jobs import JobKind
from mingus.patience import Patience
from mingus.plaid import quiet
from mingus.plaid.callbook import CallBook
from mingus.plaid.drift import check_balances
from mingus.plaid.failures import Family
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.fetching import COMPLETE
from mingus.plaid.fetching import Fetcher
from mingus.plaid.fetching import Superseded
from mingus.plaid.fetching import Update
from mingus.plaid.gateway import About
from mingus.plaid.leases import LEASE
from mingus.plaid.ledger import Arrival
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidConnection
from mingus.plaid.polling import plan_next
from mingus.plaid.polling import working_state
from mingus.plaid.quiet import hash_of
from mingus.plaid.spool import PageSpool
from mingus.plaid.staging import TooManyChanges
from mingus.plaid.states import ENDED
from mingus.plaid.states import ConnectionState
from mingus.plaid.writing import LedgerWriter
from mingus.transactions import sums
from mingus.transactions import wording
from mingus.vault import SecretUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from mingus.ambient import Ambient
    from mingus.jobs import Jobs
    from mingus.plaid.connections import Connections
    from mingus.plaid.gateway import PlaidGateway
    from mingus.plaid.leases import Lease
    from mingus.plaid.leases import Leases
    from mingus.plaid.plan import Counts
    from mingus.plaid.refreshing import Refresher
    from mingus.plaid.staging import Stager
    from mingus.plaid.wire import WireAccount

log = logging.getLogger(__name__)
NOT_READY = "NOT_READY"
POLL_IMPORT = dt.timedelta(seconds=20)
# most troubles are short: for some minutes a failed sync is tried again briskly, then ever less often
BRISK_TRIES = 10
BRISK = Patience(first=dt.timedelta(seconds=15), longest=dt.timedelta(minutes=1))
PATIENCE = Patience(first=dt.timedelta(minutes=2), longest=dt.timedelta(hours=4))


# a row that can't be read may be Plaid's trouble of the moment: a short update is read again for some minutes
LOOK_AGAIN = dt.timedelta(seconds=45)
LOOK_FOR = dt.timedelta(minutes=10)
LOOK_PAGES = 4


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
        stager: Stager,
        pause: Callable[[float], None],
    ) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._gateway = gateway
        self._connections = connections
        self._leases = leases
        self._refresher = refresher
        self._stager = stager
        self._fetcher = Fetcher(
            ambient=ambient, gateway=gateway, leases=leases, pause=lambda seconds: self._pause(seconds)
        )
        self._pause = pause

    def request(self, connection_id: ConnectionId, trigger: Trigger, *, anew: bool = False) -> SyncId:
        """Ask for a sync; asking while one waits gives that one, asking while one runs gives one further.

        `anew`: it reads everything from the start, and what the bank no longer tells of is removed.
        """
        with unit_of_work() as unit:
            connection = unit.lock(PlaidConnection, connection_id)
            if connection is None or ConnectionState(connection.state) in ENDED:
                raise NotFound
            connection.reread_wanted = connection.reread_wanted or anew
            sync_id = self._leases.wish(unit, connection, trigger)
            unit.after_commit(lambda: self._jobs.enqueue(JobKind.SYNC, connection_id=connection_id))
            return sync_id

    def run(self, connection_id: ConnectionId) -> None:
        """Sync a connection if that is wanted and nobody else is at it."""
        lease = self._leases.take(connection_id)
        if lease is None:
            return
        with tracing.span("sync", connection_id=connection_id, sync_log_id=lease.sync_id):
            self._run(lease)

    def _run(self, lease: Lease) -> None:
        standing = lease.standing
        book = CallBook(bank_failures=standing.bank_failures, bank_rests_until=standing.bank_rests_until)
        about = About(connection_id=lease.connection_id, institution_id=standing.institution_id, book=book)
        try:
            with PageSpool() as spool:
                self._sync(lease, spool, about)
        except PlaidFailure as failure:
            self._note_failure(lease, failure)
        except (Superseded, NotFound):
            self._stager.discard(lease.sync_id)
            self._close_log(lease, SyncStatus.SUPERSEDED)
        except SecretUnreadable:
            self._note_failure(lease, PlaidFailure("INVALID_ACCESS_TOKEN"))
        finally:
            if book.is_open:
                with unit_of_work() as unit:
                    self._gateway.close_book(unit, about)

    def _sync(self, lease: Lease, spool: PageSpool, about: About) -> None:
        standing = lease.standing
        if standing.secret is None:
            raise NotFound  # ended: there is nothing to ask with
        if standing.unfinished is not None:
            self._stager.discard(standing.unfinished)
        token = self._connections.open_token(standing.secret, lease.connection_id)
        found = self._fetcher.update(lease, spool, token, about)
        if quiet.is_quiet(lease, spool, found):
            self._finish_quietly(lease, spool, found, about)
            return
        accounts = self._fetcher.accounts(lease, spool, token, about)
        self._apply(lease, spool, accounts, found, about)

    def _finish_quietly(self, lease: Lease, spool: PageSpool, found: Update, about: About) -> None:
        """Note that the bank was asked and had nothing, in as few statements as that takes."""
        with unit_of_work() as unit:
            wanted = quiet.write(unit, lease, spool, found, now=self._ambient.now())
            if wanted is None:
                raise Superseded
            self._gateway.close_book(unit, about)
            self._run_again_if_wanted(unit, lease, wanted)
            unit.after_commit(lambda: quiet.tell(lease.sync_id))
        tracing.tell(outcome=SyncStatus.SUCCESS.value)

    # applying

    def _apply(
        self, lease: Lease, spool: PageSpool, accounts: list[WireAccount], found: Update, about: About
    ) -> None:
        """Rows, removals, balances, cursor, state and log in one transaction, or of a large update all but its rows."""
        staged = self._stage(lease, spool, accounts, found)
        now = self._ambient.now()
        with unit_of_work() as unit:
            connection = self._held(unit, lease, found)
            if staged is not None:
                writer = staged
                self._stager.finish(unit, lease.sync_id)
                writer.write_later()
            else:
                writer = self._writer(unit, connection, lease, accounts, found)
                for page in spool.read():
                    writer.write_page(page)
            writer.write_parked()
            writer.forget_better()
            if found.full:
                self._end_reread(connection, writer, found)
            zone = unit.session.scalar(select(User.time_zone).where(User.id == connection.user_id))
            writer.snapshot_balances(self._ambient.today(zone or "UTC"))
            self._follow(unit, connection, writer, lease.sync_id)
            again = is_worth_another_look(writer, spool, now=now)
            if found.after and not again:  # empty: Plaid has nothing yet, which is no progress
                connection.sync_cursor = found.after
            connection.synced_at = lease.begun_at
            self._settle(unit, connection, lease, status=found.status, now=now)
            if again:
                self._look_later(unit, connection, now + LOOK_AGAIN)
            self._finish_log(unit, lease, spool, writer.counts, found)
            self._note_arrival(unit, connection, lease, writer)
            self._gateway.close_book(unit, about)
            self._run_again_if_wanted(unit, lease, connection.wanted_seq)

    def _end_reread(self, connection: PlaidConnection, writer: LedgerWriter, found: Update) -> None:
        """What a whole reading did not show is gone; one that Plaid cut short has to be done again."""
        connection.reread_wanted = found.status != COMPLETE
        if not connection.reread_wanted:
            writer.remove_unseen()

    def _stage(
        self, lease: Lease, spool: PageSpool, accounts: list[WireAccount], found: Update
    ) -> LedgerWriter | None:
        """The rows of a large update, written where nobody sees them yet; None: they are to be written at once."""
        if found.full or not self._stager.is_worth_it(spool):
            return None
        with unit_of_work() as unit:
            connection = self._held(unit, lease, found)
            writer = self._writer(unit, connection, lease, accounts, found, staged=True)
            self._stager.open(unit, connection, lease.sync_id)
        try:
            self._stager.write(spool, writer, lambda unit: self._held(unit, lease, found))
        except (
            TooManyChanges,
            *bulk.EXISTS,
        ):  # an id that changes hands twice: in one transaction that is no matter
            self._stager.discard(lease.sync_id)
            return None
        return writer

    def _held(self, unit: Unit, lease: Lease, found: Update) -> PlaidConnection:
        """The connection, locked and ours for another while; raises Superseded when it is no longer."""
        connection = unit.lock(PlaidConnection, lease.connection_id)
        if connection is None or connection.fence != lease.fence or connection.sync_cursor != found.before:
            raise Superseded
        if ConnectionState(connection.state) in ENDED:
            raise Superseded  # the person ended it while we read: no rows, no revival
        connection.lease_until = self._ambient.now() + LEASE
        return connection

    def _writer(
        self,
        unit: Unit,
        connection: PlaidConnection,
        lease: Lease,
        accounts: list[WireAccount],
        found: Update,
        *,
        staged: bool = False,
    ) -> LedgerWriter:
        """A writer of the connection's rows, its accounts as the bank shows them."""
        self._connections.write_accounts(unit, connection, accounts)
        unit.session.flush()  # the rows name the accounts
        return LedgerWriter(
            unit,
            connection,
            sync_id=lease.sync_id,
            cursor=found.before,
            now=self._ambient.now(),
            new_id=self._ambient.new_id,
            seen_too=found.full,
            staged=staged,
        )

    def _follow(self, unit: Unit, connection: PlaidConnection, writer: LedgerWriter, sync_id: SyncId) -> None:
        """Bring up to date, in the same transaction, what is derived from rows: of the touched buckets only."""
        check_balances(unit, connection, writer.touched, sync_id=sync_id, ambient=self._ambient)
        sums.add(unit, connection.user_id, writer.new)
        months = writer.changed
        if writer.turned:
            turned = bulk.among(unit.session, PlaidTransaction.id, writer.turned)
            months = months | sums.partners_months(unit, turned)
        sums.refresh(unit, connection.user_id, months)
        wording.add(unit, connection.user_id, writer.said)

    def _settle(
        self, unit: Unit, connection: PlaidConnection, lease: Lease, *, status: str, now: dt.datetime
    ) -> None:
        """Give the lease back; while Plaid still gathers history, look again soon."""
        connection.failures = connection.crashes = 0
        importing = status in {NOT_READY, "TRANSACTIONS_UPDATE_STATUS_UNKNOWN"}
        after = ConnectionState.IMPORTING if importing else working_state(connection, now)
        self._connections.move(unit, connection, after, cause="synced")
        connection.last_checked_at = now
        if not importing:
            connection.last_good_at = now
        connection.done_seq, connection.lease_until = lease.wanted_seq, None
        plan_next(unit, connection, now)
        if status != COMPLETE:
            self._look_later(unit, connection, now + POLL_IMPORT)
        else:
            self._refresher.after_sync(unit, connection)

    def _look_later(self, unit: Unit, connection: PlaidConnection, at: dt.datetime) -> None:
        """One further sync, not before then."""
        self._leases.wish(unit, connection, Trigger.SCHEDULE)
        connection.lease_until = at

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

    def _finish_log(self, unit: Unit, lease: Lease, spool: PageSpool, counts: Counts, found: Update) -> None:
        row = unit.lock_one(PlaidSyncLog, lease.sync_id)
        aside = counts.parked + counts.quarantined
        row.status = (SyncStatus.PARTIAL if aside else SyncStatus.SUCCESS).value
        row.finished_at, row.update_status = self._ambient.now(), found.status[:40]
        row.pages, row.fetched = spool.pages, spool.rows
        row.added, row.modified, row.removed = counts.added, counts.modified, counts.removed
        row.parked, row.quarantined = counts.parked, counts.quarantined
        row.cursor_before, row.cursor_after = hash_of(found.before), hash_of(found.after)
        row.error_code = row.error_request_id = None
        unit.after_commit(partial(_tell, lease.sync_id, row.status, counts))

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
        tries = connection.failures
        if tries <= BRISK_TRIES:
            return BRISK.after(tries, of=connection.id)
        return PATIENCE.after(tries - BRISK_TRIES, of=connection.id)

    def _close_log(self, lease: Lease, status: SyncStatus, failure: PlaidFailure | None = None) -> None:
        with unit_of_work() as unit:
            row = unit.lock(PlaidSyncLog, lease.sync_id)
            if row is None or row.status != SyncStatus.RUNNING:
                return
            row.status, row.finished_at = status.value, self._ambient.now()
            if failure is not None:
                row.error_code, row.error_request_id = failure.error_code, failure.request_id
            unit.after_commit(partial(_tell_otherwise, status.value, failure))

    def _run_again_if_wanted(self, unit: Unit, lease: Lease, wanted_seq: int) -> None:
        """A wish that came meanwhile is one further sync."""
        if wanted_seq > lease.wanted_seq:
            unit.after_commit(lambda: self._jobs.enqueue(JobKind.SYNC, connection_id=lease.connection_id))


def is_worth_another_look(writer: LedgerWriter, spool: PageSpool, *, now: dt.datetime) -> bool:
    """Whether to keep the cursor and ask for the same update once more: rows of it can't be read, and lately only."""
    since = writer.aside_since() if spool.pages <= LOOK_PAGES else None
    return since is not None and now - since < LOOK_FOR


def _tell(sync_id: SyncId, status: str, counts: Counts) -> None:
    done = {"added": counts.added, "modified": counts.modified, "removed": counts.removed}
    tracing.tell(outcome=status, added=counts.added, modified=counts.modified, removed=counts.removed)
    tracing.tell(parked=counts.parked, quarantined=counts.quarantined)
    metrics.sync_done(status=status, **done, parked=counts.parked, quarantined=counts.quarantined)
    log.info("sync finished", extra={"sync_log_id": sync_id, "status": status, **done})


def _tell_otherwise(status: str, failure: PlaidFailure | None) -> None:
    tracing.tell(outcome=status, error_code=failure.error_code if failure is not None else None)
    metrics.sync_done(status=status)
