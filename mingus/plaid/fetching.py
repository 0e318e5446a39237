"""Fetching an update: every page into the spool with no transaction open, begun anew when data moved meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from typing import TypeVar

from mingus.db import unit_of_work
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.ledger import PlaidSyncLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from mingus.ambient import Ambient
    from mingus.plaid.gateway import About
    from mingus.plaid.gateway import PlaidGateway
    from mingus.plaid.leases import Lease
    from mingus.plaid.leases import Leases
    from mingus.plaid.spool import PageSpool
    from mingus.plaid.wire import WireAccount

Answer = TypeVar("Answer")

COMPLETE = "HISTORICAL_UPDATE_COMPLETE"
MUTATED = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
MOST_RESTARTS = 5
MOST_PAGES = 20_000
MOST_EMPTY = 6  # pages that bring nothing, one after the other, each saying that more follows
LONGEST_PAUSE_SECONDS = 15.0


class Superseded(Exception):
    """Another worker holds the lease by now: nothing of this run may be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """What was fetched, besides the pages themselves."""

    before: str  # the cursor that the connection had
    after: str
    status: str  # Plaid's word for how far its history is
    full: bool  # read from the start although there was a cursor: what was not seen is gone


class Fetcher:
    """Reads one update for the holder of a lease."""

    def __init__(
        self, *, ambient: Ambient, gateway: PlaidGateway, leases: Leases, pause: Callable[[float], None]
    ) -> None:
        self._ambient = ambient
        self._gateway = gateway
        self._leases = leases
        self._pause = pause

    def update(self, lease: Lease, spool: PageSpool, token: str, about: About) -> Update:
        """Every page since the connection's cursor; raises PlaidFailure, Superseded."""
        before, full = lease.standing.cursor, lease.standing.reread
        spool.told_at = lease.begun_at
        try:
            status, after = self._fetch(lease, spool, token, "" if full else before, about)
        except PlaidFailure as failure:
            if full or not before or failure.error_code != "INVALID_FIELD":
                raise
            # Plaid no longer knows the cursor: read everything anew, and let the rest go only at the very end
            full = True
            spool.clear()
            status, after = self._fetch(lease, spool, token, "", about)
        return Update(before=before, after=after, status=status, full=full)

    def accounts(self, lease: Lease, spool: PageSpool, token: str, about: About) -> list[WireAccount]:
        return self._patiently(lease, spool, lambda: self._gateway.accounts(token, about)).accounts

    def _fetch(self, lease: Lease, spool: PageSpool, token: str, start: str, about: About) -> tuple[str, str]:
        """Every page from `start` on; begins again from there when data moved meanwhile."""
        for restart in range(MOST_RESTARTS + 1):
            spool.clear()
            try:
                return self._fetch_once(lease, spool, token, start, about)
            except PlaidFailure as failure:
                if failure.error_code != MUTATED or restart == MOST_RESTARTS:
                    raise
            self.note_progress(lease, spool, restarts=restart + 1)
        raise PlaidFailure(MUTATED)

    def _fetch_once(
        self, lease: Lease, spool: PageSpool, token: str, start: str, about: About
    ) -> tuple[str, str]:
        cursor, empty = start, 0
        while True:
            page, body = self._patiently(lease, spool, partial(self._gateway.sync_page, token, cursor, about))
            spool.keep(page, body)
            if spool.is_untold(self._ambient.now()):
                self.note_progress(lease, spool)
            if not page.has_more:
                return page.transactions_update_status, page.next_cursor
            empty = 0 if page.size else empty + 1
            if page.next_cursor == cursor or empty >= MOST_EMPTY or spool.pages >= MOST_PAGES:
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
                    self.note_progress(lease, spool)  # a long wait must not cost the lease

    def note_progress(self, lease: Lease, spool: PageSpool, *, restarts: int | None = None) -> None:
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
