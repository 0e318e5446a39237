"""One connection of one person, and what happens at their bank."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidConnection
from tests.support.bank import FIRST_PLATYPUS
from tests.support.bank import ask_plaid
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


class Bank:
    """A connection, made and imported; `keep_both` makes a second one of the same bank."""

    def __init__(
        self,
        wired: Services,
        plaid: Running,
        jobs: InlineJobs,
        owner: UserId,
        *,
        username: str = "user_transactions_dynamic",
        institution_id: str = FIRST_PLATYPUS,
        keep_both: bool = False,
    ) -> None:
        self.wired, self.plaid, self.jobs = wired, plaid, jobs
        token = public_token(plaid, institution_id, override_username=username)
        link = wired.plaid.create_link_token(owner).link_id
        linked = wired.plaid.exchange_public_token(owner, link, token, metadata={}, keep_both=keep_both)
        self.connection_id: ConnectionId = linked.connection_id
        self.jobs.run_all()
        self.item = self.connection().plaid_item_id

    def connection(self) -> PlaidConnection:
        db.session.rollback()
        return db.session.get_one(PlaidConnection, self.connection_id, populate_existing=True)

    def do(self, action: str, **arguments: Any) -> dict[str, Any]:
        return tell_plaid(self.plaid, f"/control/items/{self.item}/do/{action}", arguments)

    def spend_often(self, times: int) -> None:
        for number in range(times):
            self.do("spend", amount=1 + number)

    def sync(self) -> PlaidSyncLog:
        sync_id = self.wired.sync.request(self.connection_id, Trigger.PERSON)
        self.jobs.run_all()
        db.session.rollback()
        return db.session.get_one(PlaidSyncLog, sync_id, populate_existing=True)

    def holdings(self) -> dict[str, Any]:
        """What Plaid answers about the holdings."""
        connection = self.connection()
        token = self.wired.connections.token(connection)
        db.session.rollback()
        return ask_plaid(self.plaid, "/investments/holdings/get", access_token=token)

    def assert_true(self) -> None:
        assert stored(self.connection_id) == truth(self.plaid, self.item)
