"""The people of this installation, for those who run it: ids and what they use, no names, no money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.auth.models import AuthSession
from mingus.auth.models import Role
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.db import db
from mingus.paging import Page
from mingus.paging import cut
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ENDED
from mingus.plaid.states import ConnectionState

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import ColumnElement
    from sqlalchemy import ScalarSelect


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One person; `masked` is just enough of the address to tell two apart."""

    id: UserId
    masked: str
    role: Role
    created_at: dt.datetime
    disabled_at: dt.datetime | None
    has_factor: bool
    last_seen_at: dt.datetime | None
    sessions: int
    connections: int


def page(
    *,
    environment: str,
    limit: int,
    role: Role | None = None,
    disabled: bool = False,
    after: UserId | None = None,
) -> Page[PersonRow, UserId]:
    """People by when they came; ids rise with time, so they are the key."""
    narrowed: list[ColumnElement[bool]] = []
    if role is not None:
        narrowed.append(User.role == role.value)
    if disabled:
        narrowed.append(User.disabled_at.is_not(None))
    if after is not None:
        narrowed.append(User.id < after)
    return cut(_rows(environment, *narrowed, limit=limit + 1), limit, lambda row: row.id)


def one(person_id: UserId, *, environment: str) -> PersonRow | None:
    return next(iter(_rows(environment, User.id == person_id, limit=1)), None)


def address_of(person_id: UserId) -> str:
    """The whole address; who asks for it has said why."""
    return str(db.session.scalar(select(User.email).where(User.id == person_id)))


def _rows(environment: str, *conditions: ColumnElement[bool], limit: int) -> list[PersonRow]:
    """Counts are asked for the people of the page only."""
    found = db.session.execute(
        select(User, _sessions(), _last_seen(), _connections(environment))
        .where(*conditions)
        .order_by(User.id.desc())
        .limit(limit)
    )
    return [
        PersonRow(
            id=user.id,
            masked=masked(user.email),
            role=Role(user.role),
            created_at=user.created_at,
            disabled_at=user.disabled_at,
            has_factor=user.factor_since is not None,
            last_seen_at=last_seen,
            sessions=sessions,
            connections=connections,
        )
        for user, sessions, last_seen, connections in found
    ]


def _sessions() -> ScalarSelect[int]:
    return select(func.count()).where(AuthSession.user_id == User.id).correlate(User).scalar_subquery()


def _last_seen() -> ScalarSelect[dt.datetime]:
    newest = select(func.max(AuthSession.last_seen_at)).where(AuthSession.user_id == User.id)
    return newest.correlate(User).scalar_subquery()


def _connections(environment: str) -> ScalarSelect[int]:
    ended = [state.value for state in (*ENDED, ConnectionState.MANUAL)]
    return (
        select(func.count())
        .select_from(PlaidConnection)
        .where(
            PlaidConnection.user_id == User.id,
            PlaidConnection.environment == environment,
            PlaidConnection.state.not_in(ended),
        )
        .correlate(User)
        .scalar_subquery()
    )


def masked(address: str) -> str:
    """`ada@mingus.test` as `a…@m….test`: tells two people apart and nobody who they are."""
    name, _, host = address.partition("@")
    domain, _, ending = host.rpartition(".")
    return f"{name[:1]}…@{domain[:1]}….{ending}"
