"""After a sync: the person's rules and the pairing of transfers, over what it brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import Arrival
from mingus.plaid.ledger import ChangeKind
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import TransactionChange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mingus.plaid.ledger import TransactionId
    from mingus.plaid.models import ConnectionId
    from mingus.transactions.inheriting import Inheriting
    from mingus.transactions.rules import Rules
    from mingus.transactions.transfers import Transfers

ROWS_AT_ONCE = 900
MOST_AT_ONCE = 200


class Arrivals:
    """What syncs brought, until rules and pairing have seen it."""

    def __init__(self, *, inheriting: Inheriting, rules: Rules, transfers: Transfers) -> None:
        self._inheriting = inheriting
        self._rules = rules
        self._transfers = transfers

    def settle(self, sync_id: SyncId) -> None:
        """Hand on what was decided, run the rules over what came, then look for transfers; safe to repeat."""
        columns = select(Arrival.user_id, Arrival.connection_id, Arrival.first_id)
        arrival = db.session.execute(columns.where(Arrival.sync_id == sync_id)).one_or_none()
        if arrival is None:
            return
        user_id, connection_id, first_id = arrival
        self._inheriting.hand_on(user_id, connection_id)
        for ids in (*_added(sync_id, connection_id, first_id), *_posted(sync_id)):
            self._rules.apply_all(user_id, ids)
            self._transfers.pair(user_id, ids)
        with unit_of_work() as unit:
            unit.session.execute(delete(Arrival).where(Arrival.sync_id == sync_id))

    def waiting(self) -> list[str]:
        """The syncs whose rows nobody has looked at yet."""
        return list(db.session.scalars(select(Arrival.sync_id).order_by(Arrival.at).limit(MOST_AT_ONCE)))


def _added(
    sync_id: SyncId, connection_id: ConnectionId, after: TransactionId | None
) -> Iterator[list[TransactionId]]:
    """Its new rows, some at a time: their ids rise from the first."""
    inclusive = True
    while after is not None:
        beyond = PlaidTransaction.id >= after if inclusive else PlaidTransaction.id > after
        statement = select(PlaidTransaction.id).where(
            beyond,
            PlaidTransaction.first_sync_id == sync_id,
            PlaidTransaction.connection_id == connection_id,
        )
        ids = list(db.session.scalars(statement.order_by(PlaidTransaction.id).limit(ROWS_AT_ONCE)))
        if ids:
            yield ids
        after, inclusive = (ids[-1] if len(ids) == ROWS_AT_ONCE else None), False


def _posted(sync_id: SyncId) -> Iterator[list[TransactionId]]:
    """Rows that were pending until then: now their text is the bank's last word."""
    statement = select(TransactionChange.transaction_id).where(
        TransactionChange.sync_id == sync_id, TransactionChange.kind == ChangeKind.POSTED.value
    )
    ids = list(db.session.scalars(statement.order_by(TransactionChange.transaction_id)))
    for start in range(0, len(ids), ROWS_AT_ONCE):
        yield ids[start : start + ROWS_AT_ONCE]
