"""What pages and API read of debts, holdings and recurring payments; the owner comes first."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import Select
from sqlalchemy import and_
from sqlalchemy import or_
from sqlalchemy import select

from mingus.db import db
from mingus.money import Currency
from mingus.money import Money
from mingus.plaid.accounts import replaced_accounts
from mingus.plaid.failures import advice
from mingus.plaid.models import AccountChoice
from mingus.plaid.models import AccountId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.products import Holding
from mingus.plaid.products import InvestmentTransaction
from mingus.plaid.products import Liability
from mingus.plaid.products import OfAccount
from mingus.plaid.products import Product
from mingus.plaid.products import ProductRefresh
from mingus.plaid.products import RecurringStream
from mingus.plaid.products import Security

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import ColumnElement

    from mingus.auth.models import UserId
    from mingus.plaid.models import ConnectionId


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRow:
    """How one product of one connection stands: when it was last read well, and why not since."""

    connection_id: ConnectionId
    product: Product
    last_good_at: dt.datetime | None
    last_tried_at: dt.datetime | None
    error_code: str | None
    sentence: str | None
    set_aside: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Apr:
    """One of a card's rates, and what it is charged on."""

    type: str | None
    percent: Decimal | None
    balance: Money | None
    interest: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiabilityRow:
    """The terms of a debt; amounts as on a statement: what is to be paid is positive."""

    id: str
    account_id: AccountId
    kind: str
    name: str | None
    currency: Currency
    rate_percent: Decimal | None
    rate_type: str | None
    aprs: tuple[Apr, ...]
    is_overdue: bool | None
    minimum_payment: Money | None
    next_payment: Money | None
    next_due_on: dt.date | None
    last_payment: Money | None
    last_payment_on: dt.date | None
    statement: Money | None
    statement_on: dt.date | None
    past_due: Money | None
    principal: Money | None
    originated_on: dt.date | None
    matures_on: dt.date | None
    as_of: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingRow:
    """How much of a security an account holds, what it is worth and what it cost."""

    id: str
    account_id: AccountId
    name: str
    ticker: str | None
    type: str
    is_cash: bool
    currency: Currency
    quantity: Decimal
    price: Decimal | None
    price_on: dt.date | None
    value: Money | None
    cost: Money | None
    vested_quantity: Decimal | None
    as_of: dt.datetime

    @property
    def gain(self) -> Money | None:
        """What it is worth beyond its cost; None while either is unknown."""
        return self.value + -self.cost if self.value is not None and self.cost is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementRow:
    """One movement of an investment account; what a purchase takes is negative."""

    id: str
    account_id: AccountId
    date: dt.date
    name: str
    type: str
    subtype: str | None
    security_name: str | None
    ticker: str | None
    quantity: Decimal | None
    price: Decimal | None
    amount: Money
    fees: Money | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurringRow:
    """A payment or an income that comes again and again; spent is negative."""

    id: str
    account_id: AccountId
    is_income: bool
    name: str
    description: str
    category: str | None
    category_detailed: str | None
    frequency: str
    status: str
    is_active: bool
    currency: Currency
    average: Money | None
    last: Money | None
    first_on: dt.date | None
    last_on: dt.date | None
    next_on: dt.date | None
    payments: int


def product_states(
    user_id: UserId, *, environment: str, connection_id: ConnectionId | None = None
) -> list[ProductRow]:
    """How the products of the person's connections stand."""
    statement = (
        select(ProductRefresh)
        .join(PlaidConnection, PlaidConnection.id == ProductRefresh.connection_id)
        .where(PlaidConnection.user_id == user_id, PlaidConnection.environment == environment)
        .order_by(ProductRefresh.connection_id, ProductRefresh.product)
    )
    if connection_id is not None:
        statement = statement.where(ProductRefresh.connection_id == connection_id)
    return [
        ProductRow(
            connection_id=row.connection_id,
            product=Product(row.product),
            last_good_at=row.last_good_at,
            last_tried_at=row.last_tried_at,
            error_code=row.error_code,
            sentence=advice(None, row.error_code).sentence if row.error_code else None,
            set_aside=row.set_aside,
        )
        for row in db.session.scalars(statement)
    ]


def liabilities(
    user_id: UserId, *, environment: str, account_id: AccountId | None = None
) -> list[LiabilityRow]:
    """The terms of the person's debts, the next one due first."""
    statement = select(Liability).where(*_counting(Liability, user_id, environment, account_id))
    ordered = statement.order_by(Liability.next_due_on.is_(None), Liability.next_due_on, Liability.id)
    return [_liability(row) for row in db.session.scalars(ordered)]


def holdings(user_id: UserId, *, environment: str, account_id: AccountId | None = None) -> list[HoldingRow]:
    """What the person's investment accounts hold, by account, the largest first."""
    statement = (
        select(Holding, Security)
        .outerjoin(Security, _security_of(Holding))
        .where(*_counting(Holding, user_id, environment, account_id))
        .order_by(Holding.account_id, Holding.value_minor.is_(None), Holding.value_minor.desc(), Holding.id)
    )
    return [_holding(row, security) for row, security in db.session.execute(statement)]


