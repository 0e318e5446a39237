"""What happened with a person's banks, day by day: what came, what went wrong, what happens next."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import select

from mingus.db import db
from mingus.plaid.failures import Action
from mingus.plaid.failures import advice
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ENDED
from mingus.plaid.states import ConnectionState

if TYPE_CHECKING:
    import datetime as dt

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import SyncId
    from mingus.plaid.models import ConnectionId


class Kind(StrEnum):
    """What a sync came to, for a person."""

    IMPORT = "import"  # the first rows of a bank
    CHANGED = "changed"
    QUIET = "quiet"  # nothing new; several in a row are one line
    FAILED = "failed"  # likewise, while the reason is the same
    RUNNING = "running"
    WAITING = "waiting"


@dataclass(slots=True, kw_only=True)
class Happening:
    """One line: a sync, or several in a row that came to the same."""

    kind: Kind
    at: dt.datetime
    times: int = 1
    by_person: bool = False
    added: int = 0
    modified: int = 0
    removed: int = 0
    set_aside: int = 0  # rows that could not be read
    parked: int = 0  # rows that wait for their account
    fetched: int = 0
    sentence: str | None = None
    action: Action = Action.NONE
    error_code: str | None = None
    request_id: str | None = None


@dataclass(slots=True, kw_only=True)
class BankDay:
    """What happened with one bank on one day, newest first."""

    connection_id: ConnectionId
    institution_name: str
    is_current: bool  # the newest of this bank that is shown: here stands what happens next
    ended: bool
    needs_person: bool
    next_try_at: dt.datetime | None
    happenings: list[Happening] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Day:
    """One day in the person's zone."""

    date: dt.date
    banks: list[BankDay] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage:
    """Some days, newest first, and the key that older ones come after."""

    days: tuple[Day, ...]
    next: SyncId | None


def activity(
    user_id: UserId, *, environment: str, zone: str, now: dt.datetime, limit: int, after: SyncId | None = None
) -> ActivityPage:
    """A page of the person's syncs in plain words; one query."""
    statement = (
        select(PlaidSyncLog, PlaidConnection)
        .join(PlaidConnection, PlaidConnection.id == PlaidSyncLog.connection_id)
        .where(
            PlaidSyncLog.user_id == user_id,
            PlaidConnection.environment == environment,
            PlaidSyncLog.status != SyncStatus.SUPERSEDED.value,
        )
    )
    if after is not None:
        statement = statement.where(PlaidSyncLog.id < after)
    found = db.session.execute(statement.order_by(PlaidSyncLog.id.desc()).limit(limit + 1)).all()
    days: list[Day] = []
    seen: set[ConnectionId] = set()
    for log, connection in found[:limit]:
        happening = _happening(log)
        date = happening.at.astimezone(ZoneInfo(zone)).date()
        if not days or days[-1].date != date:
            days.append(Day(date=date))
        bank = next((bank for bank in days[-1].banks if bank.connection_id == connection.id), None)
        if bank is None:
            bank = _bank(connection, now, is_current=after is None and connection.id not in seen)
            days[-1].banks.append(bank)
            seen.add(connection.id)
        _append(bank.happenings, happening)
    return ActivityPage(days=tuple(days), next=found[limit - 1][0].id if len(found) > limit else None)


def _bank(connection: PlaidConnection, now: dt.datetime, *, is_current: bool) -> BankDay:
    until = connection.lease_until
    waits = connection.wanted_seq > connection.done_seq and until is not None and until > now
    return BankDay(
        connection_id=connection.id,
        institution_name=connection.institution_name,
        is_current=is_current,
        ended=connection.state in ENDED,
        needs_person=connection.state == ConnectionState.NEEDS_SIGN_IN,
        next_try_at=until if waits and connection.state not in ENDED else None,
    )


def _happening(log: PlaidSyncLog) -> Happening:
    happening = Happening(
        kind=_kind(log),
        at=log.finished_at or log.started_at or log.requested_at,
        by_person=log.trigger == Trigger.PERSON,
        added=log.added,
        modified=log.modified,
        removed=log.removed,
        set_aside=log.quarantined,
        parked=log.parked,
        fetched=log.fetched,
    )
    if log.status == SyncStatus.FAILED:
        known = advice(None, log.error_code)
        happening.sentence, happening.action = known.sentence, known.action
        happening.error_code, happening.request_id = log.error_code, log.error_request_id
    return happening


def _kind(log: PlaidSyncLog) -> Kind:
    simple = {
        SyncStatus.WAITING.value: Kind.WAITING,
        SyncStatus.RUNNING.value: Kind.RUNNING,
        SyncStatus.FAILED.value: Kind.FAILED,
    }
    if log.status in simple:
        return simple[log.status]
    if log.cursor_before is None and log.added:
        return Kind.IMPORT
    aside = log.quarantined + log.parked
    return Kind.CHANGED if log.added or log.modified or log.removed or aside else Kind.QUIET


def _append(happenings: list[Happening], happening: Happening) -> None:
    """Add an older line, or count it with the one above when both came to the same."""
    above = happenings[-1] if happenings else None
    same = above is not None and (above.kind, above.error_code) == (happening.kind, happening.error_code)
    if above is not None and same and happening.kind in {Kind.QUIET, Kind.FAILED}:
        above.times += 1
        return
    happenings.append(happening)
