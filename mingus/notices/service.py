"""Notices for people: read in the app, mailed as one digest, by their own choice; expiring consents in time."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import func
from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import update

from mingus.auth.models import User
from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.notices.models import Notice
from mingus.notices.models import NoticeChoice
from mingus.notices.models import NoticeKind
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import READABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.db import Unit
    from mingus.mail import MailRoom
    from mingus.notices.board import NoticeBoard
    from mingus.plaid.models import ConnectionId

DAYS_BEFORE = (1, 7, 14)
DAY_SECONDS = 86_400
SHOWN = 50
SWEEP_SIZE = 100
PRESSING = frozenset({NoticeKind.RECONNECT, NoticeKind.EXPIRING, NoticeKind.ENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """One notice as it is shown."""

    id: str
    kind: NoticeKind
    facts: dict[str, Any]
    connection_id: ConnectionId | None
    at: dt.datetime
    fresh: bool  # not read yet
    over: bool

    @property
    def path(self) -> str:
        """The one page that does what the notice asks for."""
        if self.kind in {NoticeKind.RECONNECT, NoticeKind.EXPIRING}:
            return f"/connect?connection={self.connection_id}"
        if self.kind is NoticeKind.ENDED:
            return "/connect"
        return "/transactions" if self.kind is NoticeKind.IMPORTED else "/settings/devices"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How somebody hears of a kind."""

    in_app: bool = True
    by_mail: bool = True


class Notices:
    """Reads, marks, mails and chooses."""

    def __init__(self, *, ambient: Ambient, mail: MailRoom, board: NoticeBoard, base_url: str) -> None:
        self._ambient = ambient
        self._mail = mail
        self._board = board
        self._base_url = base_url

    # reading

    def of(self, user_id: UserId) -> list[NoticeRow]:
        """The person's notices, the newest first."""
        query = select(Notice).where(Notice.user_id == user_id, self._wanted(user_id))
        rows = db.session.scalars(query.order_by(Notice.created_at.desc(), Notice.id.desc()).limit(SHOWN))
        return [_row(notice) for notice in rows]

    def pressing(self, user_id: UserId) -> list[NoticeRow]:
        """What the person has to do something about, and has not yet."""
        return [row for row in self.of(user_id) if row.kind in PRESSING and not row.over]

    def unread(self, user_id: UserId) -> int:
        """How many there are that the person has not seen and that are still so."""
        query = select(func.count()).where(
            Notice.user_id == user_id,
            Notice.read_at.is_(None),
            Notice.over_at.is_(None),
            self._wanted(user_id),
        )
        return db.session.scalar(query) or 0

    def mark_read(self, user_id: UserId) -> None:
        with unit_of_work() as unit:
            unit.session.execute(
                update(Notice)
                .where(Notice.user_id == user_id, Notice.read_at.is_(None))
                .values(read_at=self._ambient.now())
            )

    # choosing

    def ways(self, user_id: UserId) -> dict[NoticeKind, Ways]:
        """How the person hears of each kind."""
        rows = db.session.scalars(select(NoticeChoice).where(NoticeChoice.user_id == user_id))
        chosen = {NoticeKind(row.kind): Ways(in_app=row.in_app, by_mail=row.by_mail) for row in rows}
        return {kind: chosen.get(kind, Ways()) for kind in NoticeKind}

    def choose(self, user_id: UserId, ways: Mapping[NoticeKind, Ways]) -> None:
        rows = [
            {"user_id": user_id, "kind": kind.value, "in_app": way.in_app, "by_mail": way.by_mail}
            for kind, way in ways.items()
        ]
        with unit_of_work() as unit:
            upsert(unit.session, NoticeChoice, rows, key=["user_id", "kind"])

    # mailing

    def digests_due(self) -> list[str]:
        """People for whom a digest is due; what the sweep asks for."""
        due = Notice.mail_due_at <= self._ambient.now()
        return list(db.session.scalars(select(Notice.user_id).where(due).distinct().limit(SWEEP_SIZE)))

    def send_digest(self, user_id: UserId) -> None:
        """Write one mail about all that is due, if the person wants it; each notice is in one mail at most."""
        now = self._ambient.now()
        by_mail = {kind for kind, way in self.ways(user_id).items() if way.by_mail}
        with unit_of_work() as unit:
            person = unit.lock(User, user_id)  # two workers: the second finds nothing due
            waiting = unit.session.scalars(
                select(Notice)
                .where(Notice.user_id == user_id, Notice.mail_due_at.is_not(None))
                .order_by(Notice.created_at, Notice.id)
                .execution_options(populate_existing=True)
            ).all()
            if person is None or not any(row.mail_due_at and row.mail_due_at <= now for row in waiting):
                return
            for row in waiting:
                row.mail_due_at = None
            told = [_row(row) for row in waiting if NoticeKind(row.kind) in by_mail]
            if told and person.disabled_at is None:
                self._mail.write(
                    unit,
                    "notices",
                    person.email,
                    name=person.display_name,
                    rows=told,
                    base_url=self._base_url,
                )

    # finding

    def find_expiring(self) -> None:
        """Tell of consents that end in 14, 7 and 1 days, each once."""
        now = self._ambient.now()
        horizon = now + dt.timedelta(days=max(DAYS_BEFORE))
        ending = select(PlaidConnection.id).where(
            PlaidConnection.state.in_({state.value for state in READABLE}),
            or_(
                PlaidConnection.consent_expires_at.between(now, horizon),
                PlaidConnection.disconnect_at.between(now, horizon),
            ),
        )
        for connection_id in db.session.scalars(ending).all():
            with unit_of_work() as unit:
                connection = unit.lock_one(PlaidConnection, connection_id)
                ends = [
                    end
                    for end in (connection.consent_expires_at, connection.disconnect_at)
                    if end is not None and end > now
                ]
                if ends:
                    self._tell_expiring(unit, connection, min(ends), now)

    def _tell_expiring(
        self, unit: Unit, connection: PlaidConnection, end: dt.datetime, now: dt.datetime
    ) -> None:
        days = math.ceil((end - now).total_seconds() / DAY_SECONDS)
        step = next((step for step in DAYS_BEFORE if days <= step), None)
        if step is None:
            return
        cause = f"{connection.id}:{end:%Y-%m-%d}:{step}"
        told = select(Notice.id).where(
            Notice.user_id == connection.user_id, Notice.cause == f"{NoticeKind.EXPIRING}:{cause}"
        )
        if unit.session.scalar(told) is not None:
            return
        self._board.take_off(unit, connection, NoticeKind.EXPIRING)  # of several, only the latest stands
        self._board.pin(
            unit,
            connection.user_id,
            NoticeKind.EXPIRING,
            cause,
            connection=connection,
            days=days,
            ends_on=f"{end:%Y-%m-%d}",
        )

    def _wanted(self, user_id: UserId) -> ColumnElement[bool]:
        unwanted = select(NoticeChoice.kind).where(
            NoticeChoice.user_id == user_id, NoticeChoice.in_app.is_(False)
        )
        return Notice.kind.not_in(unwanted)


def _row(notice: Notice) -> NoticeRow:
    return NoticeRow(
        id=notice.id,
        kind=NoticeKind(notice.kind),
        facts=notice.facts,
        connection_id=notice.connection_id,
        at=notice.created_at,
        fresh=notice.read_at is None and notice.over_at is None,
        over=notice.over_at is not None,
    )
