"""Accounts that are kept by hand: made, valued by date, deleted.

They hang on a connection of their own that nobody reads, one for each person and environment, so that whatever reads
accounts, balances and transactions finds them without knowing.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import func
from sqlalchemy import select

from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.errors import MingusError
from mingus.errors import NotFound
from mingus.manual.kinds import KINDS
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import AccountId
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from mingus.transactions import sums

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.db import Unit
    from mingus.money import Currency
    from mingus.money import Money

MOST_ACCOUNTS = 200
BANK = "By hand"
NOON = dt.time(12, tzinfo=dt.UTC)


class TooManyAccounts(MingusError):
    """You keep as many accounts by hand as there can be. Please delete one first."""

    status = 422
    code = "too_many_accounts"


class ManualAccounts:
    """The only writer of accounts that no bank tells of."""

    def __init__(self, *, ambient: Ambient, environment: str) -> None:
        self._ambient = ambient
        self._environment = environment

    def add(
        self, user_id: UserId, *, name: str, kind: str, currency: Currency, value: Money | None, on: dt.date
    ) -> AccountId:
        """Make an account, with its first value if there is one; raises TooManyAccounts."""
        with unit_of_work() as unit:
            connection = self._connection(unit, user_id)
            mine = select(func.count()).where(PlaidAccount.connection_id == connection.id)
            if (unit.session.scalar(mine) or 0) >= MOST_ACCOUNTS:
                raise TooManyAccounts
            account_id = AccountId(self._ambient.new_id("acc"))
            account = PlaidAccount(
                id=account_id,
                connection_id=connection.id,
                user_id=user_id,
                plaid_account_id=account_id,
                name=name,
                type=KINDS[kind].type,
                subtype=KINDS[kind].subtype,
                currency=currency,
                balance_at=self._ambient.now(),
                created_at=self._ambient.now(),
            )
            unit.session.add(account)
            if value is not None:
                unit.session.flush()  # the value names this row
                write_values(unit, account, {on: value.minor})
            return account_id

    def write_value(
        self,
        user_id: UserId,
        account_id: AccountId,
        *,
        on: dt.date,
        value: Money,
        before: dt.date | None = None,
    ) -> None:
        """Say what the account is worth on a day; a value of that day is overwritten, that of `before` moves here."""
        with unit_of_work() as unit:
            account = self.owned(unit, user_id, account_id)
            if before is not None and before != on:
                self._forget(unit, account, before)
            write_values(unit, account, {on: value.minor})

    def delete_value(self, user_id: UserId, account_id: AccountId, on: dt.date) -> None:
        """Take a value back; raises NotFound."""
        with unit_of_work() as unit:
            account = self.owned(unit, user_id, account_id)
            self._forget(unit, account, on)
            settle(unit, account)

    def delete(self, user_id: UserId, account_id: AccountId) -> None:
        """Delete the account with its values and transactions; raises NotFound."""
        with unit_of_work() as unit:
            account = self.owned(unit, user_id, account_id)
            with sums.going(unit, user_id, PlaidTransaction.account_id == account_id):
                unit.session.delete(account)

    def owned(self, unit: Unit, user_id: UserId, account_id: AccountId) -> PlaidAccount:
        """The person's account, held until the end of the unit, if it is kept by hand; raises NotFound."""
        account = unit.lock(PlaidAccount, account_id)
        if account is None or account.user_id != user_id:
            raise NotFound
        connection = unit.lock_one(PlaidConnection, account.connection_id)
        if connection.state != ConnectionState.MANUAL or connection.environment != self._environment:
            raise NotFound
        connection.last_checked_at = self._ambient.now()  # open pages see by it that something changed
        return account

    def _forget(self, unit: Unit, account: PlaidAccount, on: dt.date) -> None:
        snapshot = unit.session.get(BalanceSnapshot, (account.id, on))
        if snapshot is None:
            raise NotFound
        unit.session.delete(snapshot)
        unit.session.flush()  # the newest one is looked for next

    def _connection(self, unit: Unit, user_id: UserId) -> PlaidConnection:
        """The person's connection that is none, made when it is first needed."""
        item = f"manual-{user_id}"
        row = {
            "id": ConnectionId(self._ambient.new_id("con")),
            "user_id": user_id,
            "environment": self._environment,
            "plaid_item_id": item,
            "institution_name": BANK,
            "state": ConnectionState.MANUAL.value,
            "state_since": self._ambient.now(),
            "products": [],
            "created_at": self._ambient.now(),
        }
        upsert(unit.session, PlaidConnection, [row], key=["environment", "plaid_item_id"], keep=list(row))
        found = select(PlaidConnection).where(
            PlaidConnection.environment == self._environment, PlaidConnection.plaid_item_id == item
        )
        connection = unit.session.scalars(found.with_for_update()).one()
        connection.last_checked_at = self._ambient.now()
        return connection


def write_values(unit: Unit, account: PlaidAccount, values: dict[dt.date, int]) -> None:
    """Write values by day in the caller's unit; the newest is what the account is worth."""
    rows = [
        {"account_id": account.id, "taken_on": on, "current_minor": minor, "currency": account.currency}
        for on, minor in values.items()
    ]
    upsert(unit.session, BalanceSnapshot, rows, key=["account_id", "taken_on"])
    settle(unit, account)


def settle(unit: Unit, account: PlaidAccount) -> None:
    """Bring the account to its newest value, in the caller's unit."""
    newest = unit.session.execute(
        select(BalanceSnapshot.taken_on, BalanceSnapshot.current_minor)
        .where(BalanceSnapshot.account_id == account.id)
        .order_by(BalanceSnapshot.taken_on.desc())
        .limit(1)
    ).one_or_none()
    account.current_minor = newest.current_minor if newest is not None else None
    if newest is not None:
        account.balance_at = dt.datetime.combine(newest.taken_on, NOON)
