"""A person's banks, accounts and transactions written straight into the tables, for tests that need exact rows."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from mingus.db import Base
from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import TransactionId
from mingus.plaid.models import AccountId
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from mingus.services import services
from mingus.transactions import sums

if TYPE_CHECKING:
    from flask import Flask

    from mingus.auth.models import UserId

Row = TypeVar("Row", bound=Base)
DAY = dt.date(2026, 5, 4)


def make_connection(owner: UserId, **changes: Any) -> ConnectionId:
    """A bank in good health, without a token: nobody asks it."""
    ambient = services().ambient
    connection_id = ConnectionId(ambient.new_id("con"))
    values: dict[str, Any] = {
        "id": connection_id,
        "user_id": owner,
        "environment": services().settings.environment.value,
        "plaid_item_id": f"item-{connection_id}",
        "institution_name": "First Platypus Bank",
        "state": ConnectionState.HEALTHY.value,
        "state_since": ambient.now(),
        "products": ["transactions"],
        "created_at": ambient.now(),
        "last_good_at": ambient.now(),
    }
    with unit_of_work() as unit:
        unit.session.add(PlaidConnection(**{**values, **changes}))
    return connection_id


def make_account(
    owner: UserId, connection_id: ConnectionId | None = None, name: str = "Checking", **changes: Any
) -> AccountId:
    """An account in dollars; without a connection it gets one of its own."""
    connection_id = connection_id or make_connection(owner)
    ambient = services().ambient
    account_id = AccountId(ambient.new_id("acc"))
    values: dict[str, Any] = {
        "id": account_id,
        "connection_id": connection_id,
        "user_id": owner,
        "plaid_account_id": f"account-{account_id}",
        "name": name,
        "mask": "0000",
        "type": "depository",
        "subtype": "checking",
        "currency": "USD",
        "current_minor": 100_000,
        "balance_at": ambient.now(),
        "created_at": ambient.now(),
    }
    with unit_of_work() as unit:
        unit.session.add(PlaidAccount(**{**values, **changes}))
    return account_id


def make_transaction(
    account_id: AccountId, amount_minor: int = -1_250, name: str = "COFFEE 42", **changes: Any
) -> TransactionId:
    """A posted purchase of the frozen day."""
    return make_transactions(account_id, [{"amount_minor": amount_minor, "name": name, **changes}])[0]


def make_transactions(account_id: AccountId, rows: list[dict[str, Any]]) -> list[TransactionId]:
    """Many at once; each row says what differs."""
    ambient = services().ambient
    with unit_of_work() as unit:
        account = unit.session.get_one(PlaidAccount, account_id)
        common: dict[str, Any] = {
            "user_id": account.user_id,
            "connection_id": account.connection_id,
            "account_id": account_id,
            "amount_minor": -1_250,
            "currency": account.currency,
            "date": DAY,
            "pending": False,
            "name": "COFFEE 42",
            "raw": "{}",
            "first_sync_id": SyncId("sync_none"),
            "last_sync_id": SyncId("sync_none"),
        }
        ids = [TransactionId(ambient.new_id("txn")) for _ in rows]
        for row_id, row in zip(ids, rows, strict=True):
            unit.session.add(
                PlaidTransaction(**{**common, "id": row_id, "plaid_transaction_id": f"plaid-{row_id}", **row})
            )
        sums.refresh_rows(unit, account.user_id, ids)
    return ids


class Desk:
    """The same for tests that call pages: each call in a context of its own, since one that stays open would keep
    who is signed in."""

    def __init__(self, app: Flask, owner: UserId) -> None:
        self.app = app
        self.owner = owner

    def connection(self, **changes: Any) -> ConnectionId:
        with self.app.app_context():
            return make_connection(self.owner, **changes)

    def account(self, connection_id: ConnectionId | None = None, **changes: Any) -> AccountId:
        with self.app.app_context():
            return make_account(self.owner, connection_id, **changes)

    def transaction(self, account_id: AccountId, *facts: Any, **changes: Any) -> TransactionId:
        with self.app.app_context():
            return make_transaction(account_id, *facts, **changes)

    def transactions(self, account_id: AccountId, rows: list[dict[str, Any]]) -> list[TransactionId]:
        with self.app.app_context():
            return make_transactions(account_id, rows)

    def put(self, *rows: Base) -> None:
        with self.app.app_context(), unit_of_work() as unit:
            unit.session.add_all(rows)
            sums.rebuild(unit, self.owner)

    def read(self, model: type[Row], key: Any) -> Row | None:
        with self.app.app_context():
            return db.session.get(model, key)
