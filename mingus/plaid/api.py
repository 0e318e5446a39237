"""The JSON API at /api/plaid: the same service calls as the pages, exact numbers, one shape of error."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

import msgspec
from flask import Blueprint
from flask import Response
from flask import request
from flask_babel import gettext as _

from mingus.plaid import queries
from mingus.plaid.models import AccountId
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import LinkId
from mingus.plaid.progress import Progress
from mingus.plaid.progress import progress_of
from mingus.plaid.states import Purpose
from mingus.services import services
from mingus.web.access import owned_or_404
from mingus.web.access import visitor
from mingus.web.bodies import Unfit
from mingus.web.bodies import json_body

if TYPE_CHECKING:
    from mingus.money import Money
    from mingus.plaid.linktokens import LinkStart
    from mingus.plaid.queries import AccountRow
    from mingus.plaid.queries import ConnectionCard

bp = Blueprint("plaid_api", __name__, url_prefix="/api/plaid")
ENCODER = msgspec.json.Encoder(decimal_format="number")
QUERY_LENGTH = 100


class ConnectBody(msgspec.Struct, forbid_unknown_fields=True):
    """What the page's script posts when Link succeeded."""

    public_token: str
    link_id: str | None = None
    metadata: dict[str, Any] = {}
    keep_both: bool = False


class ReauthBody(msgspec.Struct, forbid_unknown_fields=True):
    accounts: bool = False


class EventBody(msgspec.Struct, forbid_unknown_fields=True):
    """One event, exit or error of Link."""

    link_id: str
    name: str
    details: dict[str, Any] = {}


def answer(http_status: int = 200, **words: Any) -> Response:
    """A success body; amounts are JSON numbers with their exact digits."""
    return Response(
        ENCODER.encode({"success": True, **words}), status=http_status, mimetype="application/json"
    )


@bp.post("/link-token")
def link_token() -> Response:
    return _link_answer(services().plaid.create_link_token(visitor().id))


@bp.post("/connect")
def connect() -> Response:
    body = json_body(ConnectBody)
    if not body.public_token:
        raise Unfit({"public_token": "is empty"})
    link_id = LinkId(body.link_id) if body.link_id else services().plaid.latest_link(visitor().id)
    linked = services().plaid.exchange_public_token(
        visitor().id, link_id, body.public_token, metadata=body.metadata, keep_both=body.keep_both
    )
    return answer(
        message="Connected.",
        connection_id=linked.connection_id,
        accounts_count=linked.accounts_count,
        institution_name=linked.institution_name,
    )


@bp.post("/link-events")
def link_events() -> Response:
    body = json_body(EventBody)
    sentence = services().plaid.note_link_event(visitor().id, LinkId(body.link_id), body.name, body.details)
    return answer(http_status=202, sentence=_(sentence) if sentence else None)


@bp.get("/accounts")
def accounts() -> Response:
    rows = services().plaid.get_accounts(visitor().id)
    return answer(accounts=[_account(row) for row in rows])


@bp.get("/accounts/<account_id>/balance")
def balance(account_id: str) -> Response:
    """The stored balance; `?live=1` asks the bank itself, within its cool-down."""
    row = owned_or_404(queries.account(visitor().id, AccountId(account_id), environment=_environment()))
    live_at = None
    if request.args.get("live") == "1":
        live_at = services().plaid.refresh_balances(visitor().id, row.connection_id)
        row = owned_or_404(queries.account(visitor().id, row.id, environment=_environment()))
    return answer(account_id=row.id, balance=_balance(row), live=live_at is not None, as_of=row.as_of)


@bp.get("/institutions/search")
def search_institutions() -> Response:
    query = request.args.get("query", request.args.get("q", "")).strip()
    if not query or len(query) > QUERY_LENGTH:
        raise Unfit({"query": f"needs 1 to {QUERY_LENGTH} characters"})
    found = services().plaid.search_institutions(visitor().id, query)
    return answer(
        institutions=[
            {"institution_id": bank.institution_id, "name": bank.name, "oauth": bank.oauth, "url": bank.url}
            for bank in found
        ]
    )


