"""A person's books of any length, written straight into the tables: what reading is measured on.

Merchants, texts and amounts are spread as a person's are: few shops often, many seldom; some rows decided about, some
paired, some pending, some taken back by the bank.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from mingus import bulk
from mingus.db import db
from mingus.db import unit_of_work
from mingus.plaid.ledger import BalanceSnapshot
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import TransactionChoice
from mingus.plaid.models import AccountId
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from mingus.services import services
from mingus.transactions import merchantsums
from mingus.transactions import sums
from mingus.transactions import taxonomy
from mingus.transactions import wording
from mingus.transactions.models import TransferPair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mingus.auth.models import UserId

MONTHS = 48
MERCHANTS = 1_500
ROWS_AT_ONCE = 20_000
SHARES = (0.5, 0.2, 0.12, 0.1, 0.05, 0.03)  # of the accounts
FREQUENT, RARE, ABSENT = "market", "zanzibar", "quetzalcoatl"
KINDS = ("Coffee", "Market", "Pharmacy", "Garage", "Books", "Bakery", "Air", "Hotel", "Power", "Telecom")
LETTERS = "abcdefghijklmnoprstuvw"
COLUMNS = (
    *("id", "user_id", "connection_id", "account_id", "plaid_transaction_id", "amount_minor", "currency"),
    *("date", "pending", "name", "merchant_name", "category", "category_detailed", "raw"),
    *("first_sync_id", "last_sync_id", "removed_at"),
)
CHOICE_COLUMNS = ("transaction_id", "user_id", "name", "category", "notes", "tags", "hidden", "origins")
PAIR_COLUMNS = ("out_id", "in_id", "user_id", "found_at", "undone_at")
RAW = '{"note": "' + "x" * 600 + '"}'


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant, and what the bank says of its purchases."""

    name: str
    group: str
    code: str


@dataclass(slots=True)
class Book:
    """Whose rows these are."""

    user_id: UserId
    connection_id: ConnectionId
    accounts: list[AccountId]


def fill(user_id: UserId, rows: int, *, seed: int = 7) -> Book:
    """Give the person accounts with so many transactions over four years."""
    chance = random.Random(seed)
    today = services().ambient.today("UTC")
    with unit_of_work() as unit:
        book = _open(user_id, unit.session, today)
    shops = _shops(chance)
    written = 0
    for some in _slices(rows):
        with unit_of_work() as unit:
            made = [_row(book, chance, shops, today, written + number, rows) for number in range(some)]
            bulk.insert_rows(unit.session, table(PlaidTransaction), COLUMNS, made)
            bulk.insert_rows(
                unit.session, table(TransactionChoice), CHOICE_COLUMNS, list(_choices(made, chance))
            )
            bulk.insert_rows(unit.session, table(TransferPair), PAIR_COLUMNS, list(_pairs(book, made)))
        written += some
    with unit_of_work() as unit:
        sums.rebuild(unit, user_id)
    while wording.take_up(user_id):
        pass
    merchantsums.keep(user_id, environment=services().settings.environment.value)
    _analyse()
    return book


def table(model: Any) -> Any:
    return model.__table__


def _slices(rows: int) -> Iterator[int]:
    for start in range(0, rows, ROWS_AT_ONCE):
        yield min(ROWS_AT_ONCE, rows - start)


def _open(user_id: UserId, session: Any, today: dt.date) -> Book:
    ambient = services().ambient
    now, connection_id = ambient.now(), ConnectionId(ambient.new_id("con"))
    session.add(
        PlaidConnection(
            id=connection_id,
            user_id=user_id,
            environment=services().settings.environment.value,
            plaid_item_id=f"item-{connection_id}",
            institution_name="First Platypus Bank",
            state=ConnectionState.HEALTHY.value,
            state_since=now,
            products=["transactions"],
            created_at=now,
            last_good_at=now,
        )
    )
    session.flush()  # the accounts name it
    ids = [AccountId(ambient.new_id("acc")) for _ in SHARES]
    session.add_all(
        PlaidAccount(
            id=row_id,
            connection_id=connection_id,
            user_id=user_id,
            plaid_account_id=f"account-{row_id}",
            name=f"Checking {number}",
            mask=f"{number:04}",
            type="depository",
            subtype="checking",
            currency="USD",
            current_minor=100_000 * number,
            balance_at=now,
            created_at=now,
        )
        for number, row_id in enumerate(ids, 1)
    )
    session.flush()  # the values name them
    session.add_all(
        BalanceSnapshot(account_id=row_id, taken_on=today, current_minor=100_000, currency="USD")
        for row_id in ids
    )
    return Book(user_id=user_id, connection_id=connection_id, accounts=ids)


