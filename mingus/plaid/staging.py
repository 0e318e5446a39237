"""Large updates in small transactions: their rows stay unseen until the last one, which moves the cursor.

On SQLite one writer at a time writes, and a million rows in one transaction kept all others out for most of a minute.
Here a chunk takes a fraction of a second, others write in between, and the switch is the deletion of one row.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import Staging
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import TransactionId
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import READABLE
from mingus.transactions import wording

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement

    from mingus.ambient import Ambient
    from mingus.db import Unit
    from mingus.plaid.spool import PageSpool
    from mingus.plaid.synced import SyncPage
    from mingus.plaid.writing import LedgerWriter

log = logging.getLogger(__name__)

STAGED_FROM = 20_000  # rows of an update; fewer are written within a second or two
CHUNK_ROWS = 5_000
MOST_LATER = 50_000  # changes of rows that people see: they wait in memory for the last transaction


def is_settled() -> ColumnElement[bool]:
    """True for transactions that no unfinished update is still bringing. Every reader of the person's rows asks it."""
    return PlaidTransaction.first_sync_id.not_in(select(Staging.sync_id))


class TooManyChanges(Exception):
    """The update changes too much of what people see to be staged."""


class Stager:
    """Writes large updates ahead of the transaction that shows them."""

    def __init__(self, ambient: Ambient) -> None:
        self._ambient = ambient

    def is_worth_it(self, spool: PageSpool) -> bool:
        return spool.rows >= STAGED_FROM

    def open(self, unit: Unit, connection: PlaidConnection, sync_id: SyncId) -> None:
        """Say, before the first row, that what follows is not to be seen."""
        unit.session.add(
            Staging(
                sync_id=sync_id,
                connection_id=connection.id,
                first_id=TransactionId(self._ambient.new_id("txn")),
                at=self._ambient.now(),
            )
        )

    def write(self, spool: PageSpool, writer: LedgerWriter, hold: Callable[[Unit], object]) -> None:
        """Write every page, some at a time; `hold` locks the connection or ends it all. Raises TooManyChanges."""
        for pages in _chunks(spool):
            with unit_of_work() as unit:
                hold(unit)
                for page in pages:
                    writer.write_page(page)
                wording.add(unit, writer.user_id, writer.said)
            if writer.waiting > MOST_LATER:
                raise TooManyChanges

    def finish(self, unit: Unit, sync_id: SyncId) -> None:
        """Show what was staged, in the unit that moves the cursor."""
        unit.session.execute(delete(Staging).where(Staging.sync_id == sync_id))

    def discard(self, sync_id: SyncId) -> None:
        """Delete what an update staged and never finished, a chunk at a time; nothing happens when it was finished."""
        staging = db.session.get(Staging, sync_id)
        if staging is None:
            db.session.rollback()
            return
        first_id, connection_id = staging.first_id, staging.connection_id
        rows = (
            select(PlaidTransaction.id)
            .where(
                PlaidTransaction.id >= first_id,
                PlaidTransaction.connection_id == connection_id,
                PlaidTransaction.first_sync_id == sync_id,
            )
            .order_by(PlaidTransaction.id)
            .limit(CHUNK_ROWS)
        )
        gone = 0
        while True:
            with unit_of_work() as unit:
                ids = list(unit.session.scalars(rows))
                if not ids:
                    self.finish(unit, sync_id)
                    break
                unit.session.execute(
                    delete(PlaidTransaction)
                    .where(PlaidTransaction.id.in_(rows))
                    .execution_options(synchronize_session=False)
                )
                gone += len(ids)
        log.info("unfinished update discarded", extra={"sync_log_id": sync_id, "rows": gone})

    def discard_abandoned(self) -> None:
        """Discard what belongs to connections that nobody will sync again."""
        abandoned = (
            select(Staging.sync_id)
            .join(PlaidConnection, PlaidConnection.id == Staging.connection_id)
            .where(PlaidConnection.state.not_in({state.value for state in READABLE}))
        )
        for sync_id in db.session.scalars(abandoned).all():
            self.discard(sync_id)


def _chunks(spool: PageSpool) -> Iterator[list[SyncPage]]:
    pages: list[SyncPage] = []
    for page in spool.read():
        pages.append(page)
        if sum(some.size for some in pages) >= CHUNK_ROWS:
            yield pages
            pages = []
    yield pages
