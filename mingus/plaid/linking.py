"""From pressing "Connect a bank" to a connection: a journal in which nothing gets lost.

issued -> received -> exchanging -> exchanged -> connected. The access token is durable, sealed and alone, before
anything else is done with it. Whatever stops half-way, the sweep finishes: it asks Plaid what became of the
session, exchanges a public token that was received, and makes the connection of an item that was exchanged.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import select
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from mingus.auth.sessions import hash_token
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.jobs import JobKind
from mingus.plaid.failures import Action
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.linkjournal import FIRST_LOOK
from mingus.plaid.linkjournal import SETTLE_AFTER
from mingus.plaid.linkjournal import patience
from mingus.plaid.linkstates import LinkState
from mingus.plaid.linkstates import shown_accounts
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import LinkId
from mingus.plaid.models import LinkSession
from mingus.plaid.models import PlaidConnection
from mingus.sealed import SecretKind
from mingus.vault import SecretGone

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.jobs import Jobs
    from mingus.leaving.items import DepartedItems
    from mingus.plaid.gateway import PlaidGateway
    from mingus.plaid.institutions import Institutions
    from mingus.plaid.linkjournal import LinkJournal
    from mingus.plaid.settling import Settling
    from mingus.vault import TokenVault

SESSION_DATA_LASTS = dt.timedelta(hours=6)
SWEEP_SIZE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What came of posting a public token."""

    connection_id: ConnectionId
    institution_name: str
    accounts_count: int


class AlreadyConnected(PlaidFailure):
    """This bank is already connected with the same accounts."""

    status = 409
    code = "duplicate_connection"

    def __init__(self, connection_id: ConnectionId) -> None:
        super().__init__("DUPLICATE_CONNECTION")
        self.status, self.retryable, self.code = 409, False, "duplicate_connection"
        self.public = "This bank is already connected with the same accounts. Reconnect it, or keep both."
        self.details = {"connection_id": connection_id}


class StillExchanging(PlaidFailure):
    """The same step is being done already; it will be finished in a moment."""

    def __init__(self) -> None:
        super().__init__("IN_PROGRESS", retry_after_seconds=2)
        self.status, self.code = 409, "in_progress"
        self.public = "This connection is being set up already. It will be there in a moment."