def movements(
    user_id: UserId,
    *,
    environment: str,
    limit: int,
    after: str | None = None,
    account_id: AccountId | None = None,
) -> list[MovementRow]:
    """The movements of the person's investment accounts, newest first, after a key."""
    table = InvestmentTransaction
    statement = (
        select(table, Security)
        .outerjoin(Security, _security_of(table))
        .where(*_counting(table, user_id, environment, account_id))
    )
    if after is not None:
        anchor = db.session.execute(
            select(table.date, table.id).where(table.id == after, table.user_id == user_id)
        ).one_or_none()
        if anchor is None:
            return []
        earlier = and_(table.date == anchor.date, table.id < anchor.id)
        statement = statement.where(or_(table.date < anchor.date, earlier))
    ordered = statement.order_by(table.date.desc(), table.id.desc()).limit(limit)
    return [_movement(row, security) for row, security in db.session.execute(ordered)]


def recurring(
    user_id: UserId, *, environment: str, account_id: AccountId | None = None
) -> list[RecurringRow]:
    """The person's recurring payments and incomes, living ones first, the next one first."""
    table = RecurringStream
    statement = select(table).where(*_counting(table, user_id, environment, account_id))
    ordered = statement.order_by(table.is_active.desc(), table.next_on.is_(None), table.next_on, table.id)
    return [_stream(row) for row in db.session.scalars(ordered)]


def _counting(
    table: type[OfAccount], user_id: UserId, environment: str, account_id: AccountId | None
) -> list[ColumnElement[bool]]:
    """The person's rows of this environment, of accounts that count; a hidden one only when it is asked for."""
    accounts: Select[AccountId] = (
        select(PlaidAccount.id)
        .join(PlaidConnection, PlaidConnection.id == PlaidAccount.connection_id)
        .outerjoin(AccountChoice, AccountChoice.account_id == PlaidAccount.id)
        .where(
            PlaidAccount.user_id == user_id,
            PlaidConnection.environment == environment,
            PlaidAccount.id.not_in(replaced_accounts(user_id)),
        )
    )
    if account_id is None:
        accounts = accounts.where(or_(AccountChoice.hidden.is_(None), AccountChoice.hidden.is_(False)))
    else:
        accounts = accounts.where(PlaidAccount.id == account_id)
    return [table.user_id == user_id, table.account_id.in_(accounts)]


def _security_of(table: type[Holding | InvestmentTransaction]) -> ColumnElement[bool]:
    return and_(
        Security.connection_id == table.connection_id, Security.plaid_security_id == table.plaid_security_id
    )


def _money(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor=minor, currency=Currency(currency))


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _liability(row: Liability) -> LiabilityRow:
    return LiabilityRow(
        id=row.id,
        account_id=row.account_id,
        kind=row.kind,
        name=row.name,
        currency=Currency(row.currency),
        rate_percent=_decimal(row.rate_percent),
        rate_type=row.rate_type,
        aprs=tuple(
            Apr(
                type=apr["type"],
                percent=_decimal(apr["percent"]),
                balance=_money(apr["balance_minor"], row.currency),
                interest=_money(apr["interest_minor"], row.currency),
            )
            for apr in row.aprs
        ),
        is_overdue=row.is_overdue,
        minimum_payment=_money(row.minimum_payment_minor, row.currency),
        next_payment=_money(row.next_payment_minor, row.currency),
        next_due_on=row.next_due_on,
        last_payment=_money(row.last_payment_minor, row.currency),
        last_payment_on=row.last_payment_on,
        statement=_money(row.statement_minor, row.currency),
        statement_on=row.statement_on,
        past_due=_money(row.past_due_minor, row.currency),
        principal=_money(row.principal_minor, row.currency),
        originated_on=row.originated_on,
        matures_on=row.matures_on,
        as_of=row.read_at,
    )


def _holding(row: Holding, security: Security | None) -> HoldingRow:
    return HoldingRow(
        id=row.id,
        account_id=row.account_id,
        name=(security.name or security.ticker if security is not None else None) or "?",
        ticker=security.ticker if security is not None else None,
        type=security.type if security is not None else "other",
        is_cash=security is not None and security.is_cash,
        currency=Currency(row.currency),
        quantity=Decimal(row.quantity),
        price=_decimal(row.price),
        price_on=row.price_on,
        value=_money(row.value_minor, row.currency),
        cost=_money(row.cost_minor, row.currency),
        vested_quantity=_decimal(row.vested_quantity),
        as_of=row.read_at,
    )


def _movement(row: InvestmentTransaction, security: Security | None) -> MovementRow:
    return MovementRow(
        id=row.id,
        account_id=row.account_id,
        date=row.date,
        name=row.name,
        type=row.type,
        subtype=row.subtype,
        security_name=security.name if security is not None else None,
        ticker=security.ticker if security is not None else None,
        quantity=_decimal(row.quantity),
        price=_decimal(row.price),
        amount=Money(minor=row.amount_minor, currency=Currency(row.currency)),
        fees=_money(row.fees_minor, row.currency),
    )


def _stream(row: RecurringStream) -> RecurringRow:
    return RecurringRow(
        id=row.id,
        account_id=row.account_id,
        is_income=row.is_income,
        name=row.merchant_name or row.description,
        description=row.description,
        category=row.category,
        category_detailed=row.category_detailed,
        frequency=row.frequency,
        status=row.status,
        is_active=row.is_active,
        currency=Currency(row.currency),
        average=_money(row.average_minor, row.currency),
        last=_money(row.last_minor, row.currency),
        first_on=row.first_on,
        last_on=row.last_on,
        next_on=row.next_on,
        payments=len(row.plaid_transaction_ids),
    )
