"""One page of /transactions/sync, typed; each row is read for itself, so that one odd row stops nobody."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import NamedTuple

import msgspec

from mingus import money
from mingus.plaid.wire import PENCE
from mingus.plaid.wire import UnreadableAnswer
from mingus.plaid.wire import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mingus.money import Currency

TEXT_LENGTH = 500
EARLIEST = dt.date(1900, 1, 1)
LATEST = dt.date(2200, 1, 1)


class WireCategory(msgspec.Struct, frozen=True):
    primary: str | None = None
    detailed: str | None = None


class WireTransaction(msgspec.Struct, frozen=True):
    """What the ledger uses of a transaction; the rest stays in its raw JSON."""

    transaction_id: str
    account_id: str
    amount: Decimal
    date: dt.date
    pending: bool
    name: str | None = None
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None
    authorized_date: dt.date | None = None
    pending_transaction_id: str | None = None
    merchant_name: str | None = None
    payment_channel: str | None = None
    personal_finance_category: WireCategory | None = None


class WireRemoved(msgspec.Struct, frozen=True):
    transaction_id: str


class SyncPage(msgspec.Struct, frozen=True):
    """A page as it comes: its rows still raw."""

    added: list[msgspec.Raw]
    modified: list[msgspec.Raw]
    removed: list[WireRemoved]
    next_cursor: str
    has_more: bool
    transactions_update_status: str
    request_id: str

    @property
    def size(self) -> int:
        return len(self.added) + len(self.modified) + len(self.removed)


class TransactionFacts(NamedTuple):
    """A transaction from the person's side: spent is negative. A tuple, since they come by the million.

    Its fields between the first and the last are the bank's columns of the ledger, in the order of `plan.BANKS_FIELDS`.
    """

    plaid_account_id: str
    plaid_transaction_id: str
    pending_plaid_id: str | None
    amount_minor: int
    amount_exact: str | None
    currency: Currency
    date: dt.date
    authorized_date: dt.date | None
    pending: bool
    name: str
    merchant_name: str | None
    category: str | None
    category_detailed: str | None
    payment_channel: str | None
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRow:
    """A row that can't become a transaction, and why."""

    raw: str
    reason: str

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.raw.encode()).hexdigest()


DECODER = msgspec.json.Decoder(WireTransaction)


def read_rows(rows: Iterable[msgspec.Raw]) -> list[TransactionFacts | UnreadableRow]:
    """Rows of a page, in their order."""
    found: list[TransactionFacts | UnreadableRow] = []
    for raw in rows:
        text = str(raw, "utf-8", "replace")
        if "\x00" in text or "\\u0000" in text:
            text = text.replace("\x00", "").replace("\\u0000", "")
        try:
            found.append(_facts(DECODER.decode(raw), text))
        except (msgspec.DecodeError, UnicodeDecodeError, UnreadableAnswer) as err:
            found.append(UnreadableRow(raw=text, reason=(str(err) or type(err).__name__)[:200]))
    return found


def facts_of(raw: str) -> TransactionFacts | UnreadableRow:
    """A row that was set aside, read again."""
    try:
        return _facts(DECODER.decode(raw.encode()), raw)
    except (msgspec.DecodeError, UnreadableAnswer) as err:
        return UnreadableRow(raw=raw, reason=str(err)[:200])


def _facts(row: WireTransaction, raw: str) -> TransactionFacts:
    in_pence = row.iso_currency_code is None and row.unofficial_currency_code == PENCE
    currency = (
        money.official("GBP")
        if in_pence
        else money.currency_of(row.iso_currency_code, row.unofficial_currency_code)
    )
    try:
        outflow = row.amount / 100 if in_pence else row.amount
        outflow_minor, whole = money.minor_of(outflow, currency)
    except money.NotMoney as err:
        message = "the amount is no finite number that a ledger can hold"
        raise UnreadableAnswer(message) from err
    if not EARLIEST <= row.date < LATEST:
        message = f"the date {row.date} lies outside of what a ledger can mean"
        raise UnreadableAnswer(message)
    category = row.personal_finance_category
    return TransactionFacts(
        row.account_id[:128],
        row.transaction_id[:128],
        row.pending_transaction_id[:128] if row.pending_transaction_id else None,
        -outflow_minor,  # Plaid counts what leaves the account, the ledger what the person has
        None if whole else f"{-money.parse(outflow):f}"[:64],
        currency,
        row.date,
        row.authorized_date,
        row.pending,
        clean(row.name, TEXT_LENGTH) or clean(row.merchant_name) or "?",
        clean(row.merchant_name) or None,
        clean(category.primary, 80) or None if category else None,
        clean(category.detailed, 120) or None if category else None,
        clean(row.payment_channel, 40) or None,
        raw,
    )
