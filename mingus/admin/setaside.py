"""Rows that were set aside: parked ones wait for their account, quarantined ones could not be read.

Of a row only its reason, its age and its connection are told; what it says is masked until somebody says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import String
from sqlalchemy import cast
from sqlalchemy import distinct
from sqlalchemy import func
from sqlalchemy import literal
from sqlalchemy import null
from sqlalchemy import select
from sqlalchemy import union_all

from mingus.db import db
from mingus.paging import Page
from mingus.paging import cut
from mingus.paging import older
from mingus.plaid.ledger import ParkedRow
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.models import PlaidConnection
from mingus.plaid.products import Product
from mingus.plaid.products import ProductRefresh
from mingus.plaid.states import READABLE

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import ColumnElement
    from sqlalchemy import CompoundSelect
    from sqlalchemy import RowMapping
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from mingus.auth.models import UserId
    from mingus.plaid.ledger import SyncId
    from mingus.plaid.models import ConnectionId

SHOWN = ("id", "reason", "at", "connection_id", "user_id", "institution_name")
NO_ACCOUNT = "its account is not known"
MOST_AT_ONCE = 500


class Aside(StrEnum):
    """Why a row is not in the ledger."""

    PARKED = "parked"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class AsideRow:
    """One row, without what it says."""

    id: str
    kind: Aside
    reason: str
    at: dt.datetime  # when it was set aside; of a parked one, when a sync last met it
    sync_id: SyncId | None  # the sync that did; None: a reading of a product
    product: Product | None  # what it is a row of; None: a transaction
    connection_id: ConnectionId
    user_id: UserId
    institution_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonGroup:
    """Rows set aside for the same reason."""

    kind: Aside
    reason: str
    rows: int
    connections: int
    oldest: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows are asked for; None: any."""

    kind: Aside | None = None
    reason: str | None = None
    connection_id: ConnectionId | None = None
    row_id: str | None = None


def page(wanted: Wanted, *, environment: str, limit: int, after: str | None = None) -> Page[AsideRow, str]:
    """A page of rows, newest first; a key that is gone gives none."""
    rows = _rows(environment).subquery()
    query = select(rows).where(*_asked(rows.c, wanted))
    if after is not None:
        last = one(after, environment=environment)
        if last is None:
            return Page()
        query = query.where(*older(rows.c.at, rows.c.id, last.at, last.id))
    found = db.session.execute(query.order_by(rows.c.at.desc(), rows.c.id.desc()).limit(limit + 1)).mappings()
    return cut([_row(row) for row in found], limit, lambda row: row.id)


def one(row_id: str, *, environment: str) -> AsideRow | None:
    rows = _rows(environment).subquery()
    found = db.session.execute(select(rows).where(rows.c.id == row_id)).mappings().one_or_none()
    return _row(found) if found is not None else None


def raw(row: AsideRow) -> str:
    """The row word for word, as Plaid sent it."""
    table: type[ParkedRow | QuarantinedRow] = ParkedRow if row.kind is Aside.PARKED else QuarantinedRow
    return str(db.session.scalar(select(table.raw).where(table.id == row.id)))


def reasons(*, environment: str) -> list[ReasonGroup]:
    """What was set aside, by reason; the most frequent first."""
    rows = _rows(environment).subquery()
    count = func.count()
    found = db.session.execute(
        select(
            rows.c.kind, rows.c.reason, count, func.count(distinct(rows.c.connection_id)), func.min(rows.c.at)
        )
        .group_by(rows.c.kind, rows.c.reason)
        .order_by(count.desc(), rows.c.reason)
    )
    return [
        ReasonGroup(kind=Aside(kind), reason=reason, rows=number, connections=connections, oldest=oldest)
        for kind, reason, number, connections, oldest in found
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What has to be read again for rows that were set aside."""

    connection_id: ConnectionId
    user_id: UserId
    product: Product | None  # None: transactions


def sources_of(wanted: Wanted, *, environment: str) -> list[Source]:
    """Where such rows came from, of connections that can be read; so many at once at most."""
    rows = _rows(environment).subquery()
    found = db.session.execute(
        select(rows.c.connection_id, rows.c.user_id, rows.c.product)
        .where(*_asked(rows.c, wanted), rows.c.state.in_([state.value for state in READABLE]))
        .distinct()
        .order_by(rows.c.connection_id, rows.c.product)
        .limit(MOST_AT_ONCE)
    )
    return [
        Source(connection_id=connection_id, user_id=user_id, product=Product(product) if product else None)
        for connection_id, user_id, product in found
    ]


def _rows(environment: str) -> CompoundSelect[Any]:
    """Both kinds in one shape."""
    of_transactions: ColumnElement[str] = cast(null(), String)
    kinds: tuple[
        tuple[Aside, type[ParkedRow | QuarantinedRow], ColumnElement[str], ColumnElement[str]], ...
    ] = (
        (Aside.PARKED, ParkedRow, literal(NO_ACCOUNT), of_transactions),
        (Aside.QUARANTINED, QuarantinedRow, QuarantinedRow.reason.expression, _product_of_row()),
    )
    return union_all(
        *(
            select(
                table.id.label("id"),
                literal(kind.value).label("kind"),
                reason.label("reason"),
                table.at.label("at"),
                table.sync_id.label("sync_id"),
                product.label("product"),
                table.connection_id.label("connection_id"),
                PlaidConnection.user_id.label("user_id"),
                PlaidConnection.institution_name.label("institution_name"),
                PlaidConnection.state.label("state"),
            )
            .join(PlaidConnection, PlaidConnection.id == table.connection_id)
            .where(PlaidConnection.environment == environment)
            for kind, table, reason, product in kinds
        )
    )


def _product_of_row() -> ColumnElement[str]:
    """A reading of a product leaves its own id where a sync leaves the sync's."""
    of_reading = select(ProductRefresh.product).where(ProductRefresh.id == QuarantinedRow.sync_id)
    return of_reading.correlate(QuarantinedRow).scalar_subquery()


def _asked(columns: ReadOnlyColumnCollection[str, Any], wanted: Wanted) -> list[ColumnElement[bool]]:
    pairs = (
        ("kind", wanted.kind),
        ("reason", wanted.reason),
        ("connection_id", wanted.connection_id),
        ("id", wanted.row_id),
    )
    return [columns[name] == value for name, value in pairs if value is not None]


def _row(found: RowMapping) -> AsideRow:
    product = Product(found["product"]) if found["product"] else None
    return AsideRow(
        kind=Aside(found["kind"]),
        product=product,
        sync_id=found["sync_id"] if product is None else None,
        **{name: found[name] for name in SHOWN},
    )
