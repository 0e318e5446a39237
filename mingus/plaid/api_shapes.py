"""What the JSON API answers and is asked, as types: what its document is made of."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta

from mingus.plaid.failures import Action
from mingus.plaid.states import ConnectionState
from mingus.plaid.states import Health

Number = float  # how JSON calls it: nothing is computed here, and what is sent has its exact digits
Yes = Annotated[bool, Meta(extra_json_schema={"const": True})]


class Shape(msgspec.Struct, forbid_unknown_fields=True):
    """A JSON object with these names and no others."""


class Success(Shape):
    success: Yes


class Problem(msgspec.Struct):
    """Some problems say more, in names of their own."""

    code: str
    message: str
    request_id: str
    fields: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class Failure(Shape):
    success: Annotated[bool, Meta(extra_json_schema={"const": False})]
    error: Problem


class LinkToken(Success):
    link_token: str
    expiration: dt.datetime
    request_id: str
    link_id: str


class Connected(Success):
    message: str
    connection_id: str
    accounts_count: int
    institution_name: str | None


class Heard(Success):
    sentence: str | None


class Balance(Shape):
    current: Number | None
    available: Number | None
    limit: Number | None
    currency: str | None


class Account(Shape):
    id: str
    connection_id: str
    institution_name: str
    name: str
    official_name: str | None
    mask: str | None
    type: str
    subtype: str | None
    balance: Balance
    as_of: dt.datetime
    closed: bool


class Accounts(Success):
    accounts: list[Account]


class AccountBalance(Success):
    account_id: str
    balance: Balance
    live: bool
    as_of: dt.datetime


class Institution(Shape):
    institution_id: str
    name: str
    oauth: bool
    url: str | None


class Institutions(Success):
    institutions: list[Institution]


class ImportProgress(Shape):
    phase: str
    imported: int
    sync_id: str | None
    running: bool
    started_at: dt.datetime | None
    fetched: int
    pages: int


class Connection(Shape):
    connection_id: str
    institution_name: str
    state: ConnectionState
    state_since: dt.datetime
    health: Health
    recommendation: str
    message: str | None
    action: Action
    error_code: str | None
    new_accounts: bool
    consent_expires_at: dt.datetime | None
    bank_data_at: dt.datetime | None
    checked_at: dt.datetime | None
    paused_since: dt.datetime | None
    progress: ImportProgress
    accounts: list[Account]


class ConnectionHealth(Connection):
    success: Yes


class Connections(Success):
    connections: list[Connection]
    asleep: int


class Disconnected(Success):
    message: str
    connection_id: str


class Transaction(Shape):
    """Amounts are from the person's side: money spent is negative."""

    id: str
    account_id: str
    name: str
    merchant_name: str | None
    amount: Number
    currency: str
    date: dt.date
    category: list[str]
    pending: bool


class Transactions(Success):
    transactions: list[Transaction]
    total_count: int
    limit: int
    offset: int
    next: str | None


class Decided(Success):
    changed: int
    edit_id: str | None


class SyncsRequested(Success):
    message: str
    sync_id: str | None
    sync_ids: list[str]


class SyncLog(Shape):
    sync_id: str
    connection_id: str
    phase: str
    trigger: str
    status: str
    requested_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    pages: int
    fetched: int
    added: int
    modified: int
    removed: int
    parked: int
    quarantined: int
    update_status: str | None
    error_code: str | None


class Sync(SyncLog):
    success: Yes


class SyncLogs(Success):
    sync_logs: list[SyncLog]
    next: str | None


class Pulse(Success):
    mark: str
    syncing: int
    at: dt.datetime | None
    added: int


class ProductStanding(Shape):
    connection_id: str
    product: str
    last_good_at: dt.datetime | None
    last_tried_at: dt.datetime | None
    error_code: str | None
    message: str | None
    set_aside: int


class Rate(Shape):
    type: str | None
    percent: Number | None
    balance: Number | None
    interest: Number | None


class Liability(Shape):
    id: str
    account_id: str
    kind: str
    name: str | None
    currency: str
    rate_percent: Number | None
    rate_type: str | None
    aprs: list[Rate]
    is_overdue: bool | None
    minimum_payment: Number | None
    next_payment: Number | None
    next_due_on: dt.date | None
    last_payment: Number | None
    last_payment_on: dt.date | None
    statement_balance: Number | None
    statement_on: dt.date | None
    past_due: Number | None
    principal: Number | None
    originated_on: dt.date | None
    matures_on: dt.date | None
    as_of: dt.datetime


class Liabilities(Success):
    liabilities: list[Liability]
    products: list[ProductStanding]


class Holding(Shape):
    id: str
    account_id: str
    name: str
    ticker: str | None
    type: str
    is_cash: bool
    currency: str
    quantity: Number
    price: Number | None
    price_on: dt.date | None
    value: Number | None
    cost_basis: Number | None
    gain: Number | None
    vested_quantity: Number | None
    as_of: dt.datetime


class Movement(Shape):
    id: str
    account_id: str
    date: dt.date
    name: str
    type: str
    subtype: str | None
    security_name: str | None
    ticker: str | None
    quantity: Number | None
    price: Number | None
    amount: Number
    fees: Number | None
    currency: str


class Investments(Success):
    holdings: list[Holding]
    transactions: list[Movement]
    next: str | None
    products: list[ProductStanding]


class Stream(Shape):
    id: str
    account_id: str
    name: str
    description: str
    category: list[str]
    frequency: str
    status: str
    is_active: bool
    average_amount: Number | None
    last_amount: Number | None
    currency: str
    first_on: dt.date | None
    last_on: dt.date | None
    next_on: dt.date | None
    payments: int


class Recurring(Success):
    inflow: list[Stream]
    outflow: list[Stream]
    products: list[ProductStanding]


class SyncRequest(msgspec.Struct):
    connection_id: str | msgspec.UnsetType = msgspec.UNSET  # without it all are read
