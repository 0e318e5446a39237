"""What helps somebody else to help: a connection without its person, and a failed sync as a story to play.

Nothing here says who somebody is or what they have: ids of ours and Plaid's, codes, times, counts and shapes.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from importlib.metadata import version
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import func
from sqlalchemy import select

from mingus.admin import connections
from mingus.admin import setaside
from mingus.admin import syncdetail
from mingus.admin import syncs
from mingus.db import db
from mingus.errors import MingusError
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.ledger import QuarantinedRow
from mingus.plaid.models import PlaidAccount
from mingus.webhooks.models import WebhookEvent

if TYPE_CHECKING:
    from mingus.admin.syncdetail import CallRow
    from mingus.admin.syncdetail import SyncDetail
    from mingus.plaid.ledger import SyncId
    from mingus.plaid.models import ConnectionId

SYNCS, EVENTS, ASIDE = 20, 50, 50
PACKAGES = ("flask", "sqlalchemy", "plaid-python")
DEEPEST = 6
PLAIN_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
# our own words for what no code of Plaid's says, as the simulator causes it
WAYS = {"NO_ANSWER": "reset_before", "UNREADABLE_ANSWER": "invalid_json", "PAGING_STUCK": "has_more_forever"}
SPOILT = (("amount", "odd_numbers"), ("date", "odd_dates"), ("missing required", "missing_fields"))
SYNC_ENDPOINT = "/transactions/sync"


class NothingToPlay(MingusError):
    """That sync neither failed nor set rows aside: there is nothing to play."""

    status = 409
    code = "nothing_to_play"


def bundle(connection_id: ConnectionId, *, environment: str, now: dt.datetime) -> str | None:
    """Everything that is known of a connection and identifies neither people nor money, as JSON; None: no such one."""
    found = connections.detail(connection_id, environment=environment, now=now)
    if found is None:
        return None
    page = syncs.page(syncs.Filters(connection_id=connection_id), limit=SYNCS)
    details = [syncdetail.detail(row.id, now=now) for row in page.rows]
    row = found.row
    return json.dumps(
        {
            "made_at": now,
            "database": db.engine.dialect.name,
            "packages": {name: version(name) for name in PACKAGES},
            "environment": environment,
            "connection": {
                "id": row.id,
                "item_id": found.plaid_item_id,
                "institution_id": found.institution_id,
                "state": row.state,
                "state_since": found.state_since,
                "health": row.health,
                "todo": row.todo,
                "error_code": row.error_code,
                "error_request_id": found.error_request_id,
                "created_at": found.created_at,
                "paused_at": row.paused_at,
                "reread_wanted": found.reread_wanted,
                "last_good_at": row.last_good_at,
                "checked_at": found.checked_at,
                "bank_data_at": found.bank_data_at,
                "last_webhook_at": found.last_webhook_at,
                "next_check_at": row.next_check_at,
                "next_sync_at": found.next_sync_at,
                "consent_expires_at": found.consent_expires_at,
                "failures": found.failures,
                "crashes": found.crashes,
            },
            "changes": [_fields(change) for change in found.changes],
            "products": [_fields(product) for product in found.products],
            "accounts": _accounts(connection_id),
            "transactions": _transactions(connection_id),
            "syncs": [_sync(detail) for detail in details if detail is not None],
            "webhooks": _webhooks(connection_id),
            "set_aside": _set_aside(connection_id, environment),
        },
        default=_plain,
        indent=1,
    )


def scenario(sync_id: SyncId, *, now: dt.datetime) -> str | None:
    """A story for the simulator in which an item's next sync fails as this one did; None: no such sync.

    Raises NothingToPlay. Which call failed, and how, is all that it holds.
    """
    found = syncdetail.detail(sync_id, now=now)
    if found is None:
        return None
    steps = [*_failed_calls(found.calls), *_spoilt_rows(found)]
    if found.sync.error_code == "PAGING_STUCK":
        steps.append({"kind": WAYS["PAGING_STUCK"], "endpoint": SYNC_ENDPOINT, "count": 1})
    if not steps:
        raise NothingToPlay
    title = found.sync.error_code or "rows that could not be read"
    lines = [
        f"title = {json.dumps(f'A sync that met {title}')}",
        'about = "The next sync of the item fails as one did elsewhere."',
    ]
    for step in steps:
        pairs = ", ".join(f"{name} = {json.dumps(value)}" for name, value in step.items())
        lines += ["", "[[step]]", 'do = "fault"', f"with = {{ {pairs} }}"]
    return "\n".join(lines) + "\n"


def _failed_calls(calls: tuple[CallRow, ...]) -> list[dict[str, Any]]:
    steps, seen = [], dict[str, int]()
    for call in calls:
        before = seen.get(call.endpoint, 0)
        seen[call.endpoint] = before + 1
        if call.error_code is None:
            continue
        kind = WAYS.get(call.error_code, "error")
        step: dict[str, Any] = {"kind": kind, "endpoint": call.endpoint, "count": 1}
        if kind == "error":
            step["code"] = call.error_code
        if before:
            step["skip"] = before
        steps.append(step)
    return steps


def _spoilt_rows(found: SyncDetail) -> list[dict[str, Any]]:
    reasons = db.session.scalars(
        select(QuarantinedRow.reason).where(
            QuarantinedRow.connection_id == found.connection_id, QuarantinedRow.sync_id == found.sync.id
        )
    ).all()
    kinds = sorted({_spoiling(reason) for reason in reasons})
    return [{"kind": kind, "endpoint": SYNC_ENDPOINT, "count": 1} for kind in kinds]


def _spoiling(reason: str) -> str:
    return next((kind for word, kind in SPOILT if word in reason), "wrong_types")


def _accounts(connection_id: ConnectionId) -> list[dict[str, Any]]:
    rows = db.session.scalars(
        select(PlaidAccount).where(PlaidAccount.connection_id == connection_id).order_by(PlaidAccount.id)
    )
    return [
        {
            "id": row.id,
            "type": row.type,
            "subtype": row.subtype,
            "currency": row.currency,
            "closed": row.closed_at is not None,
            "persistent": row.persistent_account_id is not None,
            "knows": {
                "current": row.current_minor is not None,
                "available": row.available_minor is not None,
                "limit": row.limit_minor is not None,
            },
            "balance_at": row.balance_at,
        }
        for row in rows
    ]


def _transactions(connection_id: ConnectionId) -> dict[str, int]:
    removed = PlaidTransaction.removed_at.is_not(None)
    row = db.session.execute(
        select(
            func.count().filter(~removed),
            func.count().filter(~removed, PlaidTransaction.pending),
            func.count().filter(removed),
        ).where(PlaidTransaction.connection_id == connection_id)
    ).one()
    return dict(zip(("live", "pending", "removed"), row, strict=True))


def _sync(found: SyncDetail) -> dict[str, Any]:
    row = found.sync
    return {
        "id": row.id,
        "status": row.status,
        "trigger": row.trigger,
        "requested_at": row.requested_at,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
        "counts": {
            "pages": found.pages,
            "restarts": found.restarts,
            "fetched": found.fetched,
            "added": row.added,
            "modified": row.modified,
            "removed": row.removed,
            "parked": found.parked,
            "quarantined": found.quarantined,
        },
        "update_status": found.update_status,
        "cursor_before": found.cursor_before,
        "cursor_after": found.cursor_after,
        "error_code": row.error_code,
        "error_request_id": found.error_request_id,
        "calls": [_fields(call) for call in found.calls],
        "webhooks": [_fields(event) for event in found.webhooks],
    }


def _webhooks(connection_id: ConnectionId) -> list[dict[str, Any]]:
    events = db.session.scalars(
        select(WebhookEvent)
        .where(WebhookEvent.connection_id == connection_id)
        .order_by(WebhookEvent.first_seen_at.desc(), WebhookEvent.id.desc())
        .limit(EVENTS)
    )
    names = (
        "id",
        "webhook_type",
        "webhook_code",
        "state",
        "first_seen_at",
        "times_seen",
        "attempts",
        "failure",
    )
    return [{name: getattr(event, name) for name in names} for event in events]


def _set_aside(connection_id: ConnectionId, environment: str) -> list[dict[str, Any]]:
    """Why, and the shape of each row: which fields it has and of what kind, not what they say."""
    wanted = setaside.Wanted(connection_id=connection_id)
    found = []
    for row in setaside.page(wanted, environment=environment, limit=ASIDE).rows:
        try:
            shape = _shape(json.loads(setaside.raw(row)))
        except (ValueError, RecursionError):
            shape = "no JSON"
        reason = re.sub(r"\d[\d.,:/-]*", "#", row.reason)
        found.append(
            {"kind": row.kind, "reason": reason, "at": row.at, "sync_id": row.sync_id, "shape": shape}
        )
    return found


def _shape(value: object, depth: int = 0) -> object:
    if depth > DEEPEST:
        return "…"
    if isinstance(value, dict):
        return {
            key if PLAIN_KEY.fullmatch(key) else "?": _shape(inner, depth + 1) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_shape(inner, depth + 1) for inner in value[:1]]
    return "null" if value is None else type(value).__name__


def _fields(row: Any) -> dict[str, Any]:
    """A frozen row as it is."""
    return {name: getattr(row, name) for name in type(row).__slots__}


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
