"""The other ways of syncing, each as small as it is usually written, against the real table of transactions."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any

import msgspec
import urllib3
from sqlalchemy import insert
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import PlaidAccount

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

    from mingus.auth.models import UserId
    from mingus.plaid.models import ConnectionId

from bench import ground

NUMBERS = itertools.count()  # ids that rise and cost nothing
PAGE = 500
COLUMNS = [column.name for column in PlaidTransaction.__table__.columns]
INSERT = f"INSERT INTO plaid_transactions ({', '.join(COLUMNS)}) VALUES ({', '.join('?' for _ in COLUMNS)})"
COPY = f"COPY plaid_transactions ({', '.join(COLUMNS)}) FROM STDIN"


class Category(msgspec.Struct):
    primary: str | None = None
    detailed: str | None = None


class Transaction(msgspec.Struct):
    transaction_id: str
    account_id: str
    amount: Decimal
    date: dt.date
    pending: bool
    name: str
    iso_currency_code: str | None = None
    authorized_date: dt.date | None = None
    pending_transaction_id: str | None = None
    merchant_name: str | None = None
    payment_channel: str | None = None
    personal_finance_category: Category | None = None


class Page(msgspec.Struct):
    added: list[msgspec.Raw]
    modified: list[Transaction]
    next_cursor: str
    has_more: bool


TYPED = msgspec.json.Decoder(Page)
ROW = msgspec.json.Decoder(Transaction)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whose transactions are written, and where they come from."""

    user_id: UserId
    connection_id: ConnectionId
    accounts: dict[str, str]
    host: str
    http: urllib3.PoolManager

    @classmethod
    def of(cls, person: UserId, host: str) -> Target:
        connection = ground.connect(person)
        rows = db.session.scalars(select(PlaidAccount).where(PlaidAccount.connection_id == connection)).all()
        accounts = {row.plaid_account_id: str(row.id) for row in rows}
        db.session.rollback()
        return cls(
            user_id=person,
            connection_id=connection,
            accounts=accounts,
            host=host,
            http=urllib3.PoolManager(),
        )

    def bodies(self) -> Iterator[bytes]:
        """The pages of one update, by urllib3 and nothing else."""
        cursor, more = "", True
        while more:
            request = {"access_token": "access-sandbox-x", "cursor": cursor, "count": PAGE}
            body = self.http.request("POST", f"{self.host}/transactions/sync", json=request).data
            yield body
            end = msgspec.json.decode(b"{" + body[body.rindex(b'"next_cursor"') :])
            cursor, more = end["next_cursor"], end["has_more"]

    def values(self, row: Transaction, raw: bytes) -> dict[str, Any]:
        category = row.personal_finance_category
        return {
            "id": f"txn_{next(NUMBERS):026}",
            "user_id": self.user_id,
            "connection_id": self.connection_id,
            "account_id": self.accounts[row.account_id],
            "plaid_transaction_id": row.transaction_id,
            "pending_plaid_id": row.pending_transaction_id,
            "amount_minor": -int(row.amount * 100),
            "amount_exact": None,
            "currency": row.iso_currency_code,
            "date": row.date,
            "authorized_date": row.authorized_date,
            "pending": row.pending,
            "name": row.name,
            "merchant_name": row.merchant_name,
            "category": category.primary if category else None,
            "category_detailed": category.detailed if category else None,
            "payment_channel": row.payment_channel,
            "raw": raw.decode(),
            "first_sync_id": "sync_bench",
            "last_sync_id": "sync_bench",
            "removed_at": None,
            "wording": hash(row.name),  # as spread as a key is
        }

    def typed(self, body: bytes) -> list[dict[str, Any]]:
        return [self.values(ROW.decode(raw), bytes(raw)) for raw in TYPED.decode(body).added]


