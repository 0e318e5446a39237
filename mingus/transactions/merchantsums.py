"""What was spent at each merchant in each month, added up behind the writers.

Writers say which months they touch, in their own transaction; a chore adds these up again. Until then, and whenever
accounts or categories count otherwise than they did, a month is added up from its rows: a report is always right.
"""

from __future__ import annotations

import hashlib
import json
from calendar import monthrange
from typing import TYPE_CHECKING

from sqlalchemy import Table
from sqlalchemy import delete
from sqlalchemy import func
from sqlalchemy import insert
from sqlalchemy import literal
from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.plaid.accounts import replaced_accounts
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.transactions import spending
from mingus.transactions.models import KeptMonth
from mingus.transactions.models import MerchantSum
from mingus.transactions.models import OwnCategory
from mingus.transactions.turns import wait_for_turn

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable
    from typing import Any

    from sqlalchemy import ColumnElement
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from mingus.auth.models import UserId
    from mingus.db import Unit
    from mingus.plaid.ledger import TransactionChoice

STALE = ""
PEOPLE_AT_ONCE = 200
COLUMNS = ("user_id", "month", "currency", "name", "minor", "count", "last_on")
TABLE: Table = MerchantSum.__table__  # type: ignore[assignment]  # a mapped class has a table


def touch(unit: Unit, user_id: UserId, months: Iterable[dt.date]) -> None:
    """These months are not what is kept of them any more."""
    rows = [{"user_id": user_id, "month": month, "meaning": STALE} for month in sorted(set(months))]
    upsert(unit.session, KeptMonth, rows, key=["user_id", "month"])


def kept(user_id: UserId, *, environment: str) -> set[dt.date]:
    """The months whose sums are true now."""
    now = meaning(db.session(), user_id, environment=environment)
    mine = (KeptMonth.user_id == user_id, KeptMonth.meaning == now)
    return set(db.session.scalars(select(KeptMonth.month).where(*mine)))


def meaning(session: Session, user_id: UserId, *, environment: str) -> str:
    """What decides, beside the rows, what counts as spent: accounts, own categories, the bank's codes."""
    accounts = (
        select(PlaidAccount.id)
        .join(PlaidConnection, PlaidConnection.id == PlaidAccount.connection_id)
        .where(
            PlaidAccount.user_id == user_id,
            PlaidConnection.environment == environment,
            PlaidAccount.id.not_in(replaced_accounts(user_id)),
        )
        .order_by(PlaidAccount.id)
    )
    own = (
        select(OwnCategory.id, OwnCategory.parent)
        .where(OwnCategory.user_id == user_id)
        .order_by(OwnCategory.id)
    )
    told = [list(session.scalars(accounts)), [list(row) for row in session.execute(own)], spending.meanings()]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def keep_some(environment: str) -> None:
    """Add up what was touched, for as many people as does not keep a worker."""
    stale = select(KeptMonth.user_id).where(KeptMonth.meaning == STALE).distinct()
    for user_id in db.session.scalars(stale.limit(PEOPLE_AT_ONCE)).all():
        keep(user_id, environment=environment)


def keep(user_id: UserId, *, environment: str) -> None:
    """Add up the months of a person that were touched, each in a transaction of its own."""
    stale = select(KeptMonth.month).where(KeptMonth.user_id == user_id, KeptMonth.meaning == STALE)
    for month in db.session.scalars(stale.order_by(KeptMonth.month.desc())).all():
        with unit_of_work() as unit:
            wait_for_turn(unit, user_id)
            _keep(unit, user_id, month, environment)


def _keep(unit: Unit, user_id: UserId, month: dt.date, environment: str) -> None:
    session = unit.session
    before = meaning(session, user_id, environment=environment)
    this = (MerchantSum.user_id == user_id, MerchantSum.month == month)
    session.execute(delete(MerchantSum).where(*this).execution_options(synchronize_session=False))
    session.execute(insert(TABLE).from_select(COLUMNS, _month(user_id, month, environment)))
    if meaning(session, user_id, environment=environment) == before:  # else the next round sees to it
        marks = (KeptMonth.user_id == user_id, KeptMonth.month == month)
        session.execute(update(KeptMonth).where(*marks).values(meaning=before))


def touch_all_that_mean_otherwise(environment: str) -> None:
    """Accounts and categories may count otherwise than when a person's months were added up."""
    for user_id in db.session.scalars(select(KeptMonth.user_id).distinct()).all():
        with unit_of_work() as unit:
            now = meaning(unit.session, user_id, environment=environment)
            others = (KeptMonth.user_id == user_id, KeptMonth.meaning != now)
            unit.session.execute(update(KeptMonth).where(*others).values(meaning=STALE))


def wrong(session: Session, user_id: UserId, *, environment: str) -> set[dt.date]:
    """The months that say they are kept and are not what their rows come to."""
    found = set()
    now = meaning(session, user_id, environment=environment)
    mine = select(KeptMonth.month).where(KeptMonth.user_id == user_id, KeptMonth.meaning == now)
    for month in session.scalars(mine).all():
        true = {tuple(row) for row in session.execute(_month(user_id, month, environment))}
        sums = select(*(getattr(MerchantSum, name) for name in COLUMNS))
        rows = session.execute(sums.where(MerchantSum.user_id == user_id, MerchantSum.month == month))
        if {tuple(row) for row in rows} != true:
            found.add(month)
    return found


def _month(user_id: UserId, month: dt.date, environment: str) -> Select[Any]:
    """The sums of a month, from its rows."""
    table = PlaidTransaction
    columns: tuple[Any, ...] = (
        literal(user_id),
        literal(month),
        table.currency,
        merchant(),
        func.sum(table.amount_minor),
        func.count(),
        func.max(table.date),
    )
    rows = spent_rows(user_id, environment=environment).where(table.date.between(month, last_of(month)))
    return rows.with_only_columns(*columns).group_by(table.currency, merchant())


def last_of(day: dt.date) -> dt.date:
    """The last day of a day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def spent_rows(user_id: UserId, *, environment: str) -> Select[PlaidTransaction, TransactionChoice]:
    """The rows that were spent, or given back."""
    return spending.shown_rows(user_id, environment=environment).where(spending.is_spending())


def merchant() -> ColumnElement[str]:
    """Where: the merchant's name, or what the bank wrote."""
    return func.coalesce(PlaidTransaction.merchant_name, PlaidTransaction.name)
