"""Everybody's syncs, for the people who run this MINGUS: states, counts and codes, no names and no amounts.

Whatever is asked of however many syncs, a page looks at so many of them and no more: then it says how far it came.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from dataclasses import fields
from typing import TYPE_CHECKING

from sqlalchemy import and_
from sqlalchemy import distinct
from sqlalchemy import exists
from sqlalchemy import extract
from sqlalchemy import func
from sqlalchemy import literal_column
from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy.orm import aliased

from mingus.db import db
from mingus.paging import older
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.ledger import Trigger
from mingus.plaid.models import PlaidConnection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import SyncId
    from mingus.plaid.models import ConnectionId

MOST_SEARCHED = 50_000
FEW_CONNECTIONS = 50
MOST_BANKS = 300
DAY = dt.timedelta(days=1)
asked_at, log_id = PlaidSyncLog.requested_at, PlaidSyncLog.id
# the words of the partial indexes, not a parameter: only then the planner may use them
IS_FAILED = PlaidSyncLog.status == literal_column(f"'{SyncStatus.FAILED.value}'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which syncs are asked for; None: any."""

    status: SyncStatus | None = None
    trigger: Trigger | None = None
    error: str | None = None
    institution_id: str | None = None
    user_id: UserId | None = None
    connection_id: ConnectionId | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    longer_than: dt.timedelta | None = None

    @property
    def narrow(self) -> bool:
        """Whether anything is asked for."""
        return any(getattr(self, one.name) is not None for one in fields(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRow:
    """One sync in a list."""

    id: SyncId
    user_id: UserId
    institution_name: str
    status: SyncStatus
    trigger: Trigger
    requested_at: dt.datetime
    milliseconds: int | None  # None: it never began, or has not ended
    added: int
    modified: int
    removed: int
    set_aside: int
    error_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPage:
    """Some syncs, newest first, and the key that older ones come after."""

    rows: tuple[SyncRow, ...]
    next: SyncId | None
    searched_to: dt.datetime | None = None  # the search was broken off here: older ones were not looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Failed syncs with the same error."""

    error_code: str | None
    times: int
    connections: int
    first_at: dt.datetime
    last_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """An institution that has connections here."""

    id: str
    name: str


def page(filters: Filters, *, limit: int, after: SyncId | None = None) -> SyncPage:
    """A page of syncs; a key that is gone gives none."""
    last = db.session.get(PlaidSyncLog, after) if after is not None else None
    if after is not None and last is None:
        return SyncPage(rows=(), next=None)
    few = _few_connections(filters)
    after_last = older(asked_at, log_id, last.requested_at, last.id) if last is not None else ()
    end = None if _is_led(filters) else _end_of_search(filters, few, after_last)
    wanted = select(log_id).where(*_conditions(filters, few), *after_last)
    if end is not None:
        wanted = wanted.where(
            asked_at >= end[0], or_(asked_at > end[0], and_(asked_at == end[0], log_id >= end[1]))
        )
    # ids first: what an index holds is looked at without the rows
    ids = wanted.order_by(asked_at.desc(), log_id.desc()).limit(limit + 1).subquery()
    query = (
        select(PlaidSyncLog, PlaidConnection.institution_name)
        .join(ids, ids.c.id == log_id)
        .join(PlaidConnection, PlaidConnection.id == PlaidSyncLog.connection_id)
        .order_by(asked_at.desc(), log_id.desc())
    )
    found = db.session.execute(query).all()
    rows = tuple(row_of(log, name) for log, name in found[:limit])
    if len(found) > limit:
        return SyncPage(rows=rows, next=rows[-1].id)
    if end is not None:
        return SyncPage(rows=rows, next=end[1], searched_to=end[0])
    return SyncPage(rows=rows, next=None)


def failures(since: dt.datetime) -> list[FailureGroup]:
    """What went wrong since then, by error; the most frequent first."""
    times = func.count()
    rows = db.session.execute(
        select(
            PlaidSyncLog.error_code,
            times,
            func.count(distinct(PlaidSyncLog.connection_id)),
            func.min(asked_at),
            func.max(asked_at),
        )
        .where(IS_FAILED, asked_at >= since)
        .group_by(PlaidSyncLog.error_code)
        .order_by(times.desc(), PlaidSyncLog.error_code)
    )
    return [
        FailureGroup(error_code=code, times=number, connections=connections, first_at=first, last_at=last)
        for code, number, connections, first, last in rows
    ]


def failures_by_day(now: dt.datetime, days: int) -> list[int]:
    """How many syncs failed in each of the last spans of 24 hours, the oldest first."""
    starts = [now - DAY * (days - number) for number in range(days)]
    counts = (func.count().filter(asked_at > start, asked_at <= start + DAY) for start in starts)
    row = db.session.execute(select(*counts).where(IS_FAILED, asked_at > starts[0], asked_at <= now)).one()
    return list(row)


def banks(environment: str) -> list[Bank]:
    """The institutions that have connections here, by name."""
    rows = db.session.execute(
        select(PlaidConnection.plaid_institution_id, func.min(PlaidConnection.institution_name).label("name"))
        .where(PlaidConnection.environment == environment, PlaidConnection.plaid_institution_id.is_not(None))
        .group_by(PlaidConnection.plaid_institution_id)
        .order_by("name")
        .limit(MOST_BANKS)
    )
    return [Bank(id=str(bank_id), name=name) for bank_id, name in rows]


def _conditions(filters: Filters, few: Sequence[str] | None) -> list[ColumnElement[bool]]:
    """Everything that is asked for; what people brought in files is no sync."""
    found = [PlaidSyncLog.trigger != Trigger.IMPORT.value, *_in_time(filters)]
    for column, value in (
        (PlaidSyncLog.trigger, filters.trigger),
        (PlaidSyncLog.user_id, filters.user_id),
        (PlaidSyncLog.connection_id, filters.connection_id),
    ):
        if value is not None:
            found.append(column == value)
    if filters.status is not None:
        found.append(_is(filters.status))
    if filters.error is not None:
        found += [IS_FAILED, PlaidSyncLog.error_code == filters.error]
    if few is not None:
        found.append(PlaidSyncLog.connection_id.in_(few))
    elif filters.institution_id is not None:
        # by row, not by bank: a bank with so many connections is met again and again on the way
        at_bank = aliased(PlaidConnection)
        of_bank = exists().where(
            at_bank.id == PlaidSyncLog.connection_id, at_bank.plaid_institution_id == filters.institution_id
        )
        found.append(of_bank)
    if filters.longer_than is not None:
        took = extract("epoch", PlaidSyncLog.finished_at) - extract("epoch", PlaidSyncLog.started_at)
        found.append(took >= int(filters.longer_than.total_seconds()))
    return found


def _in_time(filters: Filters) -> list[ColumnElement[bool]]:
    found = []
    if filters.since is not None:
        found.append(asked_at >= filters.since)
    if filters.until is not None:
        found.append(asked_at < filters.until)
    return found


def _leading(filters: Filters, few: Sequence[str] | None) -> list[ColumnElement[bool]]:
    """What an index finds, newest first; the rest is looked at row by row."""
    if filters.error is not None:
        return [IS_FAILED, PlaidSyncLog.error_code == filters.error]
    if filters.connection_id is not None:
        return [PlaidSyncLog.connection_id == filters.connection_id]
    if few is not None:
        return [PlaidSyncLog.connection_id.in_(few)]
    if filters.user_id is not None:
        return [PlaidSyncLog.user_id == filters.user_id]
    return [_is(filters.status)] if filters.status is not None else []


def _is_led(filters: Filters) -> bool:
    """Whether an index finds nothing but what is asked for, so that a full page is found at once."""
    if filters.trigger is not None or filters.institution_id is not None or filters.longer_than is not None:
        return False
    leads = (filters.status, filters.error, filters.user_id, filters.connection_id)
    return sum(asked is not None for asked in leads) <= 1


def _is(status: SyncStatus) -> ColumnElement[bool]:
    return IS_FAILED if status is SyncStatus.FAILED else PlaidSyncLog.status == status.value


def _few_connections(filters: Filters) -> list[str] | None:
    """The connections of a rare bank; None for a common one, or when no bank is asked for."""
    if filters.institution_id is None:
        return None
    found = db.session.scalars(
        select(PlaidConnection.id)
        .where(PlaidConnection.plaid_institution_id == filters.institution_id)
        .limit(FEW_CONNECTIONS + 1)
    ).all()
    return list(found) if len(found) <= FEW_CONNECTIONS else None


def _end_of_search(
    filters: Filters, few: Sequence[str] | None, after_last: tuple[ColumnElement[bool], ...]
) -> tuple[dt.datetime, SyncId] | None:
    """The key that this page's search ends at; None when it can look at everything."""
    found = db.session.execute(
        select(asked_at, log_id)
        .where(*_leading(filters, few), *_in_time(filters), *after_last)
        .order_by(asked_at.desc(), log_id.desc())
        .offset(MOST_SEARCHED - 1)
        .limit(1)
    ).one_or_none()
    return (found[0], found[1]) if found is not None else None


def row_of(log: PlaidSyncLog, institution_name: str) -> SyncRow:
    """A sync as lists show it."""
    lasted = log.finished_at - log.started_at if log.finished_at and log.started_at else None
    return SyncRow(
        id=log.id,
        user_id=log.user_id,
        institution_name=institution_name,
        status=SyncStatus(log.status),
        trigger=Trigger(log.trigger),
        requested_at=log.requested_at,
        milliseconds=int(lasted.total_seconds() * 1000) if lasted is not None else None,
        added=log.added,
        modified=log.modified,
        removed=log.removed,
        set_aside=log.parked + log.quarantined,
        error_code=log.error_code,
    )
