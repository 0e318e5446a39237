"""Where the other parts pin what people should know, in the unit of work that makes it true."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import re
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import upsert
from mingus.jobs import JobKind
from mingus.notices.models import KnownDevice
from mingus.notices.models import Notice
from mingus.notices.models import NoticeKind
from mingus.plaid.states import ENDED
from mingus.plaid.states import ConnectionState

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.db import Unit
    from mingus.jobs import Jobs
    from mingus.plaid.models import PlaidConnection

log = logging.getLogger(__name__)

GATHER = dt.timedelta(minutes=10)  # what comes within is one mail
VERSIONS = re.compile(r"[\d._]+")
WORKING = frozenset({ConnectionState.HEALTHY, ConnectionState.ATTENTION_SOON})
BEGINNING = frozenset({ConnectionState.LINKING, ConnectionState.IMPORTING})


class NoticeBoard:
    """Pins notices and takes them off; the same cause twice is one notice."""

    def __init__(self, *, ambient: Ambient, jobs: Jobs) -> None:
        self._ambient = ambient
        self._jobs = jobs

    def pin(
        self,
        unit: Unit,
        user_id: UserId,
        kind: NoticeKind,
        cause: str,
        *,
        connection: PlaidConnection | None = None,
        **facts: str | int,
    ) -> None:
        """Tell the person in the app, and by the next digest; nothing happens when this cause was told."""
        now = self._ambient.now()
        urgent = kind is NoticeKind.NEW_DEVICE
        if connection is not None:
            facts["bank"] = connection.institution_name
        row = {
            "id": self._ambient.new_id("note"),
            "user_id": user_id,
            "kind": kind.value,
            "cause": f"{kind}:{cause}"[:120],
            "connection_id": connection.id if connection is not None else None,
            "facts": facts,
            "created_at": now,
            "mail_due_at": now if urgent else now + GATHER,
        }
        upsert(unit.session, Notice, [row], key=["user_id", "cause"], keep=list(row))
        unit.after_commit(lambda: log.info("notice pinned", extra={"kind": kind.value, "user_id": user_id}))
        if urgent:
            unit.after_commit(lambda: self._jobs.enqueue(JobKind.DIGEST, user_id=user_id))

    def follow(
        self, unit: Unit, connection: PlaidConnection, before: ConnectionState, after: ConnectionState
    ) -> None:
        """Say what a change of state means for the person, and take off what is no longer so."""
        at = self._ambient.now().isoformat()
        if after is ConnectionState.NEEDS_SIGN_IN:
            kind, cause = NoticeKind.RECONNECT, f"{connection.id}:{at}"
        elif after is ConnectionState.REVOKED:
            kind, cause = NoticeKind.ENDED, connection.id
        elif before in BEGINNING and after in WORKING:
            kind, cause = NoticeKind.IMPORTED, connection.id
        else:
            kind, cause = None, ""
        if after in WORKING or after in ENDED:
            self.take_off(unit, connection, NoticeKind.RECONNECT)
        if after is ConnectionState.HEALTHY or after in ENDED:
            self.take_off(unit, connection, NoticeKind.EXPIRING)
        if kind is not None:
            self.pin(unit, connection.user_id, kind, cause, connection=connection)

    def take_off(self, unit: Unit, connection: PlaidConnection, kind: NoticeKind) -> None:
        """It is no longer so: out of sight, and not mailed any more."""
        unit.session.execute(
            update(Notice)
            .where(
                Notice.user_id == connection.user_id,
                Notice.connection_id == connection.id,
                Notice.kind == kind.value,
                Notice.over_at.is_(None),
            )
            .values(over_at=self._ambient.now(), mail_due_at=None)
        )

    def note_device(self, unit: Unit, user_id: UserId, agent: str) -> None:
        """Remember what somebody signs in with, and tell of a kind that is new beside known ones."""
        device = hashlib.sha256(VERSIONS.sub("", agent).encode()).hexdigest()
        known = select(func.count()).select_from(KnownDevice).where(KnownDevice.user_id == user_id)
        others = unit.session.scalar(known.where(KnownDevice.device != device)) or 0
        same = unit.session.scalar(known.where(KnownDevice.device == device)) or 0
        if same:
            return
        row = {"user_id": user_id, "device": device, "first_seen_at": self._ambient.now()}
        upsert(unit.session, KnownDevice, [row], key=["user_id", "device"], keep=["first_seen_at"])
        if others:
            self.pin(unit, user_id, NoticeKind.NEW_DEVICE, device[:40])
