"""All that is kept about a person as one JSON document, and the schema that describes it.

A section is a table. It belongs to a person by its own column, or through the row that it hangs on.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

from sqlalchemy import JSON
from sqlalchemy import BigInteger
from sqlalchemy import Boolean
from sqlalchemy import Date
from sqlalchemy import Integer
from sqlalchemy import select

from mingus import tables
from mingus.db import UtcDateTime
from mingus.db import db
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.staging import is_settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Column
    from sqlalchemy import ColumnElement
    from sqlalchemy import Table

    from mingus.auth.models import UserId

SCHEMA = "mingus/account/1"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
ROWS_AT_ONCE = 500
PEOPLE = "users"
OWNERS = ("user_id", "subject_id")
SECTIONS = (
    PEOPLE,
    "auth_sessions",
    "api_tokens",
    "known_devices",
    "sync_choices",
    "notice_choices",
    "notices",
    "plaid_connections",
    "plaid_connection_changes",
    "plaid_link_sessions",
    "plaid_link_events",
    "plaid_accounts",
    "account_choices",
    "balance_snapshots",
    "balance_checks",
    "plaid_transactions",
    "transaction_choices",
    "plaid_transaction_changes",
    "plaid_quarantined_rows",
    "plaid_parked_rows",
    "own_categories",
    "transaction_rules",
    "transaction_edits",
    "transaction_edit_rows",
    "transaction_imports",
    "transfer_pairs",
    "plaid_liabilities",
    "plaid_holdings",
    "plaid_securities",
    "plaid_movements",
    "plaid_recurring_streams",
    "plaid_sync_logs",
    "audit_events",
)
LEFT_OUT = {
    "departed_items": "there is none while the account is there",
    "departures": "there is none while the account is there",
    "app_factors": "a key to the account",
    "passkeys": "keys to the account, named on its settings page",
    "passkey_challenges": "questions that wait for minutes",
    "recovery_codes": "keys to the account",
    "auth_tickets": "one-time links, which are keys",
    "plaid_arrivals": "a note to our own worker, gone in a moment",
    "plaid_stagings": "which update is just being written",
    "year_sums": "added up from the transactions",
    "month_sums": "added up from the transactions",
    "day_sums": "added up from the transactions",
    "merchant_sums": "added up from the transactions",
    "kept_months": "which of these sums are true now",
    "wordings": "what the transactions say, to be found by",
    "plaid_calls": "how our calls to Plaid went, nothing of a person",
    "plaid_product_refreshes": "when our worker reads next",
    "webhook_events": "Plaid's calls that say only: look again",
}
# who acted may be somebody else
OF_OTHERS = {"audit_events": ("actor_id", "address", "request_id")}
# what opens something, or only means something to our own workers
UNTOLD = ("salt", "_mark", "hash", "secret", "cursor", "lease", "fence", "_seq")


def as_json(user_id: UserId, *, made_at: dt.datetime, environment: str) -> Iterator[str]:
    """The document, a few rows at a time."""
    head = {"schema": SCHEMA, "made_at": made_at.isoformat(), "environment": environment}
    yield "{" + ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in head.items())
    for name in SECTIONS:
        table = tables.metadata().tables[name]
        yield f",\n{json.dumps(section_name(table))}: ["
        yield from _rows(table, user_id)
        yield "]"
    yield "}\n"


def schema() -> dict[str, object]:
    """JSON Schema of the document."""
    found = [tables.metadata().tables[name] for name in SECTIONS]
    text = {"type": "string"}
    return {
        "$schema": DIALECT,
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        "title": "Everything that MINGUS keeps about a person",
        "description": "Amounts are whole minor units of their row's currency; money spent or owed is negative.",
        "type": "object",
        "properties": {
            "schema": {"const": SCHEMA},
            "made_at": {**text, "format": "date-time"},
            "environment": text,
            **{section_name(table): _section(table) for table in found},
        },
        "required": ["schema", "made_at", "environment", *(section_name(table) for table in found)],
        "additionalProperties": False,
    }


def section_name(table: Table) -> str:
    return table.name.removeprefix("plaid_")


def columns_told(table: Table) -> list[Column[object]]:
    """What a person gets to see of a table."""
    untold = (*UNTOLD, *OF_OTHERS.get(table.name, ()))
    return [column for column in table.columns if not any(word in column.name for word in untold)]


def belongs_to(table: Table, user_id: UserId) -> ColumnElement[bool] | None:
    """The condition for rows of this person; None for a table that belongs to nobody."""
    if table.name == PEOPLE:
        return table.c.id == user_id
    for name in OWNERS:
        if name in table.c:
            return table.c[name] == user_id
    for column in table.columns:
        for key in column.foreign_keys:
            owner = belongs_to(key.column.table, user_id) if key.column.table is not table else None
            if owner is not None:
                return column.in_(select(key.column).where(owner))
    return None


def _rows(table: Table, user_id: UserId) -> Iterator[str]:
    columns = columns_told(table)
    owned = belongs_to(table, user_id)
    if owned is None:
        message = f"{table.name} belongs to nobody"
        raise LookupError(message)
    if table.name == PlaidTransaction.__tablename__:
        owned = owned & is_settled()  # what an import is still bringing is not there yet
    between = "\n"
    with db.session.execute(
        select(*columns).where(owned).order_by(*table.primary_key.columns),
        execution_options={"yield_per": ROWS_AT_ONCE},
    ) as rows:  # closed too where nobody reads to the end
        for row in rows:
            facts = {column.name: _value(value) for column, value in zip(columns, row, strict=True)}
            yield between + json.dumps(facts, ensure_ascii=False)
            between = ",\n"


def _value(value: object) -> object:
    return value.isoformat() if isinstance(value, dt.date) else value


def _section(table: Table) -> dict[str, object]:
    columns = columns_told(table)
    return {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {column.name: _type(column) for column in columns},
            "required": [column.name for column in columns],
            "additionalProperties": False,
        },
    }


def _type(column: Column[object]) -> dict[str, object]:
    kinds: tuple[tuple[type, dict[str, object]], ...] = (
        (Boolean, {"type": "boolean"}),
        (UtcDateTime, {"type": "string", "format": "date-time"}),
        (Date, {"type": "string", "format": "date"}),
        (BigInteger, {"type": "integer"}),
        (Integer, {"type": "integer"}),
        (JSON, {}),
    )
    told: dict[str, object] = next(
        (found for kind, found in kinds if isinstance(column.type, kind)), {"type": "string"}
    )
    if not told or not column.nullable:
        return told
    return {**told, "type": [told["type"], "null"]}
