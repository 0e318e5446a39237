"""Connections and their accounts: one state machine, every change recorded with its cause."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy import update

from mingus.config import UpdateMode
from mingus.db import Unit
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.jobs import JobKind
from mingus.patience import Patience
from mingus.plaid import wire
from mingus.plaid.accounts import write_accounts
from mingus.plaid.failures import Family
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.gateway import About
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import ConnectionChange
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidConnection
from mingus.plaid.polling import is_behind
from mingus.plaid.polling import spread
from mingus.plaid.polling import working_state
from mingus.plaid.states import ENDED
from mingus.plaid.states import READABLE
from mingus.plaid.states import ConnectionState
from mingus.plaid.states import may_follow
from mingus.sealed import SecretKind
from mingus.transactions import sums
from mingus.vault import SecretGone
from mingus.vault import SecretUnreadable

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.config import Settings
    from mingus.jobs import Jobs
    from mingus.notices.board import NoticeBoard
    from mingus.plaid.gateway import PlaidGateway
    from mingus.plaid.leases import Leases
    from mingus.vault import Sealed
    from mingus.vault import TokenVault

log = logging.getLogger(__name__)

CHECK_EVERY = dt.timedelta(
    hours=5, minutes=45
)  # with the sync that may follow, a gap is found within six hours
CHECK_SPREAD = dt.timedelta(minutes=45)
CLAIM = dt.timedelta(minutes=2)
PATIENCE = Patience(first=dt.timedelta(minutes=1), longest=dt.timedelta(hours=6))
SWEEP_SIZE = 100


class Connections:
    """The only writer of connections and accounts."""

    def __init__(
        self,
        *,
        settings: Settings,
        ambient: Ambient,
        jobs: Jobs,
        vault: TokenVault,
        gateway: PlaidGateway,
        leases: Leases,
        board: NoticeBoard,
    ) -> None:
        self._environment = settings.environment.value
        self._webhook_url = settings.webhook_url
        self._polls = settings.update_mode is UpdateMode.BACKGROUND
        self._ambient = ambient
        self._jobs = jobs
        self._vault = vault
        self._gateway = gateway
        self._leases = leases
        self._board = board

    def token(self, connection: PlaidConnection) -> str:
        """The access token in clear, for the gateway alone. Ended connections have none any more."""
        if connection.secret_id is None or connection.environment != self._environment:
            raise NotFound
        try:
            return self._vault.open(connection.secret_id, SecretKind.ACCESS_TOKEN, connection.id)
        except SecretGone:
            db.session.rollback()  # replaced or forgotten between the two reads: look at the row anew
            if connection.secret_id is None:
                raise NotFound from None
            return self._vault.open(connection.secret_id, SecretKind.ACCESS_TOKEN, connection.id)

    def open_token(self, sealed: Sealed, connection_id: ConnectionId) -> str:
        """The access token in clear, of what was read with the connection's lease."""
        return self._vault.open_sealed(sealed, SecretKind.ACCESS_TOKEN, connection_id)

    def move(
        self,
        unit: Unit,
        connection: PlaidConnection,
        after: ConnectionState,
        *,
        cause: str,
        failure: PlaidFailure | None = None,
    ) -> bool:
        """Change the state in the caller's unit and record why; False when it may not follow the present one."""
        before = ConnectionState(connection.state)
        if not may_follow(before, after):
            return False
        connection.error_code = failure.error_code if failure else None
        connection.error_request_id = failure.request_id if failure else None
        if before is after:
            return True
        now = self._ambient.now()
        self._board.follow(unit, connection, before, after)
        connection.state, connection.state_since = after.value, now
        unit.session.add(
            ConnectionChange(
                id=self._ambient.new_id("chg"),
                connection_id=connection.id,
                at=now,
                before=before.value,
                after=after.value,
                cause=cause[:80],
                request_id=failure.request_id if failure else None,
            )
        )
        return True

    def look(self, connection_id: ConnectionId) -> None:
        """Check a connection whose time has come, unless another worker is at it."""
        if self._claim(connection_id):
            self.check(connection_id)

    def look_now(self, unit: Unit, connection: PlaidConnection) -> None:
        """Have a worker look at the connection as soon as the caller's unit is committed."""
        connection.next_check_at = self._ambient.now()
        unit.after_commit(lambda: self._jobs.enqueue(JobKind.CHECK, connection_id=connection.id))

    def check(self, connection_id: ConnectionId, *, cause: str = "check") -> None:
        """Read the item and its accounts from Plaid and let the state follow; safe to repeat.

        Nothing happens for a connection that ended or belongs to another environment.
        """
        connection = self._find(connection_id)
        if connection is None or ConnectionState(connection.state) not in READABLE:
            return
        about = About(connection_id=connection.id, institution_id=connection.plaid_institution_id)
        try:
            token = self.token(connection)
            db.session.rollback()  # nothing stays open while Plaid is asked
            item = self._gateway.item(token, about)
            answer = self._gateway.accounts(token, about) if item.item.error is None else None
        except PlaidFailure as failure:
            self.note_failure(connection_id, failure, cause=cause)
        except NotFound:
            return  # it ended just now
        except SecretUnreadable:
            self._note_unreadable_token(connection_id)
        else:
            self._note_read(connection_id, item, answer, cause=cause)
            self._mend_webhook(connection_id, token, item, about)

    def note_failure(self, connection_id: ConnectionId, failure: PlaidFailure, *, cause: str) -> None:
        """Let a failed call to Plaid decide what comes next: the person, a later try, or the end."""
        with unit_of_work() as unit:
            connection = unit.lock(PlaidConnection, connection_id)
            if connection is None or ConnectionState(connection.state) in ENDED:
                return
            after = failure.advice.state
            held_back = failure.error_code == "CALLS_HELD_BACK"  # our own patience is no trouble of the bank
            if not held_back and failure.advice.family is not Family.NORMAL:
                # what the operator must mend is no state of the bank, but its page says so
                after = after or ConnectionState(connection.state)
                self.move(unit, connection, after, cause=f"{cause}: {failure.error_code}", failure=failure)
            connection.last_checked_at = self._ambient.now()
            if not held_back:
                connection.failures += 1
            connection.next_check_at = self._ambient.now() + self._patience(connection, failure)
            if failure.advice.family is Family.GONE:
                self._remove_soon(unit, connection)

    def revoke(self, unit: Unit, connection: PlaidConnection, failure: PlaidFailure, *, cause: str) -> None:
        """End a connection whose permission was taken back at the bank: its history stays, its token goes."""
        if self.move(unit, connection, ConnectionState.REVOKED, cause=cause, failure=failure):
            self._remove_soon(unit, connection)

    def settle_attention(self, unit: Unit, connection: PlaidConnection, *, cause: str) -> None:
        """Let a working connection be healthy, or in need of attention soon, by what is known of it."""
        if connection.state in {ConnectionState.HEALTHY, ConnectionState.ATTENTION_SOON}:
            self.move(unit, connection, working_state(connection, self._ambient.now()), cause=cause)

    def write_accounts(
        self, unit: Unit, connection: PlaidConnection, accounts: list[wire.WireAccount]
    ) -> int:
        """Bring the stored accounts to what the bank shows now, in the caller's unit; how many there are."""
        facts = [wire.account_facts(account) for account in accounts]
        return write_accounts(unit, connection, facts, now=self._ambient.now(), new_id=self._ambient.new_id)

    # the end of a connection

    def disconnect(self, connection_id: ConnectionId, *, keep_history: bool) -> None:
        """End a connection for the person at once; Plaid is told by the worker until it confirms. Twice is once."""
        with unit_of_work() as unit:
            connection = unit.lock_one(PlaidConnection, connection_id)
            if not self.move(unit, connection, ConnectionState.REMOVING, cause="disconnected by the person"):
                return
            connection.keep_history = keep_history
            connection.failures = 0
            self._remove_soon(unit, connection)
            if not keep_history:
                sums.delete_accounts(unit, connection.user_id, connection_id)

    def finish_removal(self, connection_id: ConnectionId) -> None:
        """Have Plaid end the item and destroy its token; put off when Plaid does not answer; safe to repeat."""
        connection = self._find(connection_id)
        if (
            connection is None
            or connection.secret_id is None
            or ConnectionState(connection.state) not in ENDED
        ):
            return
        try:
            token = self.token(connection)
            about = About(connection_id=connection.id)  # no circuit: a resting bank has no part in a removal
            db.session.rollback()
            self._gateway.remove(token, about)
        except NotFound:
            return  # somebody else finished it
        except SecretUnreadable:
            self._note_removed(connection_id, cause="token unreadable, removal at Plaid by hand")
        except PlaidFailure as failure:
            self._put_removal_off(connection_id, failure)
        else:
            self._note_removed(connection_id, cause="removed at Plaid")

    def rotate_token(self, connection_id: ConnectionId) -> None:
        """Have Plaid issue a new access token; the old one is dead at once, so this is never repeated blindly."""
        connection = self._find(connection_id)
        if connection is None or ConnectionState(connection.state) in ENDED:
            raise NotFound
        token = self.token(connection)
        db.session.rollback()
        fresh = self._gateway.rotate(token, About(connection_id=connection_id))
        with unit_of_work() as unit:
            row = unit.lock_one(PlaidConnection, connection_id)
            old = row.secret_id
            row.secret_id = self._vault.seal(unit, SecretKind.ACCESS_TOKEN, connection_id, fresh)
            unit.session.flush()  # the row must name the new secret before the old one goes
            self._vault.destroy(unit, old)

    # what the sweep asks for

    def checks_due(self) -> list[str]:
        """Connections to look at again."""
        return self._due({state.value for state in READABLE}, PlaidConnection.paused_at.is_(None))

    def removals_due(self) -> list[str]:
        """Ended connections whose token Plaid has not confirmed dead."""
        return self._due({state.value for state in ENDED}, PlaidConnection.secret_id.is_not(None))

    def _due(self, states: set[str], *conditions: object) -> list[str]:
        return list(
            db.session.scalars(
                select(PlaidConnection.id)
                .where(
                    PlaidConnection.state.in_(states),
                    PlaidConnection.environment == self._environment,
                    PlaidConnection.next_check_at <= self._ambient.now(),
                    *conditions,  # type: ignore[arg-type]  # column expressions
                )
                .order_by(PlaidConnection.next_check_at)
                .limit(SWEEP_SIZE)
            )
        )

    def _claim(self, connection_id: ConnectionId) -> bool:
        """True for the one who may look now; the others find that its time has moved on."""
        now = self._ambient.now()
        with unit_of_work() as unit:
            claimed = unit.session.execute(
                update(PlaidConnection)
                .where(
                    PlaidConnection.id == connection_id,
                    PlaidConnection.next_check_at <= now,
                    PlaidConnection.paused_at.is_(None),
                )
                .values(next_check_at=now + CLAIM)
            )
            return bool(claimed.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult

    def _remove_soon(self, unit: Unit, connection: PlaidConnection) -> None:
        connection.next_check_at = self._ambient.now()
        unit.after_commit(lambda: self._jobs.enqueue(JobKind.REMOVAL, connection_id=connection.id))

    def _find(self, connection_id: ConnectionId) -> PlaidConnection | None:
        connection = db.session.get(PlaidConnection, connection_id)
        return connection if connection is not None and connection.environment == self._environment else None

    def _note_read(
        self,
        connection_id: ConnectionId,
        item: wire.ItemAnswer,
        answer: wire.AccountsAnswer | None,
        *,
        cause: str,
    ) -> None:
        error = item.item.error
        if error is not None and error.error_code:
            failure = PlaidFailure(error.error_code, error_type=error.error_type, request_id=item.request_id)
            self.note_failure(connection_id, failure, cause=cause)
            return
        now = self._ambient.now()
        with unit_of_work() as unit:
            connection = unit.lock(PlaidConnection, connection_id)
            if connection is None or ConnectionState(connection.state) in ENDED:
                return  # the person ended it while we read: nothing comes back
            if answer is not None:
                self.write_accounts(unit, connection, answer.accounts)
            note_item(connection, item)
            connection.last_checked_at = connection.last_good_at = now
            connection.failures = 0
            connection.next_check_at = now + CHECK_EVERY - spread(connection.id, now, CHECK_SPREAD)
            after = working_state(connection, now)
            if connection.state in {ConnectionState.LINKING, ConnectionState.IMPORTING}:
                after = ConnectionState.IMPORTING  # healthy is what a good sync makes it
            self.move(unit, connection, after, cause=cause)
            if self._polls and is_behind(connection, now):
                self._leases.wish(unit, connection, Trigger.SCHEDULE)
                unit.after_commit(lambda: self._jobs.enqueue(JobKind.SYNC, connection_id=connection_id))

    def _mend_webhook(
        self, connection_id: ConnectionId, token: str, item: wire.ItemAnswer, about: About
    ) -> None:
        """Have Plaid send webhooks where this installation takes them; a refusal is tried again by the next check."""
        if not self._webhook_url or item.item.webhook == self._webhook_url:
            return
        try:
            self._gateway.set_webhook(token, self._webhook_url, about)
        except PlaidFailure as failure:
            log.warning(
                "webhook address not mended",
                extra={"connection_id": connection_id, "error_code": failure.error_code},
            )
            return
        log.info("webhook address mended", extra={"connection_id": connection_id})
        with unit_of_work() as unit:
            connection = unit.lock(PlaidConnection, connection_id)
            if connection is not None:
                connection.webhook_url = self._webhook_url

    def _note_unreadable_token(self, connection_id: ConnectionId) -> None:
        """One damaged ciphertext is one connection's trouble."""
        with unit_of_work() as unit:
            connection = unit.lock_one(PlaidConnection, connection_id)
            self.move(unit, connection, ConnectionState.NEEDS_SIGN_IN, cause="stored token unreadable")
            connection.error_code = "INVALID_ACCESS_TOKEN"
            connection.next_check_at = None

    def _note_removed(self, connection_id: ConnectionId, *, cause: str) -> None:
        with unit_of_work() as unit:
            connection = unit.lock_one(PlaidConnection, connection_id)
            old, connection.secret_id, connection.next_check_at = connection.secret_id, None, None
            self.move(unit, connection, ConnectionState.REMOVED, cause=cause)
            unit.session.flush()  # the row must let go of the secret before it is deleted
            self._vault.destroy(unit, old)

    def _put_removal_off(self, connection_id: ConnectionId, failure: PlaidFailure) -> None:
        with unit_of_work() as unit:
            connection = unit.lock_one(PlaidConnection, connection_id)
            connection.failures += 1
            connection.next_check_at = self._ambient.now() + self._patience(connection, failure)
            connection.error_code, connection.error_request_id = failure.error_code, failure.request_id

    def _patience(self, connection: PlaidConnection, failure: PlaidFailure) -> dt.timedelta:
        """How long to wait: what was asked for, else twice as long each time."""
        if failure.retry_after_seconds is not None:
            return dt.timedelta(seconds=failure.retry_after_seconds)
        if failure.advice.family in {Family.PERSON, Family.OPERATOR}:
            return PATIENCE.longest
        return PATIENCE.after(connection.failures, of=connection.id)


def note_item(connection: PlaidConnection, answer: wire.ItemAnswer) -> None:
    """Keep what Plaid says of the item itself."""
    item = answer.item
    connection.consent_expires_at = item.consent_expiration_time
    connection.products = sorted({*item.products, *item.billed_products, *item.consented_products})
    connection.webhook_url = item.webhook or None
    update = answer.status.transactions if answer.status is not None else None
    if update is not None and update.last_successful_update is not None:
        connection.bank_data_at = update.last_successful_update