class Linking:
    """Keeps the journal of link sessions."""

    def __init__(
        self,
        *,
        ambient: Ambient,
        jobs: Jobs,
        vault: TokenVault,
        gateway: PlaidGateway,
        journal: LinkJournal,
        settling: Settling,
        institutions: Institutions,
        departed: DepartedItems,
        environment: str,
    ) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._vault = vault
        self._gateway = gateway
        self._journal = journal
        self._settling = settling
        self._institutions = institutions
        self._departed = departed
        self._environment = environment

    def receive(
        self,
        user_id: UserId,
        link_id: LinkId,
        public_token: str,
        *,
        metadata: dict[str, Any],
        keep_both: bool,
    ) -> Linked:
        """Turn a finished Link into a connection; the same token again gives the same answer.

        Raises NotFound for a session that is not this person's, AlreadyConnected before anything is exchanged,
        StillExchanging while another request is at it, or the PlaidFailure of the exchange.
        """
        self._note_public_token(user_id, link_id, public_token, metadata)
        session = self._owned(user_id, link_id)
        if session.public_token_hash != hash_token(public_token):
            msg = "INVALID_PUBLIC_TOKEN"
            raise PlaidFailure(msg)  # the session has another token, or the token another session
        if session.state == LinkState.CONNECTED:
            return self.linked(session.connection_id)
        if not keep_both:
            self._refuse_duplicate(session)
        return self.finish(link_id)

    def finish(self, link_id: LinkId) -> Linked:
        """Bring a session with a public token to its connection, from wherever it stopped."""
        if self._claim_exchange(link_id):
            self._exchange(link_id)
        session = self._find(link_id)
        if session is None or session.state not in {LinkState.EXCHANGED, LinkState.CONNECTED}:
            raise StillExchanging
        if session.state == LinkState.EXCHANGED:
            self._settling.settle(session)
            session = self._find(link_id)
        if session is None:
            raise NotFound
        return self.linked(session.connection_id)

    def look_after(self, link_id: LinkId) -> None:
        """What the sweep does with a session that stopped half-way; safe to repeat."""
        session = self._find(link_id)
        if session is None or session.next_look_at is None:
            return
        try:
            if session.state == LinkState.ISSUED:
                self._ask_plaid(session)
            elif session.state in {LinkState.RECEIVED, LinkState.EXCHANGING, LinkState.EXCHANGED}:
                self._free_stale_claim(link_id)
                self.finish(link_id)
        except (StillExchanging, SecretGone):
            return  # somebody else is at it
        except PlaidFailure as failure:
            self._put_off(link_id, failure)

    def due(self) -> list[str]:
        """Sessions to look after."""
        return list(
            db.session.scalars(
                select(LinkSession.id)
                .where(
                    LinkSession.next_look_at <= self._ambient.now(),
                    LinkSession.environment == self._environment,
                )
                .order_by(LinkSession.next_look_at)
                .limit(SWEEP_SIZE)
            )
        )

    def discard(self, link_id: LinkId) -> None:
        """Let go of a public token that was never exchanged: at Plaid it dies by itself."""
        with unit_of_work() as unit:
            session = unit.lock_one(LinkSession, link_id)
            if session.state != LinkState.RECEIVED:
                return
            self._journal.forget(unit, session, "public_secret_id")
            self._journal.forget(unit, session, "link_secret_id")
            self._journal.step(session, LinkState.EXITED, look_in=None)

    # receiving

    def _note_public_token(
        self, user_id: UserId, link_id: LinkId, public_token: str, metadata: dict[str, Any]
    ) -> None:
        """Keep the token, once: of two that post it, the second finds it there."""
        institution_id, institution_name, accounts = shown_accounts(metadata)
        try:
            with unit_of_work() as unit:
                session = unit.lock(LinkSession, link_id)
                if session is None or session.user_id != user_id or session.environment != self._environment:
                    raise NotFound
                if session.public_token_hash is not None:
                    return
                session.public_token_hash = hash_token(public_token)
                session.public_secret_id = self._vault.seal(
                    unit, SecretKind.PUBLIC_TOKEN, link_id, public_token
                )
                session.plaid_institution_id, session.institution_name = institution_id, institution_name
                session.shown_accounts = [account.as_json() for account in accounts]
                self._journal.step(session, LinkState.RECEIVED, look_in=SETTLE_AFTER)
        except IntegrityError as err:
            msg = "INVALID_PUBLIC_TOKEN"
            raise PlaidFailure(msg) from err  # it belongs to another session

    def _refuse_duplicate(self, session: LinkSession) -> None:
        if session.state != LinkState.RECEIVED:
            return  # too late to ask: it is being exchanged already
        twin = self._institutions.connection_with(
            session.user_id, self._environment, session.plaid_institution_id, session.shown_accounts
        )
        if twin is None:
            return
        with unit_of_work() as unit:
            row = unit.lock_one(LinkSession, session.id)
            row.next_look_at, row.connection_id = None, twin  # it waits for the person's choice
        raise AlreadyConnected(twin)

    # exchanging

    def _claim_exchange(self, link_id: LinkId) -> bool:
        """True for the one who may exchange."""
        now = self._ambient.now()
        with unit_of_work() as unit:
            claimed = unit.session.execute(
                update(LinkSession)
                .where(LinkSession.id == link_id, LinkSession.state == LinkState.RECEIVED.value)
                .values(
                    state=LinkState.EXCHANGING.value,
                    changed_at=now,
                    next_look_at=now + FIRST_LOOK,
                    connection_id=None,
                )
            )
            return bool(claimed.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult

    def _free_stale_claim(self, link_id: LinkId) -> None:
        """A crash between claim and answer: try once more; Plaid tells whether the token was used."""
        with unit_of_work() as unit:
            session = unit.lock_one(LinkSession, link_id)
            if session.state == LinkState.EXCHANGING:
                session.looks += 1
                self._journal.step(session, LinkState.RECEIVED, look_in=SETTLE_AFTER)

    def _exchange(self, link_id: LinkId) -> None:
        session = self._find(link_id)
        if session is None or session.public_secret_id is None:
            raise NotFound
        public_token = self._vault.open(session.public_secret_id, SecretKind.PUBLIC_TOKEN, link_id)
        db.session.rollback()  # nothing stays open while Plaid is asked
        try:
            exchanged = self._gateway.exchange(public_token)
        except PlaidFailure as failure:
            self._note_refused_exchange(link_id, failure)
            raise
        with unit_of_work() as unit:
            row = unit.lock(LinkSession, link_id)
            if row is None or row.public_secret_id is None:  # the person left meanwhile: nobody else knows it
                self._departed.keep(unit, exchanged.access_token, departure_id=None)
                return
            row.access_secret_id = self._vault.seal(
                unit, SecretKind.ACCESS_TOKEN, link_id, exchanged.access_token
            )
            row.plaid_item_id = exchanged.item_id
            self._journal.forget(unit, row, "public_secret_id")
            self._journal.step(row, LinkState.EXCHANGED, look_in=SETTLE_AFTER)
            unit.after_commit(lambda: self._jobs.enqueue(JobKind.LINK, link_id=link_id))

    def _note_refused_exchange(self, link_id: LinkId, failure: PlaidFailure) -> None:
        """A refusal is final; without an answer the token may still be good, so it waits for another try."""
        with unit_of_work() as unit:
            row = unit.lock_one(LinkSession, link_id)
            row.error_code, row.error_request_id = failure.error_code, failure.request_id
            if failure.retryable:
                self._journal.step(row, LinkState.RECEIVED, look_in=patience(row))
                return
            # a second try that is refused means the first one's answer got lost: the item may live on at Plaid
            self._journal.step(row, LinkState.LOST if row.looks else LinkState.FAILED, look_in=None)
            self._journal.forget(unit, row, "public_secret_id")

    # asking Plaid

    def _ask_plaid(self, session: LinkSession) -> None:
        """Find out by Plaid's own record whether a Link whose tab was closed was finished after all."""
        if session.link_secret_id is None or self._ambient.now() - session.created_at > SESSION_DATA_LASTS:
            self._end(session.id, LinkState.EXPIRED)
            return
        link_token = self._vault.open(session.link_secret_id, SecretKind.LINK_TOKEN, session.id)
        db.session.rollback()
        try:
            found = [
                added
                for plaid_session in self._gateway.link_sessions(link_token)
                if plaid_session.results is not None
                for added in plaid_session.results.item_add_results
            ]
        except PlaidFailure as failure:
            if failure.advice.action is Action.AGAIN:  # Plaid no longer knows the link token
                self._end(session.id, LinkState.EXPIRED)
                return
            raise
        if not found or session.purpose != "connect":
            self._put_off(session.id, None)
            return
        metadata = {"institution": found[0].institution, "accounts": found[0].accounts}
        try:
            self.receive(
                session.user_id, session.id, found[0].public_token, metadata=metadata, keep_both=False
            )
        except AlreadyConnected:
            return

    # steps

    def linked(self, connection_id: ConnectionId | None) -> Linked:
        """The answer for a connection that is there."""
        connection = db.session.get(PlaidConnection, connection_id) if connection_id else None
        if connection is None:
            raise NotFound
        return Linked(
            connection_id=connection.id,
            institution_name=connection.institution_name,
            accounts_count=self._institutions.accounts_count(connection.id),
        )

    def _owned(self, user_id: UserId, link_id: LinkId) -> LinkSession:
        session = self._find(link_id)
        if session is None or session.user_id != user_id:
            raise NotFound
        return session

    def _find(self, link_id: LinkId) -> LinkSession | None:
        return db.session.get(LinkSession, link_id)

    def _end(self, link_id: LinkId, state: LinkState) -> None:
        with unit_of_work() as unit:
            session = unit.lock_one(LinkSession, link_id)
            self._journal.forget(unit, session, "link_secret_id")
            self._journal.step(session, state, look_in=None)

    def _put_off(self, link_id: LinkId, failure: PlaidFailure | None) -> None:
        with unit_of_work() as unit:
            session = unit.lock_one(LinkSession, link_id)
            if session.next_look_at is None:
                return
            session.looks += 1
            session.next_look_at = self._ambient.now() + patience(session)
            if failure is not None:
                session.error_code, session.error_request_id = failure.error_code, failure.request_id
