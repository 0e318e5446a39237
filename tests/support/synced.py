"""A connection whose first import is done, and what happens at its bank."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidConnection
from tests.support.bank import public_token
from tests.support.bank import tell_plaid
from tests.support.ledger import stored
from tests.support.ledger import truth

if TYPE_CHECKING:
    from mingus.auth.models import UserId
    from mingus.jobs import InlineJobs
    from mingus.plaid.models import ConnectionId
    from mingus.services import Services
    from mingus.simulator.testing import Running
    from tests.support.ledger import Row


class SyncedBank:
    """One connection, from outside and from inside."""

    def __init__(self, wired: Services, plaid: Running, jobs: InlineJobs, owner: UserId) -> None:
        self.wired, self.plaid, self.jobs = wired, plaid, jobs
        self.connection_id = self.link(wired, plaid, owner)
        self.jobs.run_all()
        self.item = self.connection().plaid_item_id

    @staticmethod
    def link(wired: Services, plaid: Running, owner: UserId) -> ConnectionId:
        """A connection that nobody has synced yet."""
        token = public_token(plaid, override_username="user_transactions_dynamic")
        link = wired.plaid.create_link_token(owner).link_id
        return wired.plaid.exchange_public_token(owner, link, token, metadata={}).connection_id

    def connection(self) -> PlaidConnection:
        db.session.rollback()
        return db.session.get_one(PlaidConnection, self.connection_id, populate_existing=True)

    def do(self, action: str, **arguments: Any) -> dict[str, Any]:
        return tell_plaid(self.plaid, f"/control/items/{self.item}/do/{action}", arguments)

    def sync(self) -> PlaidSyncLog:
        sync_id = self.wired.sync.request(self.connection_id, Trigger.PERSON)
        self.jobs.run_all()
        db.session.rollback()
        return db.session.get_one(PlaidSyncLog, sync_id, populate_existing=True)

    def rows(self) -> dict[str, Row]:
        return stored(self.connection_id)

    def assert_true(self) -> None:
        assert self.rows() == truth(self.plaid, self.item)
