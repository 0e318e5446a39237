"""The audit trail: who did what to whose account, append-only, each event chained to the one before by its hash.

The chain holds no person. Who acted and what it was about stand in two groups of columns, each committed to by a
salted hash; the chain binds the two hashes. When somebody leaves, their groups are blanked together with the salts:
nothing about them can be told or guessed any more, and the chain still verifies (decision 020).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger
from sqlalchemy import Index
from sqlalchemy import String
from sqlalchemy import Text
from sqlalchemy import insert
from sqlalchemy import select
from sqlalchemy import update
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.db import Base
from mingus.db import db
from mingus.db import unit_of_work
from mingus.paging import Page
from mingus.paging import cut

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Mapping

    from mingus.ambient import Ambient
    from mingus.db import Unit

log = logging.getLogger(__name__)

HASH_LENGTH = 64
BATCH = 1000
TRAIL = "trail"
MOST_PROBLEMS = 20


class AuditAction(StrEnum):
    """What can be told of. A value is part of the chain: it is never renamed."""

    REGISTERED = "registered"
    INVITED = "invited"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    SESSION_ENDED = "session_ended"
    SESSIONS_ENDED = "sessions_ended"
    FACTOR_FAILED = "factor_failed"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    FACTORS_RESET = "factors_reset"
    CODES_MADE = "codes_made"
    CODE_USED = "code_used"
    LEFT = "left"
    CONFIRMED = "confirmed"
    CONFIRMATION_FAILED = "confirmation_failed"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET = "password_reset"
    RESET_ASKED = "reset_asked"
    EMAIL_CHANGE_ASKED = "email_change_asked"
    EMAIL_CHANGED = "email_changed"
    TOKEN_MADE = "token_made"
    TOKEN_REVOKED = "token_revoked"
    BANK_CONNECTED = "bank_connected"
    BANK_DISCONNECTED = "bank_disconnected"
    EXPORTED = "exported"
    ROLE_CHANGED = "role_changed"
    DISABLED = "disabled"
    ENABLED = "enabled"
    WEBHOOKS_REPLAYED = "webhooks_replayed"
    SYNC_ASKED = "sync_asked"
    PERSON_SHOWN = "person_shown"
    BODY_SHOWN = "body_shown"
    REREAD_ASKED = "reread_asked"
    SYNCS_PAUSED = "syncs_paused"
    SYNCS_RESUMED = "syncs_resumed"
    ASIDE_RETRIED = "aside_retried"
    BACKUP_ASKED = "backup_asked"


class AuditEvent(Base):
    """One thing that happened. Triggers refuse every change but the blanking of a group."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index(None, "subject_id", "seq"),
        Index(None, "actor_id", "seq"),
        Index(None, "action", "seq"),
        Index(None, "at", "seq"),
    )
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime]
    action: Mapped[str] = mapped_column(String(40))
    # who acted; nobody for the operator's commands and for strangers
    actor_id: Mapped[str | None] = mapped_column(String(32))
    request_id: Mapped[str | None] = mapped_column(String(40))
    address: Mapped[str | None] = mapped_column(String(45))  # shortened to its network
    actor_salt: Mapped[str | None] = mapped_column(String(HASH_LENGTH))
    actor_mark: Mapped[str] = mapped_column(String(HASH_LENGTH))
    # whose account it was about, and what of it
    subject_id: Mapped[str | None] = mapped_column(String(32))
    target: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(300))
    facts: Mapped[str | None] = mapped_column(Text)  # JSON as it was hashed
    subject_salt: Mapped[str | None] = mapped_column(String(HASH_LENGTH))
    subject_mark: Mapped[str] = mapped_column(String(HASH_LENGTH))
    hash: Mapped[str] = mapped_column(String(HASH_LENGTH))


