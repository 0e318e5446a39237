"""Sessions on the server: opened at sign-in, found by the hash of their token, ended in one request."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from dataclasses import field
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy import select
from sqlalchemy import update

from mingus.auth.models import AuthSession
from mingus.auth.models import Role
from mingus.auth.models import SessionId
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.db import Unit
from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import write_if_easy

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.notices.board import NoticeBoard

IDLE = dt.timedelta(minutes=30)
LIFETIME = dt.timedelta(hours=12)
HALF_LIFETIME = dt.timedelta(minutes=10)
REMEMBERED_IDLE = dt.timedelta(days=14)
REMEMBERED_LIFETIME = dt.timedelta(days=60)
FRESH = dt.timedelta(minutes=10)  # for how long a sign-in is proof enough for dangerous acts
SEEN_STEP = dt.timedelta(minutes=1)
AGENT_LENGTH = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """The signed-in person of one request, as Flask-Login and the templates see them.

    A program that came with one of the person's tokens has no session.
    """

    id: UserId
    email: str
    display_name: str
    role: Role
    time_zone: str
    locale: str
    currency: str
    theme: str
    hides_amounts: bool
    token: str
    session_id: SessionId
    authenticated_at: dt.datetime
    seen_at: dt.datetime
    has_factor: bool
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    @property
    def is_admin(self) -> bool:
        return self.role is Role.ADMIN

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie: the session's token, not the person's id."""
        return self.token


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a browser needs to be somebody: the session's token, and the device cookie that it is bound to."""

    token: str = field(repr=False)
    device: str = field(repr=False)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(maxsize=4096)  # the same few ask again and again
def network_of(address: str | None) -> str:
    """An address shortened to its network: enough to recognise a place, too little to trace a person."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    prefix = 24 if ip.version == 4 else 48
    return str(ipaddress.ip_network((ip, prefix), strict=False).network_address)


class Devices:
    """Cookies that tell a person's own browsers from strangers', without a row: they only choose whose tries count."""

    def __init__(self, *, ambient: Ambient, keys: tuple[str, ...]) -> None:
        self._ambient = ambient
        self._keys = keys

    def issue(self, user_id: UserId) -> str:
        """A cookie for a browser that has just signed in."""
        nonce = self._ambient.token()
        return f"{nonce}.{self._seal(self._keys[0], user_id, nonce)}"

    def nonce(self, cookie: str, user_id: UserId) -> str | None:
        """The browser's own number if the cookie was issued for that person here."""
        nonce, _, seal = cookie.partition(".")
        if not nonce or not seal.isascii():
            return None
        good = [hmac.compare_digest(seal, self._seal(key, user_id, nonce)) for key in self._keys]
        return nonce if any(good) else None

    def _seal(self, key: str, user_id: UserId, nonce: str) -> str:
        return hmac.new(key.encode(), f"device|{user_id}|{nonce}".encode(), hashlib.sha256).hexdigest()


