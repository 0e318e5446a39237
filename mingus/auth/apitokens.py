"""Tokens of a person's programs: made and shown once, found by their hash, limited in what and how long."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete
from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import update

from mingus.audit import AuditAction
from mingus.auth.failures import TokenNameTaken
from mingus.auth.failures import TokenRefused
from mingus.auth.failures import TooManyTokens
from mingus.auth.models import ApiToken
from mingus.auth.models import ApiTokenId
from mingus.auth.models import Role
from mingus.auth.models import SessionId
from mingus.auth.models import TokenScope
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.auth.sessions import SEEN_STEP
from mingus.auth.sessions import Visitor
from mingus.auth.sessions import hash_token
from mingus.db import Unit
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.limits import Limit

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.audit import AuditTrail
    from mingus.limits import Limiter

PREFIX = "mgs_"
MOST_TOKENS = 20
WRONG_LIMIT = Limit(count=20, seconds=300)
KEPT_AFTER_END = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A program that was let in: for whom it speaks, and what it may do."""

    visitor: Visitor
    scope: TokenScope


class ApiTokens:
    """Makes, admits and revokes tokens."""

    def __init__(self, *, ambient: Ambient, limiter: Limiter, trail: AuditTrail) -> None:
        self._ambient = ambient
        self._trail = trail
        self._limiter = limiter

    def make(self, user_id: UserId, *, name: str, scope: TokenScope, lifetime: dt.timedelta) -> str:
        """Add a token and give it, which is nowhere else; raises TokenNameTaken or TooManyTokens."""
        now, token = self._ambient.now(), PREFIX + self._ambient.token()
        with unit_of_work() as unit:
            unit.lock_one(User, user_id)  # two at once must not pass the limit together
            names = unit.session.scalars(
                select(ApiToken.name).where(
                    ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
                )
            ).all()
            if name in names:
                raise TokenNameTaken
            if len(names) >= MOST_TOKENS:
                raise TooManyTokens
            unit.session.add(
                ApiToken(
                    id=ApiTokenId(self._ambient.new_id("tok")),
                    token_hash=hash_token(token),
                    user_id=user_id,
                    name=name,
                    scope=scope.value,
                    created_at=now,
                    expires_at=now + lifetime,
                )
            )
            self._trail.record(
                unit, AuditAction.TOKEN_MADE, actor=user_id, subject=user_id, name=name, scope=scope.value
            )
        return token

    def admit(self, token: str, *, network: str) -> Pass:
        """Who sent `token`, and its use is noted at most once a minute; raises TokenRefused.

        Only wrong ones are counted, so that those who guess don't shut out their neighbours: from too many
        on, a wrong one raises TooManyTries.
        """
        now = self._ambient.now()
        found = db.session.execute(
            select(ApiToken, User)
            .join(User, User.id == ApiToken.user_id)
            .where(
                ApiToken.token_hash == hash_token(token),
                ApiToken.revoked_at.is_(None),
                ApiToken.expires_at > now,
                User.disabled_at.is_(None),
            )
        ).one_or_none()
        if found is None:
            self._limiter.spend("api-token", network, WRONG_LIMIT)
            raise TokenRefused
        row, user = found
        admitted = Pass(visitor=_visitor(row, user), scope=TokenScope(row.scope))
        if row.last_used_at is None or now - row.last_used_at >= SEEN_STEP:
            with unit_of_work() as unit:
                unit.session.execute(update(ApiToken).where(ApiToken.id == row.id).values(last_used_at=now))
        return admitted

    def revoke(self, user_id: UserId, token_id: ApiTokenId) -> None:
        """End one of the person's tokens, again without harm; raises NotFound."""
        mine = (ApiToken.user_id == user_id, ApiToken.id == token_id)
        with unit_of_work() as unit:
            name = unit.session.scalar(select(ApiToken.name).where(*mine))
            if name is None:
                raise NotFound
            revoked = unit.session.execute(
                update(ApiToken)
                .where(*mine, ApiToken.revoked_at.is_(None))
                .values(revoked_at=self._ambient.now())
            )
            if revoked.rowcount:  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
                self._trail.record(unit, AuditAction.TOKEN_REVOKED, actor=user_id, subject=user_id, name=name)

    def revoke_all(self, unit: Unit, user_id: UserId) -> None:
        """End all of the person's tokens in the caller's unit."""
        unit.session.execute(
            update(ApiToken)
            .where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
            .values(revoked_at=self._ambient.now())
        )

    def forget_old(self) -> None:
        """Delete what ended long enough ago that nobody asks what it was."""
        before = self._ambient.now() - KEPT_AFTER_END
        with unit_of_work() as unit:
            unit.session.execute(
                delete(ApiToken).where(or_(ApiToken.expires_at < before, ApiToken.revoked_at < before))
            )


def _visitor(row: ApiToken, user: User) -> Visitor:
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
        token="",
        session_id=SessionId(""),
        authenticated_at=row.created_at,
        seen_at=row.last_used_at or row.created_at,
        has_factor=user.factor_since is not None,
    )