class AuditHead(Base):
    """Where the chain ends: its one row is what writers wait for."""

    __tablename__ = "audit_heads"
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(HASH_LENGTH))


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an act comes from: the request and the network it came by; empty for commands and workers."""

    request_id: str | None = None
    address: str | None = None


ORIGIN: ContextVar[Origin] = ContextVar("mingus_audit_origin", default=Origin())  # noqa: B039 (frozen)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which events: each that is set narrows further."""

    subject_id: str | None = None
    actor_id: str | None = None
    action: AuditAction | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One event as pages show it; what was blanked is None."""

    seq: int
    at: dt.datetime
    action: AuditAction
    actor_id: str | None
    subject_id: str | None
    target: str | None
    reason: str | None
    facts: dict[str, str | int]
    request_id: str | None
    address: str | None
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What a walk along the chain found. `problems` is empty when it holds."""

    total: int
    blanked: int
    head: str
    problems: tuple[str, ...]


class AuditTrail:
    """Adds events, reads them, blanks a person who leaves, and checks the chain."""

    def __init__(self, ambient: Ambient) -> None:
        self._ambient = ambient

    def record(
        self,
        unit: Unit,
        action: AuditAction,
        *,
        actor: str | None,
        subject: str | None,
        target: str | None = None,
        reason: str | None = None,
        **facts: str | int,
    ) -> None:
        """Have the event written with the caller's unit: both or neither.

        The head of the chain is locked last, just before the commit, so writers wait for a few statements only.
        """
        origin = ORIGIN.get()
        who = {"actor_id": actor, "request_id": origin.request_id, "address": origin.address}
        about = {
            "subject_id": subject,
            "target": target,
            "reason": reason[:300] if reason else None,
            "facts": json.dumps(facts, sort_keys=True, ensure_ascii=False) if facts else None,
        }
        salts = {"actor_salt": self._ambient.token(), "subject_salt": self._ambient.token()}
        row = {"at": self._ambient.now(), "action": action.value, **who, **about, **salts}
        row["actor_mark"] = _mark(salts["actor_salt"], who)
        row["subject_mark"] = _mark(salts["subject_salt"], about)
        unit.before_commit(lambda: _append(unit, row))

    def note(
        self,
        action: AuditAction,
        *,
        actor: str | None,
        subject: str | None,
        target: str | None = None,
        reason: str | None = None,
        **facts: str | int,
    ) -> None:
        """Record an event in a unit of its own, before an act that takes several units or none."""
        with unit_of_work() as unit:
            self.record(unit, action, actor=actor, subject=subject, target=target, reason=reason, **facts)

    def page(self, wanted: AuditFilter, *, limit: int, after: int | None = None) -> Page[AuditRow, int]:
        """Events that the filter leaves, newest first, older than the key `after`; one query on an index."""
        query = select(AuditEvent).order_by(AuditEvent.seq.desc()).limit(limit + 1)
        if wanted.subject_id is not None:
            query = query.where(AuditEvent.subject_id == wanted.subject_id)
        if wanted.actor_id is not None:
            query = query.where(AuditEvent.actor_id == wanted.actor_id)
        if wanted.action is not None:
            query = query.where(AuditEvent.action == wanted.action.value)
        if wanted.since is not None:
            query = query.where(AuditEvent.at >= wanted.since)
        if wanted.until is not None:
            query = query.where(AuditEvent.at < wanted.until)
        if after is not None:
            query = query.where(AuditEvent.seq < after)
        return cut([_shown(event) for event in db.session.scalars(query)], limit, lambda row: row.seq)

    def blank(self, unit: Unit, user_id: str) -> None:
        """Forget who a person was in everything they did and everything done to their account."""
        unit.session.execute(
            update(AuditEvent)
            .where(AuditEvent.actor_id == user_id)
            .values(actor_id=None, request_id=None, address=None, actor_salt=None)
        )
        unit.session.execute(
            update(AuditEvent)
            .where(AuditEvent.subject_id == user_id)
            .values(subject_id=None, target=None, reason=None, facts=None, subject_salt=None)
        )

    def verify(self) -> AuditReport:
        """Walk the whole chain: every hash, every commitment that was not blanked, no gap, and the head."""
        total, blanked, problems = 0, 0, []
        seq, tip = 0, ""
        for event in _all_events():
            total += 1
            blanked += event.actor_salt is None or event.subject_salt is None
            if event.seq != seq + 1:
                problems.append(f"{seq + 1}: missing")
            if event.hash != _link(
                tip, event.seq, event.at, event.action, event.actor_mark, event.subject_mark
            ):
                problems.append(f"{event.seq}: the hash is not of this event after the one before")
            if not _keeps_its_word(event):
                problems.append(f"{event.seq}: what it tells is not what was recorded")
            seq, tip = event.seq, event.hash
        head = db.session.get(AuditHead, TRAIL, populate_existing=True)
        if (head.seq, head.hash) != (seq, tip) if head is not None else total:
            problems.append("the end of the chain is missing")
        return AuditReport(total=total, blanked=blanked, head=tip, problems=tuple(problems[:MOST_PROBLEMS]))


