"""The banks behind everybody's connections: how often syncs and calls fail with each, and whom we leave alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import or_
from sqlalchemy import select

from mingus.db import db
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import SyncStatus
from mingus.plaid.models import PlaidCall
from mingus.plaid.models import PlaidConnection
from mingus.plaid.models import PlaidInstitution
from mingus.plaid.states import READABLE
from mingus.plaid.states import ConnectionState

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm.attributes import InstrumentedAttribute

    from mingus.plaid.models import ConnectionId

DAY, WEEK = dt.timedelta(days=1), dt.timedelta(days=7)
MOST_BANKS = 200
HIGH_SHARE = 0.05
FEW = 5  # of fewer, one failure says little
ENDED = (SyncStatus.SUCCESS.value, SyncStatus.PARTIAL.value, SyncStatus.FAILED.value)
STALLED = (ConnectionState.NEEDS_SIGN_IN.value, ConnectionState.BANK_TROUBLE.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many of how many failed."""

    failed: int = 0
    of: int = 0

    @property
    def share(self) -> float | None:
        return self.failed / self.of if self.of else None

    @property
    def is_high(self) -> bool:
        return self.of >= FEW and self.failed / self.of > HIGH_SHARE


@dataclass(frozen=True, slots=True, kw_only=True)
class BankRow:
    """One bank; rates over a day and over a week."""

    id: str
    name: str
    connections: int
    stalled: int  # connections that need their person, or whose bank does not answer
    syncs: tuple[Rate, Rate]
    calls: tuple[Rate, Rate]
    failures_in_a_row: int
    rests_until: dt.datetime | None  # nobody asks it before: its circuit is open

    @property
    def is_troubled(self) -> bool:
        return self.rests_until is not None or any(rate.is_high for rate in (*self.syncs, *self.calls))


def rows(*, environment: str, now: dt.datetime) -> list[BankRow]:
    """Every bank that connections live at: those left alone, the troubled, then the largest. Three queries."""
    living = func.count().filter(PlaidConnection.state.in_([state.value for state in READABLE]))
    found = db.session.execute(
        select(
            PlaidConnection.plaid_institution_id,
            func.min(PlaidConnection.institution_name),
            living,
            func.count().filter(PlaidConnection.state.in_(STALLED)),
            func.max(PlaidInstitution.trouble_count),
            func.max(PlaidInstitution.trouble_until),
        )
        .outerjoin(
            PlaidInstitution, PlaidInstitution.plaid_institution_id == PlaidConnection.plaid_institution_id
        )
        .where(
            PlaidConnection.environment == environment,
            PlaidConnection.plaid_institution_id.is_not(None),
        )
        .group_by(PlaidConnection.plaid_institution_id)
        .order_by(living.desc())
        .limit(MOST_BANKS)
    ).all()
    syncs = _rates(
        PlaidSyncLog.connection_id,
        PlaidSyncLog.requested_at,
        PlaidSyncLog.status == SyncStatus.FAILED.value,
        PlaidSyncLog.status.in_(ENDED),
        now=now,
    )
    failed = or_(PlaidCall.error_code.is_not(None), PlaidCall.status.is_(None))
    calls = _rates(PlaidCall.connection_id, PlaidCall.at, failed, now=now)
    none = (Rate(), Rate())
    banks = [
        BankRow(
            id=str(bank_id),
            name=name,
            connections=connections,
            stalled=stalled,
            syncs=syncs.get(str(bank_id), none),
            calls=calls.get(str(bank_id), none),
            failures_in_a_row=in_a_row or 0,
            rests_until=until if until is not None and until > now else None,
        )
        for bank_id, name, connections, stalled, in_a_row, until in found
    ]
    return sorted(banks, key=lambda bank: (bank.rests_until is None, not bank.is_troubled))


def _rates(
    connection_id: InstrumentedAttribute[ConnectionId] | InstrumentedAttribute[ConnectionId | None],
    at: InstrumentedAttribute[dt.datetime],
    failed: ColumnElement[bool],
    *counted: ColumnElement[bool],
    now: dt.datetime,
) -> dict[str, tuple[Rate, Rate]]:
    """By bank: how many failed of how many, over a day and a week."""
    lately = at >= now - DAY
    found = db.session.execute(
        select(
            PlaidConnection.plaid_institution_id,
            func.count().filter(failed, lately),
            func.count().filter(lately),
            func.count().filter(failed),
            func.count(),
        )
        .select_from(PlaidConnection)
        .join(connection_id.class_, connection_id == PlaidConnection.id)
        .where(at >= now - WEEK, PlaidConnection.plaid_institution_id.is_not(None), *counted)
        .group_by(PlaidConnection.plaid_institution_id)
    )
    return {
        str(bank_id): (Rate(failed=day_failed, of=day), Rate(failed=week_failed, of=week))
        for bank_id, day_failed, day, week_failed, week in found
    }