def documented(target: Target) -> None:
    """plaid-python as its page shows it, then look up and write each row through the ORM."""
    import plaid
    from plaid.api import plaid_api
    from plaid.model.transactions_sync_request import TransactionsSyncRequest

    client = plaid_api.PlaidApi(plaid.ApiClient(plaid.Configuration(host=target.host)))
    cursor, more = "", True
    while more:
        answer = client.transactions_sync(
            TransactionsSyncRequest(access_token="access-sandbox-x", cursor=cursor, count=PAGE)
        )
        with unit_of_work() as unit:
            for found in answer["added"]:
                category = found["personal_finance_category"]
                row = unit.session.scalar(
                    select(PlaidTransaction).where(
                        PlaidTransaction.connection_id == target.connection_id,
                        PlaidTransaction.plaid_transaction_id == found["transaction_id"],
                    )
                )
                if row is None:
                    row = PlaidTransaction(id=f"txn_{next(NUMBERS):026}", first_sync_id="sync_bench")
                    unit.session.add(row)
                row.user_id, row.connection_id = target.user_id, target.connection_id
                row.account_id = target.accounts[found["account_id"]]
                row.plaid_transaction_id = found["transaction_id"]
                row.amount_minor = -int(Decimal(str(found["amount"])) * 100)
                row.currency, row.date = found["iso_currency_code"], found["date"]
                row.authorized_date, row.pending = found["authorized_date"], found["pending"]
                row.name, row.merchant_name = found["name"], found["merchant_name"]
                row.category, row.category_detailed = category["primary"], category["detailed"]
                row.payment_channel, row.raw = found["payment_channel"], "{}"
                row.last_sync_id = "sync_bench"
        cursor, more = answer["next_cursor"], answer["has_more"]


def raw_body_orm(target: Target) -> None:
    """Typed decoding of the body, then the ORM: one look-up for each page, objects added."""
    for body in target.bodies():
        rows = target.typed(body)
        with unit_of_work() as unit:
            ids = [row["plaid_transaction_id"] for row in rows]
            known = set(
                unit.session.scalars(
                    select(PlaidTransaction.plaid_transaction_id).where(
                        PlaidTransaction.connection_id == target.connection_id,
                        PlaidTransaction.plaid_transaction_id.in_(ids),
                    )
                )
            )
            unit.session.add_all(
                PlaidTransaction(**row) for row in rows if row["plaid_transaction_id"] not in known
            )


def raw_body_core(target: Target) -> None:
    """The same with one Core statement for each page."""
    for body in target.bodies():
        with unit_of_work() as unit:
            unit.session.connection().execute(insert(PlaidTransaction.__table__), target.typed(body))


def driver_bulk(target: Target) -> None:
    """The same with the driver's own bulk statement, a transaction for each page."""
    for body in target.bodies():
        rows = target.typed(body)
        with unit_of_work() as unit:
            _bulk(unit.session.connection().connection.driver_connection, rows)


def limit(target: Target) -> None:
    """Nothing but pages, typed decoding and the driver's bulk statement, in one transaction."""
    with unit_of_work() as unit:
        connection = unit.session.connection().connection.driver_connection
        for body in target.bodies():
            _bulk(connection, target.typed(body))


def decoding(host: str, rows: int) -> int:
    """Transactions a second that are decoded and typed, their pages already there."""
    target = Target(
        user_id="u", connection_id="c", accounts=Anything(), host=host, http=urllib3.PoolManager()
    )  # type: ignore[arg-type]
    ground.next_update(host, rows, salt="decode")
    bodies = list(target.bodies())
    started = time.perf_counter()
    for body in bodies:
        for raw in TYPED.decode(body).added:
            ROW.decode(raw)
    return round(rows / (time.perf_counter() - started))


class Anything(dict[str, str]):
    """Knows every account."""

    def __missing__(self, key: str) -> str:
        return key


def _bulk(connection: Any, rows: list[dict[str, Any]]) -> None:
    if hasattr(connection, "pgconn"):
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for row in rows:
                copy.write_row([row[name] for name in COLUMNS])
        return
    for row in rows:
        row["date"] = row["date"].isoformat()
        row["authorized_date"] = row["authorized_date"] and row["authorized_date"].isoformat()
    connection.executemany(INSERT, [[row[name] for name in COLUMNS] for row in rows])


WAYS: dict[str, Callable[[Target], None]] = {
    "documented": documented,
    "raw_body_orm": raw_body_orm,
    "raw_body_core": raw_body_core,
    "driver_bulk": driver_bulk,
    "limit": limit,
}