def _shops(chance: random.Random) -> list[Shop]:
    codes = [
        (group, f"{group}_{detail[0]}")
        for group, *_ in taxonomy.GROUPS
        if group not in {"INCOME", "TRANSFER_IN", "TRANSFER_OUT", "LOAN_DISBURSEMENTS", "OTHER"}
        for detail in taxonomy.DETAILS[group]
    ]
    found = []
    for number in range(MERCHANTS):
        word = "".join(chance.choice(LETTERS) for _ in range(chance.randint(4, 9))).title()
        found.append(Shop(f"{word} {KINDS[number % len(KINDS)]}", *codes[number % len(codes)]))
    return found


def _row(
    book: Book, chance: random.Random, shops: list[Shop], today: dt.date, number: int, rows: int
) -> tuple[Any, ...]:
    often = min(int(chance.paretovariate(0.6)) - 1, MERCHANTS - 1)
    shop = shops[often if chance.random() < 0.8 else number % MERCHANTS]
    # the oldest come first, as ids rise
    day = today - dt.timedelta(days=int((1 - number / rows) * MONTHS * 30.4))
    amount, group, code = -chance.randint(100, 25_000), shop.group, shop.code
    name: str = f"{shop.name.upper()} #{chance.randint(1, 900):04}"
    merchant: str | None = shop.name
    kind = number % 100
    if kind == 0:
        amount, group, code, merchant = 250_000, "INCOME", "INCOME_SALARY", None
        name = "ACME PAYROLL"
    elif kind in {1, 2}:
        amount = 20_000 + number // 100
        amount = -amount if kind == 1 else amount
        group = "TRANSFER_OUT" if kind == 1 else "TRANSFER_IN"
        code, merchant, name = f"{group}_ACCOUNT_TRANSFER", None, "TRANSFER TO SAVINGS"
    elif kind == 3:
        amount = -amount // 2  # given back
    if number % 50_000 == 17:
        name = "ZANZIBAR SPICES"
    account = 0 if kind == 1 else 1 if kind == 2 else chance.choices(range(len(SHARES)), SHARES)[0]
    row_id = services().ambient.new_id("txn")
    removed = services().ambient.now() if number % 1_000 == 999 else None
    return (
        *(row_id, book.user_id, book.connection_id, book.accounts[account], f"plaid-{row_id}", amount, "USD"),
        *(day, (today - day).days < 2, name, merchant, group, code, RAW),
        *("sync_none", "sync_none", removed),
    )


def _choices(rows: list[tuple[Any, ...]], chance: random.Random) -> Iterator[tuple[Any, ...]]:
    """Decisions about two rows in a hundred."""
    for number, row in enumerate(rows):
        if number % 50 == 7:
            tags = ["holiday"] if number % 500 == 7 else []
            category = "GENERAL_MERCHANDISE_OTHER_GENERAL_MERCHANDISE" if number % 100 == 7 else None
            notes = f"asked about it {chance.randint(1, 99)}" if number % 250 == 7 else None
            yield (row[0], row[1], None, category, notes, tags, number % 1_000 == 7, {})


def _pairs(book: Book, rows: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    for out, back in zip(rows[1::100], rows[2::100], strict=False):
        yield (out[0], back[0], book.user_id, services().ambient.now(), None)


def _analyse() -> None:
    """What a database that has run for a day knows about its tables."""
    with db.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