def _append(unit: Unit, row: Mapping[str, object]) -> None:
    """Lock the head, which gives number and hash of the last event, and put this one after it."""
    dialect = postgresql if unit.session.get_bind().dialect.name == "postgresql" else sqlite
    begin = dialect.insert(AuditHead).values(name=TRAIL, seq=1, hash="")
    bump = begin.on_conflict_do_update(index_elements=["name"], set_={"seq": AuditHead.seq + 1})
    seq, tip = unit.session.execute(bump.returning(AuditHead.seq, AuditHead.hash)).one()
    fresh = _link(tip, seq, row["at"], row["action"], row["actor_mark"], row["subject_mark"])
    unit.session.execute(insert(AuditEvent).values(seq=seq, hash=fresh, **row))
    unit.session.execute(update(AuditHead).where(AuditHead.name == TRAIL).values(hash=fresh))
    # logs leave the machine sooner than a database: who rewrites the chain would have to rewrite them too
    unit.after_commit(lambda: log.info("audited", extra={"action": row["action"], "seq": seq, "hash": fresh}))


def _link(tip: str, seq: int, at: object, action: object, actor_mark: object, subject_mark: object) -> str:
    instant = at.astimezone(dt.UTC).isoformat(timespec="microseconds") if isinstance(at, dt.datetime) else at
    words = json.dumps([tip, seq, instant, action, actor_mark, subject_mark])
    return hashlib.sha256(words.encode()).hexdigest()


def _mark(salt: str, words: dict[str, str | None]) -> str:
    text = json.dumps([salt, words], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _keeps_its_word(event: AuditEvent) -> bool:
    """Each group is as it was committed to, or blank as a whole."""
    who = {"actor_id": event.actor_id, "request_id": event.request_id, "address": event.address}
    about = {
        "subject_id": event.subject_id,
        "target": event.target,
        "reason": event.reason,
        "facts": event.facts,
    }
    groups = ((event.actor_salt, who, event.actor_mark), (event.subject_salt, about, event.subject_mark))
    return all(
        not any(words.values()) if salt is None else _mark(salt, words) == mark
        for salt, words, mark in groups
    )


def _all_events() -> Iterator[AuditEvent]:
    last = 0
    while batch := db.session.scalars(
        select(AuditEvent).where(AuditEvent.seq > last).order_by(AuditEvent.seq).limit(BATCH)
    ).all():
        last = batch[-1].seq
        yield from batch
        db.session.expunge_all()  # a long walk keeps no event it has seen


def _shown(event: AuditEvent) -> AuditRow:
    return AuditRow(
        seq=event.seq,
        at=event.at,
        action=AuditAction(event.action),
        actor_id=event.actor_id,
        subject_id=event.subject_id,
        target=event.target,
        reason=event.reason,
        facts=json.loads(event.facts) if event.facts else {},
        request_id=event.request_id,
        address=event.address,
        hash=event.hash,
    )
