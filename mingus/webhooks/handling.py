"""What a webhook leads to. It only says "look": rows that ask for a look are written, and the workers look.

Order is never trusted and repeats are harmless: a sync that began after a webhook came has seen its news.
"""

from __future__ import annotations

import datetime as dt
import logging
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import and_
from sqlalchemy import exists
from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import update

from mingus.config import UpdateMode
from mingus.db import db
from mingus.db import unit_of_work
from mingus.jobs import JobKind
from mingus.patience import Patience
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import LinkSession
from mingus.plaid.models import PlaidConnection
from mingus.plaid.products import Product
from mingus.plaid.states import ENDED
from mingus.plaid.states import ConnectionState
from mingus.webhooks.hints import read_hint
from mingus.webhooks.models import EventState
from mingus.webhooks.models import WebhookEvent

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.config import Settings
    from mingus.db import Unit
    from mingus.jobs import Jobs
    from mingus.plaid.connections import Connections
    from mingus.plaid.leases import Leases
    from mingus.plaid.refreshing import Refresher

log = logging.getLogger(__name__)

PATIENCE = Patience(first=dt.timedelta(seconds=30), longest=dt.timedelta(hours=2))
MOST_ATTEMPTS = 8
ITEM_MAY_APPEAR = dt.timedelta(hours=24)
DISCONNECT_NOTICE = dt.timedelta(days=7)
SWEEP_SIZE = 500


class Look(StrEnum):
    """What one code asks for."""

    SYNC = "sync"
    CHECK = "check"
    PRODUCT = "product"
    REPAIRED = "check and sync"
    REVOKED = "revoked"
    ENDING = "attention before it ends"
    NEW_ACCOUNTS = "new accounts"
    LINK = "link session"
    NOTED = "noted"


LOOKS: dict[tuple[str, str], Look] = {
    ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"): Look.SYNC,
    ("TRANSACTIONS", "INITIAL_UPDATE"): Look.SYNC,
    ("TRANSACTIONS", "HISTORICAL_UPDATE"): Look.SYNC,
    ("TRANSACTIONS", "DEFAULT_UPDATE"): Look.SYNC,
    ("TRANSACTIONS", "TRANSACTIONS_REMOVED"): Look.SYNC,
    ("TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE"): Look.PRODUCT,
    ("ITEM", "ERROR"): Look.CHECK,
    ("ITEM", "LOGIN_REPAIRED"): Look.REPAIRED,
    ("ITEM", "PENDING_DISCONNECT"): Look.ENDING,
    ("ITEM", "PENDING_EXPIRATION"): Look.ENDING,
    ("ITEM", "NEW_ACCOUNTS_AVAILABLE"): Look.NEW_ACCOUNTS,
    ("ITEM", "USER_PERMISSION_REVOKED"): Look.REVOKED,
    ("ITEM", "USER_ACCOUNT_REVOKED"): Look.CHECK,
    ("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED"): Look.NOTED,
    ("HOLDINGS", "DEFAULT_UPDATE"): Look.PRODUCT,
    ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE"): Look.PRODUCT,
    ("INVESTMENTS_TRANSACTIONS", "HISTORICAL_UPDATE"): Look.PRODUCT,
    ("LIABILITIES", "DEFAULT_UPDATE"): Look.PRODUCT,
    # account numbers are never read here, so that their news changes nothing
    ("AUTH", "DEFAULT_UPDATE"): Look.NOTED,
    ("AUTH", "AUTOMATICALLY_VERIFIED"): Look.NOTED,
    ("AUTH", "VERIFICATION_EXPIRED"): Look.NOTED,
    ("AUTH", "SMS_MICRODEPOSITS_VERIFICATION"): Look.NOTED,
    ("AUTH", "PRODUCT_PERMISSIONS_REQUIRED"): Look.NOTED,
    ("LINK", "SESSION_FINISHED"): Look.LINK,
    ("LINK", "ITEM_ADD_RESULT"): Look.LINK,
    ("LINK", "EVENTS"): Look.NOTED,
}
PRODUCTS: dict[str, Product] = {
    "TRANSACTIONS": Product.RECURRING,
    "HOLDINGS": Product.HOLDINGS,
    "INVESTMENTS_TRANSACTIONS": Product.INVESTMENT_TRANSACTIONS,
    "LIABILITIES": Product.LIABILITIES,
}
DATA = frozenset({Look.SYNC, Look.PRODUCT})