class SessionBook:
    """Opens, finds and ends sessions."""

    def __init__(self, ambient: Ambient, board: NoticeBoard, devices: Devices) -> None:
        self._ambient = ambient
        self._board = board
        self._devices = devices

    def open(
        self,
        unit: Unit,
        user_id: UserId,
        *,
        remembered: bool,
        agent: str,
        address: str | None,
        zone: str = "",
        goes_on: bool = False,
        awaits_factor: bool = False,
    ) -> Keys:
        """Add a session to the caller's unit and give its keys, which are nowhere else.

        Of a new kind of device its owner is told, unless it goes on where another session of it ended. A half
        session is bound to no browser yet: who answers its question gets keys of their own.
        """
        now, keys = self._ambient.now(), self._keys(user_id)
        lifetime = REMEMBERED_LIFETIME if remembered else LIFETIME
        if not goes_on and not awaits_factor:
            self._board.note_device(unit, user_id, agent)
        unit.session.add(
            AuthSession(
                id=SessionId(self._ambient.new_id("ses")),
                token_hash=hash_token(keys.token),
                user_id=user_id,
                remembered=remembered,
                agent=agent[:AGENT_LENGTH],
                address=network_of(address),
                time_zone=zone or None,
                created_at=now,
                authenticated_at=now,
                last_seen_at=now,
                expires_at=now + (HALF_LIFETIME if awaits_factor else lifetime),
                awaits_factor=awaits_factor,
                device_hash=None if awaits_factor else hash_token(keys.device),
            )
        )
        return keys

    def visitor(self, token: str, device: str) -> Visitor | None:
        """Who holds `token` and `device`, the cookie of the browser that it was opened in.

        None when the session is unknown, another browser's, idle too long, expired, or the person disabled.
        """
        row = db.session.execute(
            select(AuthSession, User)
            .join(User, User.id == AuthSession.user_id)
            .where(AuthSession.token_hash == hash_token(token), AuthSession.awaits_factor.is_(False))
        ).one_or_none()
        if row is None:
            return None
        session, user = row
        if session.device_hash is not None and not hmac.compare_digest(
            session.device_hash, hash_token(device)
        ):
            return None
        now = self._ambient.now()
        idle = REMEMBERED_IDLE if session.remembered else IDLE
        if user.disabled_at is not None or now >= session.expires_at or now - session.last_seen_at > idle:
            return None
        return Visitor(
            id=user.id,
            email=user.email,
            display_name=user.display_name,
            role=Role(user.role),
            time_zone=user.time_zone,
            locale=user.locale,
            currency=user.currency,
            theme=user.theme,
            hides_amounts=user.hides_amounts,
            token=token,
            session_id=session.id,
            authenticated_at=session.authenticated_at,
            seen_at=session.last_seen_at,
            has_factor=user.factor_since is not None,
        )

    def half(self, token: str) -> AuthSession | None:
        """The session that waits for a second factor, while it may."""
        return db.session.scalar(
            select(AuthSession).where(
                AuthSession.token_hash == hash_token(token),
                AuthSession.awaits_factor.is_(True),
                AuthSession.expires_at > self._ambient.now(),
            )
        )

    def renew(self, unit: Unit, visitor: Visitor) -> Keys:
        """Give a session that has just proved itself new keys, in the caller's unit; the old ones are dead."""
        keys = self._keys(visitor.id)
        unit.session.execute(
            update(AuthSession)
            .where(AuthSession.id == visitor.session_id)
            .values(
                token_hash=hash_token(keys.token),
                device_hash=hash_token(keys.device),
                authenticated_at=self._ambient.now(),
            )
        )
        return keys

    def zone_of(self, session_id: SessionId) -> str:
        """What the clock of the session's browser said; empty when it said nothing."""
        return db.session.scalar(select(AuthSession.time_zone).where(AuthSession.id == session_id)) or ""

    def note_seen(self, visitor: Visitor) -> None:
        """Remember that the session is in use, at most once a minute."""
        now = self._ambient.now()
        if now - visitor.seen_at < SEEN_STEP:
            return
        # a page that only reads must not fail, or wait, because this can't be written
        write_if_easy(
            update(AuthSession).where(AuthSession.id == visitor.session_id).values(last_seen_at=now)
        )

    def end(self, unit: Unit, user_id: UserId, session_id: SessionId) -> bool:
        """End one of the person's sessions in the caller's unit; False when they have none of that id."""
        found = unit.session.execute(
            delete(AuthSession).where(AuthSession.id == session_id, AuthSession.user_id == user_id)
        )
        return bool(found.rowcount)  # type: ignore[attr-defined]  # a DELETE gives a CursorResult

    def end_others(self, unit: Unit, user_id: UserId, *, keep: SessionId | None) -> None:
        """End all of the person's sessions but `keep`, in the caller's unit."""
        statement = delete(AuthSession).where(AuthSession.user_id == user_id)
        if keep is not None:
            statement = statement.where(AuthSession.id != keep)
        unit.session.execute(statement)

    def _keys(self, user_id: UserId) -> Keys:
        return Keys(token=self._ambient.token(), device=self._devices.issue(user_id))

    def forget_expired(self) -> None:
        with unit_of_work() as unit:
            unit.session.execute(delete(AuthSession).where(AuthSession.expires_at < self._ambient.now()))
