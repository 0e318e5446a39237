"""What pages read of people; the owner comes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from mingus.auth.models import ApiToken
from mingus.auth.models import ApiTokenId
from mingus.auth.models import AuthSession
from mingus.auth.models import SessionId
from mingus.auth.models import TokenScope
from mingus.auth.models import User
from mingus.db import db

if TYPE_CHECKING:
    import datetime as dt

    from mingus.auth.models import UserId


def everybody() -> list[UserId]:
    """Every person there is."""
    return list(db.session.scalars(select(User.id).order_by(User.id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """One signed-in browser as its owner sees it."""

    id: SessionId
    device: str
    network: str
    time_zone: str | None  # of its clock, if it said so
    remembered: bool
    created_at: dt.datetime
    last_seen_at: dt.datetime
    is_current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRow:
    """One token of a program as its owner sees it."""

    id: ApiTokenId
    name: str
    may_write: bool
    created_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None
    revoked: bool
    expired: bool

    @property
    def works(self) -> bool:
        return not (self.revoked or self.expired)


BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_name(agent: str) -> str:
    """Browser and system in two words, as far as the browser says."""
    browser = next((name for mark, name in BROWSERS if mark in agent), None)
    system = next((name for mark, name in SYSTEMS if mark in agent), None)
    if browser and system:
        return f"{browser} · {system}"
    return browser or system or agent.partition("/")[0][:40] or "?"


def sessions(user_id: UserId, *, current: SessionId, now: dt.datetime) -> list[SessionRow]:
    """The person's open sessions, this one first, then the latest used."""
    rows = db.session.scalars(
        select(AuthSession)
        .where(
            AuthSession.user_id == user_id,
            AuthSession.expires_at > now,
            AuthSession.awaits_factor.is_(False),
        )
        .order_by((AuthSession.id == current).desc(), AuthSession.last_seen_at.desc())
    )
    return [
        SessionRow(
            id=row.id,
            device=device_name(row.agent),
            network=row.address,
            time_zone=row.time_zone,
            remembered=row.remembered,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            is_current=row.id == current,
        )
        for row in rows
    ]


def api_tokens(user_id: UserId, *, now: dt.datetime) -> list[TokenRow]:
    """The person's tokens: those that work, the latest first, then those that no longer do."""
    rows = db.session.scalars(
        select(ApiToken)
        .where(ApiToken.user_id == user_id)
        .order_by(ApiToken.created_at.desc(), ApiToken.id.desc())
    )
    tokens = [
        TokenRow(
            id=row.id,
            name=row.name,
            may_write=row.scope == TokenScope.WRITE,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked=row.revoked_at is not None,
            expired=row.expires_at <= now,
        )
        for row in rows
    ]
    return sorted(tokens, key=lambda token: not token.works)


def person(email: str) -> User | None:
    """The person with this address, for the operator's commands."""
    return db.session.scalar(select(User).where(User.email == email))
