"""The JSON API of transactions and syncs."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any

import msgspec
from flask import Blueprint
from flask import request

from mingus import money
from mingus.plaid import synclogs
from mingus.plaid.api import answer
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import TransactionId
from mingus.plaid.models import AccountId
from mingus.plaid.models import ConnectionId
from mingus.plaid.progress import phase_of
from mingus.services import services
from mingus.transactions import catalogues
from mingus.transactions.edits import NAME_LENGTH
from mingus.transactions.edits import NOTE_LENGTH
from mingus.transactions.edits import Wish
from mingus.transactions.edits import tidy_tags
from mingus.transactions.filters import Filters
from mingus.transactions.listing import LARGEST_PAGE
from mingus.transactions.listing import Listing
from mingus.web.access import owned_or_404
from mingus.web.access import visitor
from mingus.web.bodies import Unfit
from mingus.web.bodies import json_body

if TYPE_CHECKING:
    from flask import Response

    from mingus.plaid.ledger import PlaidSyncLog
    from mingus.transactions.listing import Entry

bp = Blueprint("ledger_api", __name__, url_prefix="/api/plaid")
DEFAULT_PAGE = 100
DEEPEST_OFFSET = 100_000
TEXT_LENGTH = 200
CODE_LENGTH = 120
WHOLE = re.compile(r"\d{1,9}")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Arguments:
    """The query's values, typed; what is wrong is told all at once."""

    def __init__(self) -> None:
        self.problems: dict[str, str] = {}

    def text(self, name: str) -> str | None:
        value = request.args.get(name, "").strip()
        if len(value) > TEXT_LENGTH or not value.isprintable():
            self.problems[name] = f"has more than {TEXT_LENGTH} characters, or odd ones"
        return value or None

    def day(self, name: str) -> dt.date | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            if DAY.fullmatch(value):
                return dt.date.fromisoformat(value)
        except ValueError:
            pass  # the 30th of February only looks like a date
        self.problems[name] = "is no date like 2026-01-31"
        return None

    def whole(self, name: str, default: int, *, low: int, high: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not WHOLE.fullmatch(value) or not low <= int(value) <= high:
            self.problems[name] = f"is no whole number from {low} to {high}"
            return default
        return int(value)

    def amount(self, name: str) -> Decimal | None:
        """An amount in major units, of whatever currency a row has."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return money.parse(Decimal(value))
        except (money.NotMoney, ArithmeticError):
            self.problems[name] = "is no amount"
            return None

    def flag(self, name: str) -> bool | None:
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in {"true", "false", "1", "0"}:
            self.problems[name] = "is true or false"
            return None
        return value.lower() in {"true", "1"}

    def check(self) -> None:
        if self.problems:
            raise Unfit(self.problems)


@bp.get("/transactions")
def list_transactions() -> Response:
    """The person's transactions, newest first; page by `after`, or by `offset` for short lists."""
    read = Arguments()
    account_id, after = read.text("account_id"), read.text("after")
    category = read.text("category")
    filters = Filters(
        since=read.day("start_date"),
        until=read.day("end_date"),
        accounts=(AccountId(account_id),) if account_id else (),
        categories=(category,) if category else (),
        search=read.text("search"),
        least=read.amount("min_amount"),
        most=read.amount("max_amount"),
        pending=read.flag("pending"),
    )
    limit = read.whole("limit", DEFAULT_PAGE, low=1, high=LARGEST_PAGE)
    offset = read.whole("offset", 0, low=0, high=DEEPEST_OFFSET)
    read.check()
    listing = Listing(
        visitor().id,
        filters,
        catalogues.of(visitor().id),
        environment=services().settings.environment.value,
    )
    found = listing.page(
        limit=limit, after=TransactionId(after) if after else None, offset=0 if after else offset
    )
    return answer(
        transactions=[_transaction(entry) for entry in found.entries],
        total_count=listing.count(),
        limit=limit,
        offset=offset,
        next=found.older,
    )


class DecisionBody(msgspec.Struct, forbid_unknown_fields=True):
    """What a person decides; null gives a field back to the bank, what is left out stays."""

    name: str | msgspec.UnsetType | None = msgspec.UNSET
    category: str | msgspec.UnsetType | None = msgspec.UNSET
    notes: str | msgspec.UnsetType | None = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType = msgspec.UNSET
    hidden: bool | msgspec.UnsetType = msgspec.UNSET


@bp.patch("/transactions/<transaction_id>")
def decide(transaction_id: str) -> Response:
    """Change what the person decided about one of their transactions."""
    body = json_body(DecisionBody)
    values = {
        name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET
    }
    _check_decisions(values)
    if "tags" in values:
        values["tags"] = list(tidy_tags(",".join(values["tags"])))
    made = services().edits.change(visitor().id, [transaction_id], Wish(values=values))
    return answer(changed=made.count, edit_id=made.id)


def _check_decisions(values: dict[str, Any]) -> None:
    """Raises Unfit with every field that is wrong."""
    longest = {"name": NAME_LENGTH, "notes": NOTE_LENGTH, "category": CODE_LENGTH}
    problems = {
        name: f"has more than {most} characters"
        for name, most in longest.items()
        if len(values.get(name) or "") > most
    }
    if problems:
        raise Unfit(problems)


@bp.post("/transactions/sync")
def sync_transactions() -> Response:
    """Ask for a sync of one connection, or of all; 202 with the ids to follow."""
    body = request.get_json(silent=True) if request.content_length else {}
    if not isinstance(body, dict) or not isinstance(body.get("connection_id", ""), str):
        raise Unfit({"connection_id": "is no text"})
    connection_id = body.get("connection_id")
    ids = services().plaid.request_syncs(visitor().id, ConnectionId(connection_id) if connection_id else None)
    return answer(http_status=202, message="Sync requested.", sync_id=ids[0] if ids else None, sync_ids=ids)


@bp.get("/syncs/<sync_id>")
def sync(sync_id: str) -> Response:
    """How far a sync is."""
    return answer(**_sync(owned_or_404(synclogs.sync_log(visitor().id, SyncId(sync_id)))))


@bp.get("/sync-logs")
def sync_logs() -> Response:
    """The person's syncs, newest first."""
    read = Arguments()
    limit = read.whole("limit", DEFAULT_PAGE, low=1, high=LARGEST_PAGE)
    after, connection_id = read.text("after"), read.text("connection_id")
    read.check()
    rows = synclogs.sync_logs(
        visitor().id,
        limit=limit,
        after=SyncId(after) if after else None,
        connection_id=ConnectionId(connection_id) if connection_id else None,
    )
    return answer(sync_logs=[_sync(row) for row in rows], next=rows[-1].id if len(rows) == limit else None)


def _transaction(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "account_id": entry.account_id,
        "name": entry.own_name or entry.bank_name,
        "merchant_name": entry.merchant_name,
        "amount": entry.amount.major,
        "currency": money.code(entry.amount.currency),
        "date": entry.date,
        "category": list(entry.categories),
        "pending": entry.pending,
    }


def _sync(row: PlaidSyncLog) -> dict[str, Any]:
    names = ("trigger", "status", "requested_at", "started_at", "finished_at", "pages", "fetched", "added")
    more = ("modified", "removed", "parked", "quarantined", "update_status", "error_code")
    return {
        "sync_id": row.id,
        "connection_id": row.connection_id,
        "phase": phase_of(row.update_status),
        **{name: getattr(row, name) for name in (*names, *more)},
    }