class Handling:
    """Handles stored webhooks, each in one short unit without any call to Plaid."""

    def __init__(
        self,
        *,
        settings: Settings,
        ambient: Ambient,
        jobs: Jobs,
        connections: Connections,
        leases: Leases,
        refresher: Refresher,
    ) -> None:
        self._environment = settings.environment.value
        self._manual = settings.update_mode is UpdateMode.MANUAL
        self._ambient = ambient
        self._jobs = jobs
        self._connections = connections
        self._leases = leases
        self._refresher = refresher

    def handle_waiting(self) -> None:
        """Handle what waits; the first failure ends the round, and the sweep asks for the rest one by one."""
        while ripe := self.due():
            for event_id in ripe:
                self.handle(event_id)

    def handle(self, event_id: str) -> None:
        """Do what the webhook asks for, once; a failure is noted and tried again later, and parked in the end."""
        if not self._claim(event_id):
            return
        try:
            with unit_of_work() as unit:
                event = unit.lock_one(WebhookEvent, event_id)
                self._settle(event, self._look(unit, event))
        except Exception as err:
            self._note_failure(event_id, err)
            raise

    def due(self) -> list[str]:
        """Webhooks whose nudge was lost, whose next try has come, or whose item appeared."""
        appeared = exists().where(
            PlaidConnection.environment == self._environment,
            PlaidConnection.plaid_item_id == WebhookEvent.plaid_item_id,
        )
        waiting = WebhookEvent.state == EventState.WAITING.value
        unknown = WebhookEvent.state == EventState.UNKNOWN_ITEM.value
        ripe = WebhookEvent.next_try_at <= self._ambient.now()
        return list(
            db.session.scalars(
                select(WebhookEvent.id)
                .where(or_(and_(waiting, ripe), and_(unknown, or_(ripe, appeared))))
                .order_by(WebhookEvent.next_try_at)
                .limit(SWEEP_SIZE)
            )
        )

    def _claim(self, event_id: str) -> bool:
        """True for the one who may handle it now. The next try is set first: who dies here is followed by it."""
        now = self._ambient.now()
        with unit_of_work() as unit:
            event = unit.lock(WebhookEvent, event_id)
            if event is None or event.next_try_at is None:
                return False
            if event.state == EventState.WAITING and event.next_try_at > now:
                return False
            if event.attempts >= MOST_ATTEMPTS:
                event.state, event.next_try_at = EventState.PARKED.value, None
                unit.after_commit(lambda: log.error("webhook parked", extra={"event_id": event_id}))
                return False
            event.state = EventState.WAITING.value
            event.attempts += 1
            event.next_try_at = now + PATIENCE.after(event.attempts, of=event_id)
            return True

    def _note_failure(self, event_id: str, err: Exception) -> None:
        with unit_of_work() as unit:
            unit.session.execute(
                update(WebhookEvent).where(WebhookEvent.id == event_id).values(failure=type(err).__name__)
            )

    def _settle(self, event: WebhookEvent, outcome: tuple[EventState, str]) -> None:
        now = self._ambient.now()
        state, event.outcome = outcome
        event.state, event.failure = state.value, None
        if state is EventState.UNKNOWN_ITEM:
            event.next_try_at, event.attempts = event.first_seen_at + ITEM_MAY_APPEAR, 0
            return
        event.next_try_at, event.handled_at = None, now

    # looking

    def _look(self, unit: Unit, event: WebhookEvent) -> tuple[EventState, str]:
        look = LOOKS.get((event.webhook_type, event.webhook_code))
        if look is None:
            return EventState.UNKNOWN_CODE, "kept"
        if look is Look.LINK:
            return self._look_at_link(unit, event)
        if event.plaid_item_id is None:
            return EventState.HANDLED, Look.NOTED.value
        connection = self._connection(unit, event.plaid_item_id)
        if connection is None:
            return self._without_connection(event)
        event.connection_id = connection.id
        connection.last_webhook_at = max(connection.last_webhook_at or event.last_seen_at, event.last_seen_at)
        if ConnectionState(connection.state) in ENDED:
            return EventState.HANDLED, "the connection has ended"
        if self._manual and look in DATA:
            return EventState.HANDLED, "waits for somebody to ask: PLAID_UPDATE_MODE is manual"
        return EventState.HANDLED, self._look_at(unit, event, connection, look)

    def _look_at(self, unit: Unit, event: WebhookEvent, connection: PlaidConnection, look: Look) -> str:
        if look is Look.SYNC:
            return self._wish_sync(unit, event, connection)
        if look is Look.PRODUCT:
            product = PRODUCTS[event.webhook_type]
            self._refresher.wish(unit, connection, product)
            return product.value
        if look is Look.REVOKED:
            failure = PlaidFailure("USER_PERMISSION_REVOKED", error_type="ITEM_ERROR")
            self._connections.revoke(unit, connection, failure, cause="webhook: USER_PERMISSION_REVOKED")
            return look.value
        if look is Look.NOTED:
            return look.value
        if look is Look.NEW_ACCOUNTS:
            connection.new_accounts = True
        elif look is Look.ENDING:
            said = read_hint(event.body).disconnect_at
            connection.disconnect_at = said or self._ambient.now() + DISCONNECT_NOTICE
        elif look is Look.REPAIRED:
            connection.disconnect_at = None
            self._wish_sync(unit, event, connection)
        self._connections.settle_attention(unit, connection, cause=f"webhook: {event.webhook_code}")
        self._connections.look_now(unit, connection)
        return look.value

    def _wish_sync(self, unit: Unit, event: WebhookEvent, connection: PlaidConnection) -> str:
        if event.fence_seen is not None and connection.fence > event.fence_seen:
            event.sync_id = unit.session.scalar(
                select(PlaidSyncLog.id)
                .where(PlaidSyncLog.connection_id == connection.id, PlaidSyncLog.started_at.is_not(None))
                .order_by(PlaidSyncLog.id.desc())
                .limit(1)
            )
            return "a later sync has seen it"
        event.sync_id = self._leases.wish(unit, connection, Trigger.WEBHOOK)
        unit.after_commit(lambda: self._jobs.enqueue(JobKind.SYNC, connection_id=connection.id))
        return Look.SYNC.value

    def _look_at_link(self, unit: Unit, event: WebhookEvent) -> tuple[EventState, str]:
        """Have an unfinished Link session finished by Plaid's own record of it."""
        session = unit.session.scalar(
            select(LinkSession)
            .where(
                LinkSession.link_token_hash == event.link_token_hash,
                LinkSession.environment == self._environment,
            )
            .with_for_update()
        )
        if session is None:
            return EventState.ORPHAN, "no such link session here"
        if session.next_look_at is None:
            return EventState.HANDLED, "the link session is settled"
        session.next_look_at = self._ambient.now()
        link_id = session.id
        unit.after_commit(lambda: self._jobs.enqueue(JobKind.LINK, link_id=link_id))
        return EventState.HANDLED, Look.LINK.value

    def _without_connection(self, event: WebhookEvent) -> tuple[EventState, str]:
        if self._ambient.now() < event.first_seen_at + ITEM_MAY_APPEAR:
            return EventState.UNKNOWN_ITEM, "waits for its connection"
        log.error("webhooks for an item that nobody has here", extra={"event_id": event.id})
        return EventState.ORPHAN, "no such connection here"

    def _connection(self, unit: Unit, plaid_item_id: str) -> PlaidConnection | None:
        return unit.session.scalar(
            select(PlaidConnection)
            .where(
                PlaidConnection.environment == self._environment,
                PlaidConnection.plaid_item_id == plaid_item_id,
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )
