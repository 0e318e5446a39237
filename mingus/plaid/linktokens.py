"""Link tokens: what is asked of Plaid to open Link, and the session that remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import func
from sqlalchemy import select

from mingus import wall
from mingus.auth.models import User
from mingus.auth.sessions import hash_token
from mingus.config import LANGUAGES
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import MingusError
from mingus.errors import NotFound
from mingus.plaid.gateway import About
from mingus.plaid.linkjournal import FIRST_LOOK
from mingus.plaid.linkstates import LinkState
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import LinkId
from mingus.plaid.models import LinkSession
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from mingus.plaid.states import Purpose
from mingus.sealed import SecretKind
from mingus.vault import SecretGone

if TYPE_CHECKING:
    import datetime as dt

    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.config import Settings
    from mingus.plaid.gateway import PlaidGateway
    from mingus.vault import TokenVault


class ConnectionLimitReached(MingusError):
    """No more connections can be made here. Ask the people who run this MINGUS."""

    status = 409
    code = "connection_limit"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStart:
    """What a page needs to open Link."""

    link_id: LinkId
    link_token: str
    expiration: dt.datetime
    request_id: str
    connection_id: ConnectionId | None


class LinkTokens:
    """Asks for link tokens and keeps their sessions."""

    def __init__(
        self, *, settings: Settings, ambient: Ambient, vault: TokenVault, gateway: PlaidGateway
    ) -> None:
        self._settings = settings
        self._ambient = ambient
        self._vault = vault
        self._gateway = gateway

    def to_connect(self, user_id: UserId) -> LinkStart:
        """A token to connect a new bank; raises ConnectionLimitReached or PlaidFailure."""
        self._check_item_limit()
        first, *others = self._settings.products or ("transactions",)
        products = "transactions" if "transactions" in self._settings.products else first
        consented = [name for name in (first, *others) if name != products]
        request = {**self._link_request(user_id), "products": [products]}
        if consented:
            request["additional_consented_products"] = consented
        if products == "transactions":
            request["transactions"] = {"days_requested": self._settings.days_requested}
        if self._settings.webhook_url:
            request["webhook"] = self._settings.webhook_url
        return self._start_link(user_id, request, Purpose.CONNECT, None, About())

    def to_update(
        self, user_id: UserId, connection_id: ConnectionId, access_token: str, *, purpose: Purpose
    ) -> LinkStart:
        """A token for update mode: the same item, nothing to exchange afterwards."""
        request = {**self._link_request(user_id), "access_token": access_token}
        if purpose is Purpose.ACCOUNTS:
            request["update"] = {"account_selection_enabled": True}
        return self._start_link(user_id, request, purpose, connection_id, About(connection_id=connection_id))

    def resume(self, user_id: UserId) -> LinkStart | None:
        """The person's latest unfinished session, on whatever device it began; None: there is none."""
        session = db.session.scalar(
            select(LinkSession)
            .where(
                LinkSession.user_id == user_id,
                LinkSession.environment == self._settings.environment.value,
                LinkSession.state == LinkState.ISSUED.value,
                LinkSession.expires_at > self._ambient.now(),
                LinkSession.link_secret_id.is_not(None),
            )
            .order_by(LinkSession.created_at.desc())
            .limit(1)
        )
        if session is None or session.link_secret_id is None:
            return None
        try:
            token = self._vault.open(session.link_secret_id, SecretKind.LINK_TOKEN, session.id)
        except SecretGone:
            return None  # it was finished just now
        return LinkStart(
            link_id=session.id,
            link_token=token,
            expiration=session.expires_at,
            request_id="",
            connection_id=session.connection_id,
        )

    def latest(self, user_id: UserId) -> LinkId:
        """The person's newest session, for clients that don't name it; raises NotFound without any."""
        found = db.session.scalar(
            select(LinkSession.id)
            .where(
                LinkSession.user_id == user_id,
                LinkSession.environment == self._settings.environment.value,
                LinkSession.state.in_(
                    {LinkState.ISSUED.value, LinkState.RECEIVED.value, LinkState.CONNECTED.value}
                ),
            )
            .order_by(LinkSession.created_at.desc())
            .limit(1)
        )
        if found is None:
            raise NotFound
        return LinkId(found)

    def _link_request(self, user_id: UserId) -> dict[str, Any]:
        request: dict[str, Any] = {
            "client_name": self._settings.client_name,
            "language": self._language(user_id),
            "country_codes": list(self._settings.country_codes),
            "user": {"client_user_id": user_id},
        }
        if self._settings.oauth and self._settings.redirect_uri:
            request["redirect_uri"] = self._settings.redirect_uri
        return request

    def _language(self, user_id: UserId) -> str:
        """The person's own language where Plaid speaks it; English is nobody's choice, so the operator's stands."""
        locale = db.session.scalar(select(User.locale).where(User.id == user_id)) or "en"
        language = locale.partition("_")[0]
        return language if language != "en" and language in LANGUAGES else self._settings.language

    def _start_link(
        self,
        user_id: UserId,
        request: dict[str, Any],
        purpose: Purpose,
        connection_id: ConnectionId | None,
        about: About,
    ) -> LinkStart:
        db.session.rollback()  # nothing stays open while Plaid is asked
        answer = self._gateway.create_link_token(request, about)
        link_id, now = LinkId(self._ambient.new_id("lnk")), self._ambient.now()
        with unit_of_work() as unit:
            unit.session.add(
                LinkSession(
                    id=link_id,
                    user_id=user_id,
                    environment=self._settings.environment.value,
                    purpose=purpose.value,
                    connection_id=connection_id,
                    state=LinkState.ISSUED.value,
                    link_token_hash=hash_token(answer.link_token),
                    link_secret_id=self._vault.seal(unit, SecretKind.LINK_TOKEN, link_id, answer.link_token),
                    shown_accounts=[],
                    created_at=now,
                    changed_at=now,
                    expires_at=answer.expiration,
                    next_look_at=now + FIRST_LOOK if purpose is Purpose.CONNECT else None,
                    looks=0,
                )
            )
        return LinkStart(
            link_id=link_id,
            link_token=answer.link_token,
            expiration=answer.expiration,
            request_id=answer.request_id,
            connection_id=connection_id,
        )

    def _check_item_limit(self) -> None:
        limit = self._settings.item_limit
        if limit is None:
            return
        of_everybody = (
            select(func.count())
            .select_from(PlaidConnection)
            .where(
                PlaidConnection.environment == self._settings.environment.value,
                PlaidConnection.state != ConnectionState.MANUAL.value,
            )
        )
        with wall.beyond() as connection:
            made = connection.scalar(of_everybody)
        if (made or 0) >= limit:  # removed ones count: Plaid does not give the place back
            raise ConnectionLimitReached