@bp.get("/connections")
def connections() -> Response:
    cards = queries.connection_cards(visitor().id, environment=_environment(), now=services().ambient.now())
    asleep = queries.asleep_count(visitor().id, environment=_environment())
    progress = progress_of(visitor().id)
    return answer(
        connections=[_connection(card, progress.get(card.id, Progress())) for card in cards], asleep=asleep
    )


@bp.delete("/connections/<connection_id>")
def disconnect(connection_id: str) -> Response:
    """End a connection; `?history=delete` deletes what it brought, else it stays."""
    history = request.args.get("history", "keep")
    if history not in {"keep", "delete"}:
        raise Unfit({"history": "is keep or delete"})
    services().plaid.disconnect(visitor().id, ConnectionId(connection_id), keep_history=history == "keep")
    return answer(message="Disconnected.", connection_id=connection_id)


@bp.get("/connections/<connection_id>/health")
def connection_health(connection_id: str) -> Response:
    """How the connection does by what is known; `?check=1` asks Plaid first."""
    if request.args.get("check") == "1":
        services().plaid.check_connection_health(visitor().id, ConnectionId(connection_id))
    card = owned_or_404(
        queries.connection_card(
            visitor().id,
            ConnectionId(connection_id),
            environment=_environment(),
            now=services().ambient.now(),
        )
    )
    progress = progress_of(visitor().id, [card.id])
    return answer(**_connection(card, progress.get(card.id, Progress())))


@bp.post("/connections/<connection_id>/reauth")
def reauth(connection_id: str) -> Response:
    """A link token that repairs the connection, or lets its accounts be chosen anew."""
    body = json_body(ReauthBody) if request.content_length else ReauthBody()
    purpose = Purpose.ACCOUNTS if body.accounts else Purpose.RECONNECT
    started = services().plaid.create_update_link_token(
        visitor().id, ConnectionId(connection_id), purpose=purpose
    )
    return _link_answer(started)


def _environment() -> str:
    return services().settings.environment.value


def _link_answer(started: LinkStart) -> Response:
    return answer(
        link_token=started.link_token,
        expiration=started.expiration,
        request_id=started.request_id,
        link_id=started.link_id,
    )


def _balance(row: AccountRow) -> dict[str, Any]:
    found = next((amount for amount in (row.current, row.available, row.limit) if amount is not None), None)
    return {
        "current": _number(row.current),
        "available": _number(row.available),
        "limit": _number(row.limit),
        "currency": found.currency if found is not None else None,
    }


def _number(amount: Money | None) -> Any:
    return None if amount is None else amount.major


def _account(row: AccountRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "connection_id": row.connection_id,
        "institution_name": row.institution_name,
        "name": row.name,
        "official_name": row.official_name,
        "mask": row.mask,
        "type": row.type,
        "subtype": row.subtype,
        "balance": _balance(row),
        "as_of": row.as_of,
        "closed": row.closed,
    }


def _connection(card: ConnectionCard, progress: Progress) -> dict[str, Any]:
    return {
        "connection_id": card.id,
        "institution_name": card.institution_name,
        "state": card.state,
        "state_since": card.since,
        "health": card.health,
        "recommendation": card.recommendation,
        "message": card.sentence,
        "action": card.action,
        "error_code": card.error_code,
        "new_accounts": card.new_accounts,
        "consent_expires_at": card.consent_expires_at,
        "bank_data_at": card.bank_data_at,
        "checked_at": card.checked_at,
        "paused_since": card.paused_since,
        "progress": {
            "phase": progress.phase,
            "imported": progress.imported,
            "sync_id": progress.sync_id,
            "running": progress.running,
            "started_at": progress.started_at,
            "fetched": progress.fetched,
            "pages": progress.pages,
        },
        "accounts": [_account(row) for row in card.accounts],
    }
