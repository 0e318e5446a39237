"""The JSON API of transactions and syncs."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any

from flask import Blueprint
from flask import request

from mingus import money
from mingus.plaid import transactions
from mingus.plaid.api import answer
from mingus.plaid.ledger import SyncId
from mingus.plaid.ledger import TransactionId
from mingus.plaid.models import AccountId
from mingus.plaid.models import ConnectionId
from mingus.plaid.transactions import LARGEST_PAGE
from mingus.plaid.transactions import Filters
from mingus.services import services
from mingus.web.access import owned_or_404
from mingus.web.access import visitor
from mingus.web.bodies import Unfit

if TYPE_CHECKING:
    from flask import Response

    from mingus.plaid.ledger import PlaidSyncLog
    from mingus.plaid.transactions import TransactionRow

bp = Blueprint("ledger_api", __name__, url_prefix="/api/plaid")
DEFAULT_PAGE = 100
DEEPEST_OFFSET = 100_000
TEXT_LENGTH = 200
DOLLAR = money.official("USD")
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

    def amount(self, name: str) -> int | None:
        """An amount in major units; compared in the minor units of currencies with two digits."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return money.to_minor(money.parse(Decimal(value)), DOLLAR)
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
    filters = Filters(
        since=read.day("start_date"),
        until=read.day("end_date"),
        account_id=AccountId(account_id) if account_id else None,
        category=read.text("category"),
        search=read.text("search"),
        least_minor=read.amount("min_amount"),
        most_minor=read.amount("max_amount"),
        pending=read.flag("pending"),
    )
    limit = read.whole("limit", DEFAULT_PAGE, low=1, high=LARGEST_PAGE)
    offset = read.whole("offset", 0, low=0, high=DEEPEST_OFFSET)
    read.check()
    environment = services().settings.environment.value
    found = transactions.page(
        visitor().id,
        filters,
        environment=environment,
        limit=limit,
        after=TransactionId(after) if after else None,
        offset=0 if after else offset,
    )
    return answer(
        transactions=[_transaction(row) for row in found.rows],
        total_count=transactions.total_count(visitor().id, filters, environment=environment),
        limit=limit,
        offset=offset,
        next=found.next,
    )


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
    return answer(**_sync(owned_or_404(transactions.sync_log(visitor().id, SyncId(sync_id)))))


@bp.get("/sync-logs")
def sync_logs() -> Response:
    """The person's syncs, newest first."""
    read = Arguments()
    limit = read.whole("limit", DEFAULT_PAGE, low=1, high=LARGEST_PAGE)
    after, connection_id = read.text("after"), read.text("connection_id")
    read.check()
    rows = transactions.sync_logs(
        visitor().id,
        limit=limit,
        after=SyncId(after) if after else None,
        connection_id=ConnectionId(connection_id) if connection_id else None,
    )
    return answer(sync_logs=[_sync(row) for row in rows], next=rows[-1].id if len(rows) == limit else None)


def _transaction(row: TransactionRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "account_id": row.account_id,
        "name": row.name,
        "merchant_name": row.merchant_name,
        "amount": row.amount.major,
        "currency": money.code(row.amount.currency),
        "date": row.date,
        "category": list(row.categories),
        "pending": row.pending,
    }


def _sync(row: PlaidSyncLog) -> dict[str, Any]:
    names = ("trigger", "status", "requested_at", "started_at", "finished_at", "pages", "fetched", "added")
    more = ("modified", "removed", "parked", "quarantined", "update_status", "error_code")
    return {
        "sync_id": row.id,
        "connection_id": row.connection_id,
        **{name: getattr(row, name) for name in (*names, *more)},
    }
