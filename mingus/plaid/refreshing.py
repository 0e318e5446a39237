"""Reading liabilities, investments and recurring streams, each for itself.

A product that is missing, not ready or failing holds up no other one, and never counts against its connection:
how a bank login does is what syncs and checks find out.
"""

from __future__ import annotations

import datetime as dt
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_
from sqlalchemy import select

from mingus.db import Unit
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.jobs import JobKind
from mingus.patience import Patience
from mingus.plaid.failures import Family
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.failures import advice
from mingus.plaid.gateway import PAGE_ROWS
from mingus.plaid.gateway import About
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.products import Holding
from mingus.plaid.products import InvestmentTransaction
from mingus.plaid.products import Liability
from mingus.plaid.products import Product
from mingus.plaid.products import ProductRefresh
from mingus.plaid.products import RefreshId
from mingus.plaid.productwriting import Found
from mingus.plaid.productwriting import ProductWriter
from mingus.plaid.states import READABLE
from mingus.vault import SecretUnreadable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from mingus.ambient import Ambient
    from mingus.jobs import Jobs
    from mingus.plaid.connections import Connections
    from mingus.plaid.gateway import PlaidGateway
    from mingus.plaid.products import OfAccount

log = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=3)  # longer than any one reading may take
REFRESH_EVERY = dt.timedelta(hours=24)
ABSENT_REST = dt.timedelta(days=7)  # what a bank does not offer is asked for again only now and then
PATIENCE = Patience(first=dt.timedelta(minutes=2), longest=dt.timedelta(hours=6))
LONGEST_PAST = dt.timedelta(days=730)
RECENT_PAST = dt.timedelta(days=90)
MOST_PAGES = 200
SWEEP_SIZE = 100
# the add-on that was never ordered, and what the person or the bank leaves out
ABSENT = frozenset({"INVALID_PRODUCT", "UNAUTHORIZED_ROUTE_ACCESS", "ACCESS_NOT_GRANTED", "NO_ACCOUNTS"})
NONE_THERE: Mapping[str, tuple[type[OfAccount], ...]] = {
    "NO_LIABILITY_ACCOUNTS": (Liability,),
    "NO_INVESTMENT_ACCOUNTS": (Holding, InvestmentTransaction),
}
NEEDS = {
    Product.LIABILITIES: ("liabilities", frozenset({"credit", "loan"})),
    Product.HOLDINGS: ("investments", frozenset({"investment", "brokerage"})),
    Product.INVESTMENT_TRANSACTIONS: ("investments", frozenset({"investment", "brokerage"})),
    Product.RECURRING: ("transactions", frozenset({"depository", "credit"})),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The right to read one product of one connection, for a while."""

    refresh_id: RefreshId
    connection_id: ConnectionId
    product: Product
    fence: int
    wanted_seq: int
    whole: bool  # the whole past is asked for: at first, and while rows of it are set aside


class Refresher:
    """Keeps the products beside transactions fresh."""

    def __init__(
        self,
        *,
        ambient: Ambient,
        jobs: Jobs,
        gateway: PlaidGateway,
        connections: Connections,
        environment: str,
        products: tuple[str, ...],
    ) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._gateway = gateway
        self._connections = connections
        self._environment = environment
        self._products = frozenset(products)

    def wish(self, unit: Unit, connection: PlaidConnection, product: Product) -> RefreshId:
        """Wish for a reading in the caller's unit; of several wishes one waits, one during a reading is one further."""
        row = self._row(unit, connection, product)
        row.wanted_seq += 1
        unit.after_commit(lambda: self._jobs.enqueue(JobKind.REFRESH, refresh_id=row.id))
        return row.id

    def again(self, connection_id: ConnectionId, product: Product) -> None:
        """Read a product once more as the operator wishes, at once also where a failure has it wait."""
        with unit_of_work() as unit:
            connection = unit.lock(PlaidConnection, connection_id)
            if connection is None or connection.state not in READABLE:
                raise NotFound
            row = self._row(unit, connection, product)
            if row.failures:
                row.lease_until = None
            self.wish(unit, connection, product)

    def after_sync(self, unit: Unit, connection: PlaidConnection) -> None:
        """Wish for what the connection has by its consent and its accounts, and what is due."""
        now = self._ambient.now()
        types = set(
            unit.session.scalars(
                select(PlaidAccount.type).where(
                    PlaidAccount.connection_id == connection.id, PlaidAccount.closed_at.is_(None)
                )
            )
        )
        for product, (name, kinds) in NEEDS.items():
            if name not in self._products or name not in connection.products or not kinds & types:
                continue
            row = self._row(unit, connection, product)
            never, due = row.wanted_seq == 0, row.next_refresh_at is not None and row.next_refresh_at <= now
            healed = row.failures > 0 and advice(None, row.error_code).family is Family.PERSON
            if healed:
                row.lease_until = None  # the login works again: nothing to wait for
            if never or due or healed:
                self.wish(unit, connection, product)

    def due(self, *, scheduled_too: bool = True) -> list[str]:
        """Readings that are wished for, or whose time has come; what the sweep asks for."""
        wanted = self._wanted(self._ambient.now(), scheduled_too=scheduled_too)
        return list(
            db.session.scalars(
                select(ProductRefresh.id)
                .join(PlaidConnection, PlaidConnection.id == ProductRefresh.connection_id)
                .where(*wanted, *self._readable())
                .limit(SWEEP_SIZE)
            )
        )

    def run(self, refresh_id: RefreshId) -> None:
        """Read one product if that is wanted and nobody else does; safe to repeat."""
        reading = self._take(refresh_id)
        if reading is None:
            return
        try:
            self._read(reading)
        except PlaidFailure as failure:
            self._note_failure(reading, failure)
        except NotFound:
            return  # the connection ended meanwhile: there is nothing to say
        except SecretUnreadable:
            self._note_failure(reading, PlaidFailure("INVALID_ACCESS_TOKEN"))

    # the lease

    def _take(self, refresh_id: RefreshId) -> Reading | None:
        now = self._ambient.now()
        with unit_of_work() as unit:
            row = unit.lock(ProductRefresh, refresh_id)
            if row is None or (row.lease_until is not None and row.lease_until > now):
                return None
            due = row.next_refresh_at is not None and row.next_refresh_at <= now
            connection = unit.session.get_one(PlaidConnection, row.connection_id)
            readable = connection.environment == self._environment and connection.state in READABLE
            readable = readable and connection.paused_at is None
            if not readable or not (due or row.wanted_seq > row.done_seq):
                return None
            row.lease_until, row.last_tried_at = now + LEASE, now
            row.fence += 1
            return Reading(
                refresh_id=refresh_id,
                connection_id=row.connection_id,
                product=Product(row.product),
                fence=row.fence,
                wanted_seq=row.wanted_seq,
                whole=row.last_good_at is None or row.set_aside > 0,
            )

    def _row(self, unit: Unit, connection: PlaidConnection, product: Product) -> ProductRefresh:
        """The product's row; whoever holds the connection's lock is alone in making it."""
        row = unit.session.scalar(
            select(ProductRefresh)
            .where(ProductRefresh.connection_id == connection.id, ProductRefresh.product == product.value)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        if row is None:
            row = ProductRefresh(
                id=RefreshId(self._ambient.new_id("prf")),
                connection_id=connection.id,
                product=product.value,
                wanted_seq=0,
                done_seq=0,
                fence=0,
                failures=0,
                set_aside=0,
            )
            unit.session.add(row)
            unit.session.flush()  # the next look in this unit finds it
        return row

    def _wanted(self, now: dt.datetime, *, scheduled_too: bool) -> tuple[ColumnElement[bool], ...]:
        wished = ProductRefresh.wanted_seq > ProductRefresh.done_seq
        scheduled = ProductRefresh.next_refresh_at <= now
        free = or_(ProductRefresh.lease_until.is_(None), ProductRefresh.lease_until <= now)
        return (or_(wished, scheduled) if scheduled_too else wished, free)

    def _readable(self) -> tuple[ColumnElement[bool], ...]:
        return (
            PlaidConnection.environment == self._environment,
            PlaidConnection.state.in_({state.value for state in READABLE}),
            PlaidConnection.paused_at.is_(None),
        )

    # reading

    def _read(self, reading: Reading) -> None:
        connection = db.session.get(PlaidConnection, reading.connection_id)
        if connection is None:
            raise NotFound
        token = self._connections.token(connection)
        about = About(connection_id=connection.id, institution_id=connection.plaid_institution_id)
        db.session.rollback()  # nothing stays open while Plaid is asked
        today = self._ambient.now().date()
        since = today - (LONGEST_PAST if reading.whole else RECENT_PAST)
        found = self._ask(reading.product, token, about, since, today)
        with unit_of_work() as unit:
            held = self._held(unit, reading)
            if held is None:
                return
            row, connection = held
            writer = ProductWriter(
                unit, connection, row, now=self._ambient.now(), new_id=self._ambient.new_id
            )
            if reading.product is Product.LIABILITIES:
                writer.liabilities(found)
            elif reading.product is Product.HOLDINGS:
                writer.holdings(found)
            elif reading.product is Product.INVESTMENT_TRANSACTIONS:
                writer.movements(found, since=since, until=today)
            else:
                writer.streams(found)
            row.set_aside = writer.finish()
            row.last_good_at, row.error_code, row.error_request_id = self._ambient.now(), None, None
            self._settle(unit, row, reading, rest=REFRESH_EVERY)
        log.info("product read", extra={"product": reading.product.value, "rows": len(found.rows)})

    def _ask(self, product: Product, token: str, about: About, since: dt.date, until: dt.date) -> Found:
        if product is Product.LIABILITIES:
            lists = self._gateway.liabilities(token, about).liabilities
            return Found(rows=[(kind, raw) for kind, rows in lists.items() for raw in rows or ()])
        if product is Product.HOLDINGS:
            held = self._gateway.holdings(token, about)
            return Found(rows=[("holding", raw) for raw in held.holdings], securities=held.securities)
        if product is Product.INVESTMENT_TRANSACTIONS:
            return self._movements(token, about, since, until)
        streams = self._gateway.recurring(token, about)
        return Found(
            rows=[("inflow", raw) for raw in streams.inflow_streams]
            + [("outflow", raw) for raw in streams.outflow_streams]
        )

    def _movements(self, token: str, about: About, since: dt.date, until: dt.date) -> Found:
        """Every page of the span; a list that moves between two pages is read again by the next reading."""
        found = Found()
        for page in range(MOST_PAGES):
            answer = self._gateway.movements(token, since, until, page * PAGE_ROWS, about)
            found.rows += [("movement", raw) for raw in answer.investment_transactions]
            found.securities += answer.securities
            if not answer.investment_transactions or len(found.rows) >= answer.total_investment_transactions:
                return found
        msg = "PAGING_STUCK"
        raise PlaidFailure(msg)

    # ending

    def _held(self, unit: Unit, reading: Reading) -> tuple[ProductRefresh, PlaidConnection] | None:
        """The rows to write, unless another worker took over or the person ended the connection meanwhile."""
        connection = unit.lock(PlaidConnection, reading.connection_id)
        row = unit.lock(ProductRefresh, reading.refresh_id)
        if row is None or row.fence != reading.fence:
            return None
        if connection is None or connection.state not in READABLE:
            return None
        return row, connection

    def _settle(self, unit: Unit, row: ProductRefresh, reading: Reading, *, rest: dt.timedelta) -> None:
        row.failures, row.lease_until, row.done_seq = 0, None, reading.wanted_seq
        row.next_refresh_at = self._ambient.now() + rest
        if row.wanted_seq > row.done_seq:
            unit.after_commit(lambda: self._jobs.enqueue(JobKind.REFRESH, refresh_id=row.id))

    def _note_failure(self, reading: Reading, failure: PlaidFailure) -> None:
        """What is not there rests; the rest is tried again with growing patience."""
        with unit_of_work() as unit:
            held = self._held(unit, reading)
            if held is None:
                return
            row, connection = held
            row.error_code, row.error_request_id = failure.error_code, failure.request_id
            if failure.advice.family is Family.NORMAL or failure.error_code in ABSENT:
                writer = ProductWriter(
                    unit, connection, row, now=self._ambient.now(), new_id=self._ambient.new_id
                )
                for model in NONE_THERE.get(failure.error_code, ()):
                    writer.clear(model)
                self._settle(unit, row, reading, rest=ABSENT_REST)
                return
            row.failures += 1
            row.lease_until = self._ambient.now() + self._patience(row, failure)
        log.info("product not read", extra={"product": reading.product.value, "code": failure.error_code})

    def _patience(self, row: ProductRefresh, failure: PlaidFailure) -> dt.timedelta:
        if failure.retry_after_seconds is not None:
            return dt.timedelta(seconds=failure.retry_after_seconds)
        if failure.advice.family in {Family.PERSON, Family.OPERATOR, Family.GONE}:
            return PATIENCE.longest
        return PATIENCE.after(row.failures, of=f"{row.connection_id} {row.product}")
