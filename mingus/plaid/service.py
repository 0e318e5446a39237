"""PlaidIntegrationService: everything the app does with Plaid; with its parts, the only writer of the Plaid tables."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import func
from sqlalchemy import select

from mingus.audit import AuditAction
from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.errors import NotFound
from mingus.errors import TooManyTries
from mingus.limits import Limit
from mingus.plaid import queries
from mingus.plaid.failures import CATALOGUE
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.gateway import About
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import Trigger
from mingus.plaid.linkstates import LinkState
from mingus.plaid.linktokens import LinkStart
from mingus.plaid.linktokens import LinkTokens
from mingus.plaid.models import AccountChoice
from mingus.plaid.models import AccountId
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import LinkEvent
from mingus.plaid.models import LinkId
from mingus.plaid.models import LinkSession
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.resting import Paused
from mingus.plaid.states import ENDED
from mingus.plaid.states import READABLE
from mingus.plaid.states import ConnectionState
from mingus.plaid.states import HealthReport
from mingus.plaid.states import Purpose
from mingus.plaid.states import health
from mingus.plaid.wire import clean

if TYPE_CHECKING:
    import datetime as dt

    from mingus.ambient import Ambient
    from mingus.audit import AuditTrail
    from mingus.auth.models import UserId
    from mingus.config import Settings
    from mingus.limits import Limiter
    from mingus.plaid.connections import Connections
    from mingus.plaid.gateway import PlaidGateway
    from mingus.plaid.institutions import Institutions
    from mingus.plaid.linking import Linked
    from mingus.plaid.linking import Linking
    from mingus.plaid.queries import AccountRow
    from mingus.plaid.sync import SyncEngine
    from mingus.plaid.wire import WireInstitution
    from mingus.vault import TokenVault

LINK_TOKEN_LIMIT = Limit(count=10, seconds=60)
CONNECT_LIMIT = Limit(count=20, seconds=60)
SEARCH_LIMIT = Limit(count=30, seconds=60)
LIVE_BALANCE_LIMIT = Limit(count=1, seconds=300)
CHECK_LIMIT = Limit(count=5, seconds=60)
SYNC_LIMIT = Limit(count=5, seconds=60)
MOST_EVENTS = 200
# search texts and numbers are personal: they never reach the log
KEPT_EVENT_FIELDS = frozenset(
    {"error_type", "error_code", "exit_status", "institution_id", "mfa_type", "view_name", "request_id"}
    | {"link_session_id", "timestamp", "is_update_mode", "status"}
)


class PlaidIntegrationService:
    """Connect, repair, read and end connections. A connection id is always asked for together with its owner."""

    def __init__(
        self,
        *,
        settings: Settings,
        ambient: Ambient,
        limiter: Limiter,
        trail: AuditTrail,
        vault: TokenVault,
        gateway: PlaidGateway,
        connections: Connections,
        linking: Linking,
        institutions: Institutions,
        sync: SyncEngine,
    ) -> None:
        self._settings = settings
        self._ambient = ambient
        self._limiter = limiter
        self._trail = trail
        self._gateway = gateway
        self._tokens = LinkTokens(settings=settings, ambient=ambient, vault=vault, gateway=gateway)
        self._connections = connections
        self._linking = linking
        self._institutions = institutions
        self._sync = sync

    # Link

    def create_link_token(self, user_id: UserId) -> LinkStart:
        """A token to connect a new bank; raises TooManyTries, ConnectionLimitReached or PlaidFailure."""
        self._limiter.spend("link-token", user_id, LINK_TOKEN_LIMIT)
        return self._tokens.to_connect(user_id)

    def create_update_link_token(
        self, user_id: UserId, connection_id: ConnectionId, *, purpose: Purpose
    ) -> LinkStart:
        """A token to repair a connection or to choose its accounts anew."""
        self._limiter.spend("link-token", user_id, LINK_TOKEN_LIMIT)
        token = self._connections.token(self._living(user_id, connection_id))
        return self._tokens.to_update(user_id, connection_id, token, purpose=purpose)

    def resume_link(self, user_id: UserId) -> LinkStart | None:
        """The person's latest unfinished session, for the way back from a bank; None: start anew."""
        return self._tokens.resume(user_id)

    def latest_link(self, user_id: UserId) -> LinkId:
        """The person's newest session, for clients that don't name it; raises NotFound without any."""
        return self._tokens.latest(user_id)

    def exchange_public_token(
        self,
        user_id: UserId,
        link_id: LinkId,
        public_token: str,
        *,
        metadata: dict[str, Any],
        keep_both: bool = False,
    ) -> Linked:
        """Finish a Link: a new connection, or the repaired one in update mode. Posting twice is posting once."""
        self._limiter.spend("connect", user_id, CONNECT_LIMIT)
        session = self._own_session(user_id, link_id)
        if session.purpose == Purpose.CONNECT:
            return self._linking.receive(
                user_id, link_id, public_token, metadata=metadata, keep_both=keep_both
            )
        return self._finish_update(session)

    def note_link_event(
        self, user_id: UserId, link_id: LinkId, name: str, details: dict[str, Any]
    ) -> str | None:
        """Keep what Link reported: its events, its exit and its error; our sentence for that error, if it is known."""
        session = self._own_session(user_id, link_id)
        kept = {
            key: clean(str(value), 200)
            for key, value in details.items()
            if key in KEPT_EVENT_FIELDS and value
        }
        count = db.session.scalar(select(func.count()).where(LinkEvent.link_id == link_id)) or 0
        if count >= MOST_EVENTS:
            return None
        with unit_of_work() as unit:
            row = unit.lock_one(LinkSession, session.id)
            unit.session.add(
                LinkEvent(
                    id=self._ambient.new_id("lev"),
                    link_id=link_id,
                    at=self._ambient.now(),
                    name=clean(name, 80),
                    details=kept,
                )
            )
            row.plaid_session_id = kept.get("link_session_id", row.plaid_session_id or "")[:64] or None
            if kept.get("error_code"):
                row.error_code, row.error_request_id = (
                    kept["error_code"][:80],
                    kept.get("request_id", "")[:64] or None,
                )
        known = CATALOGUE.get(kept.get("error_code", ""))
        return known.sentence if known is not None else None

    def finish_waiting(self, user_id: UserId, link_id: LinkId) -> Linked:
        """Keep both: finish a Link that waited because the bank seems to be connected already."""
        return self._linking.finish(self._own_session(user_id, link_id).id)

    def discard_waiting(self, user_id: UserId, link_id: LinkId) -> None:
        """Leave a finished Link unused."""
        self._linking.discard(self._own_session(user_id, link_id).id)

    # reading

    def check_connection_health(self, user_id: UserId, connection_id: ConnectionId) -> HealthReport:
        """Ask Plaid how the connection does, and say it in a word and a recommendation."""
        connection = self._awake(user_id, connection_id)
        self._limiter.spend("check", connection_id, CHECK_LIMIT)
        self._connections.check(connection.id, cause="checked on request")
        db.session.expire_all()
        return self.health_of(self._owned(user_id, connection_id))

    def get_accounts(self, user_id: UserId) -> list[AccountRow]:
        """The person's accounts as they are stored; no call to Plaid."""
        return queries.accounts_of(user_id, environment=self._settings.environment.value)

    def health_of(self, connection: PlaidConnection) -> HealthReport:
        """How a connection does by what is known already."""
        return health(
            ConnectionState(connection.state),
            last_good_at=connection.last_good_at,
            asleep=connection.environment != self._settings.environment.value,
            paused=connection.paused_at is not None,
            failing=connection.error_code is not None,
            now=self._ambient.now(),
        )

    def refresh_balances(self, user_id: UserId, connection_id: ConnectionId) -> dt.datetime | None:
        """Ask the bank itself for balances; within the cool-down the stored ones stay, and None says so."""
        connection = self._awake(user_id, connection_id)
        try:
            self._limiter.spend("live-balance", connection_id, LIVE_BALANCE_LIMIT)
        except TooManyTries:
            return None
        token = self._connections.token(connection)
        about = About(connection_id=connection.id, institution_id=connection.plaid_institution_id)
        db.session.rollback()  # nothing stays open while the bank is asked
        try:
            answer = self._gateway.live_balances(token, about)
        except PlaidFailure as failure:
            self._connections.note_failure(connection_id, failure, cause="live balance")
            raise
        with unit_of_work() as unit:
            row = unit.lock_one(PlaidConnection, connection_id)
            if ConnectionState(row.state) in ENDED:
                raise NotFound
            self._connections.write_accounts(unit, row, answer.accounts)
        return self._ambient.now()

    def search_institutions(self, user_id: UserId, query: str) -> list[WireInstitution]:
        self._limiter.spend("search-institutions", user_id, SEARCH_LIMIT)
        return self._institutions.search(query)

    def request_syncs(self, user_id: UserId, connection_id: ConnectionId | None) -> list[SyncId]:
        """Ask for a sync of one connection or of all that can be read; raises NotFound, Paused, TooManyTries."""
        living = self._awake(user_id, connection_id).id if connection_id is not None else None
        self._limiter.spend("sync-now", living or user_id, SYNC_LIMIT)
        if living is not None:
            return [self._sync.request(living, Trigger.PERSON)]
        ids = db.session.scalars(
            select(PlaidConnection.id).where(
                PlaidConnection.user_id == user_id,
                PlaidConnection.environment == self._settings.environment.value,
                PlaidConnection.state.in_({state.value for state in READABLE}),
                PlaidConnection.paused_at.is_(None),
            )
        ).all()
        return [self._sync.request(found, Trigger.PERSON) for found in ids]

    # changing

    def mark_needs_reauth(self, connection_id: ConnectionId, *, cause: str) -> None:
        """Note that the bank wants the person to sign in, as a webhook may tell before any call does."""
        self._connections.note_failure(connection_id, PlaidFailure("ITEM_LOGIN_REQUIRED"), cause=cause)

    def rotate_access_token(self, user_id: UserId, connection_id: ConnectionId) -> None:
        """Have Plaid issue a new token and forget the old one."""
        self._connections.rotate_token(self._living(user_id, connection_id).id)

    def disconnect(self, user_id: UserId, connection_id: ConnectionId, *, keep_history: bool) -> None:
        """End a connection at once; Plaid is told until it confirms. Works while Plaid is down."""
        connection = self._owned(user_id, connection_id)
        if ConnectionState(connection.state) not in ENDED:
            self._trail.note(
                AuditAction.BANK_DISCONNECTED,
                actor=user_id,
                subject=user_id,
                target=connection_id,
                bank=connection.institution_name,
                history="kept" if keep_history else "deleted",
            )
        self._connections.disconnect(connection_id, keep_history=keep_history)

    def choose_account(self, user_id: UserId, account_id: AccountId, *, name: str, hidden: bool) -> None:
        """What the person calls an account and whether it counts; the bank's own name counts as none."""
        with unit_of_work() as unit:
            account = unit.session.get(PlaidAccount, account_id)
            if account is None or account.user_id != user_id:
                raise NotFound
            own_name = name if name and name != account.name else None
            row = {"account_id": account_id, "name": own_name, "hidden": hidden}
            upsert(unit.session, AccountChoice, [row], key=["account_id"])

    # how

    def _finish_update(self, session: LinkSession) -> Linked:
        """Update mode keeps item and token: nothing is exchanged, the truth is read from Plaid."""
        if session.connection_id is None:
            raise NotFound
        self._connections.check(session.connection_id, cause="reconnected")
        with unit_of_work() as unit:
            row = unit.lock_one(LinkSession, session.id)
            connection = unit.lock_one(PlaidConnection, session.connection_id)
            if connection.state in {ConnectionState.HEALTHY, ConnectionState.ATTENTION_SOON}:
                row.state, row.changed_at = LinkState.CONNECTED.value, self._ambient.now()
                connection.disconnect_at = None
                if session.purpose == Purpose.ACCOUNTS:
                    connection.new_accounts = False
                self._connections.settle_attention(unit, connection, cause="reconnected")
        return self._linking.linked(session.connection_id)

    def _owned(self, user_id: UserId, connection_id: ConnectionId) -> PlaidConnection:
        connection = db.session.get(PlaidConnection, connection_id)
        if connection is None or connection.user_id != user_id or connection.state == ConnectionState.MANUAL:
            raise NotFound
        return connection

    def _living(self, user_id: UserId, connection_id: ConnectionId) -> PlaidConnection:
        """The person's connection, if it can still be used in this environment."""
        connection = self._owned(user_id, connection_id)
        here = connection.environment == self._settings.environment.value
        if not here or ConnectionState(connection.state) in ENDED:
            raise NotFound
        return connection

    def _awake(self, user_id: UserId, connection_id: ConnectionId) -> PlaidConnection:
        """As `_living`, if its bank may be asked; raises Paused."""
        connection = self._living(user_id, connection_id)
        if connection.paused_at is not None:
            raise Paused
        return connection

    def _own_session(self, user_id: UserId, link_id: LinkId) -> LinkSession:
        session = db.session.get(LinkSession, link_id)
        if session is None or session.user_id != user_id:
            raise NotFound
        return session
