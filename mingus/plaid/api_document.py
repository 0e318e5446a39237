"""The OpenAPI 3.1 document of the JSON API: made of the routes, their docstrings and the types of what they carry."""

from __future__ import annotations

import datetime as dt
import inspect
import re
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import msgspec
from flask import Blueprint
from flask import current_app
from flask import jsonify
from msgspec import Meta

from mingus.plaid import api_shapes as shapes
from mingus.plaid.api import QUERY_LENGTH
from mingus.plaid.api import ConnectBody
from mingus.plaid.api import EventBody
from mingus.plaid.api import ReauthBody
from mingus.plaid.ledger_api import DEEPEST_OFFSET
from mingus.plaid.ledger_api import DEFAULT_PAGE
from mingus.plaid.ledger_api import TEXT_LENGTH
from mingus.plaid.ledger_api import DecisionBody
from mingus.transactions.listing import LARGEST_PAGE
from mingus.web.access import API
from mingus.web.access import PUBLIC
from mingus.web.access import READING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Response
    from werkzeug.routing import Rule

bp = Blueprint("api_document", __name__)
VERSION = "1.0.0"
ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
SCHEMAS = "#/components/schemas/"

Text = Annotated[str, Meta(max_length=TEXT_LENGTH)]
Page = Annotated[int, Meta(ge=1, le=LARGEST_PAGE)]
Check = Annotated[str, Meta(pattern="^1$")]


class BalanceQuery(msgspec.Struct):
    live: Annotated[Check, Meta(description="1 asks the bank itself")] = ""


class InstitutionQuery(msgspec.Struct):
    query: Annotated[str, Meta(min_length=1, max_length=QUERY_LENGTH)]


class DisconnectQuery(msgspec.Struct):
    history: Annotated[str, Meta(pattern="^(keep|delete)$")] = "keep"


class HealthQuery(msgspec.Struct):
    check: Annotated[Check, Meta(description="1 asks Plaid first")] = ""


class TransactionsQuery(msgspec.Struct):
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    account_id: Text = ""
    category: Text = ""
    search: Text = ""
    min_amount: shapes.Number | None = None
    max_amount: shapes.Number | None = None
    pending: bool | None = None
    limit: Page = DEFAULT_PAGE
    offset: Annotated[int, Meta(ge=0, le=DEEPEST_OFFSET)] = 0
    after: Annotated[Text, Meta(description="the last answer's `next`")] = ""


class SyncLogsQuery(msgspec.Struct):
    limit: Page = DEFAULT_PAGE
    after: Text = ""
    connection_id: Text = ""


class AccountQuery(msgspec.Struct):
    account_id: Text = ""


class InvestmentsQuery(msgspec.Struct):
    account_id: Text = ""
    after: Text = ""
    limit: Page = DEFAULT_PAGE


class PulseQuery(msgspec.Struct):
    since: dt.datetime | None = None


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """What one route is asked and answers."""

    answer: type[msgspec.Struct]
    status: int = 200
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    body_required: bool = True


CARRIED = {
    "plaid_api.link_token": Carried(answer=shapes.LinkToken),
    "plaid_api.connect": Carried(answer=shapes.Connected, body=ConnectBody),
    "plaid_api.link_events": Carried(answer=shapes.Heard, status=202, body=EventBody),
    "plaid_api.accounts": Carried(answer=shapes.Accounts),
    "plaid_api.balance": Carried(answer=shapes.AccountBalance, query=BalanceQuery),
    "plaid_api.search_institutions": Carried(answer=shapes.Institutions, query=InstitutionQuery),
    "plaid_api.connections": Carried(answer=shapes.Connections),
    "plaid_api.disconnect": Carried(answer=shapes.Disconnected, query=DisconnectQuery),
    "plaid_api.connection_health": Carried(answer=shapes.ConnectionHealth, query=HealthQuery),
    "plaid_api.reauth": Carried(answer=shapes.LinkToken, body=ReauthBody, body_required=False),
    "ledger_api.list_transactions": Carried(answer=shapes.Transactions, query=TransactionsQuery),
    "ledger_api.decide": Carried(answer=shapes.Decided, body=DecisionBody),
    "ledger_api.sync_transactions": Carried(
        answer=shapes.SyncsRequested, status=202, body=shapes.SyncRequest, body_required=False
    ),
    "ledger_api.sync": Carried(answer=shapes.Sync),
    "ledger_api.sync_logs": Carried(answer=shapes.SyncLogs, query=SyncLogsQuery),
    "products_api.liabilities": Carried(answer=shapes.Liabilities, query=AccountQuery),
    "products_api.investments": Carried(answer=shapes.Investments, query=InvestmentsQuery),
    "products_api.recurring": Carried(answer=shapes.Recurring, query=AccountQuery),
    "pulse_api.ask": Carried(answer=shapes.Pulse, query=PulseQuery),
    "webhooks.receive": Carried(answer=shapes.Success),
}


@bp.get("/api/openapi.json")
def openapi() -> Response:
    """The document; it tells how the API works, and nothing of anybody."""
    return jsonify(document())


def document() -> dict[str, Any]:
    """Every route under the API, each method with what it takes and gives."""
    types: set[type[msgspec.Struct]] = {shapes.Failure}
    for carried in CARRIED.values():
        types |= {kind for kind in (carried.answer, carried.body, carried.query) if kind is not None}
    _, schemas = msgspec.json.schema_components(
        sorted(types, key=lambda kind: kind.__name__), ref_template=SCHEMAS + "{name}"
    )
    queries = {carried.query.__name__ for carried in CARRIED.values() if carried.query is not None}
    paths: dict[str, Any] = {}
    for rule, method in operations():
        path = paths.setdefault(ARGUMENT.sub(r"{\1}", rule.rule), {})
        path[method.lower()] = _operation(rule, method, CARRIED[rule.endpoint], schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "MINGUS", "version": VERSION, "description": inspect.getdoc(shapes.Transaction)},
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {name: schema for name, schema in schemas.items() if name not in queries},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "a personal token: mgs_…"},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": current_app.config["SESSION_COOKIE_NAME"],
                    "description": "changes also need the header X-CSRFToken",
                },
            },
        },
    }


def operations() -> Iterator[tuple[Rule, str]]:
    """Each route of the API with each of its methods."""
    for rule in current_app.url_map.iter_rules():
        if rule.rule.startswith(API):
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def _operation(rule: Rule, method: str, carried: Carried, schemas: dict[str, Any]) -> dict[str, Any]:
    view = current_app.view_functions[rule.endpoint]
    said: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "parameters": [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in ARGUMENT.findall(rule.rule)
            ),
            *(_asked(schemas[carried.query.__name__]) if carried.query is not None else ()),
        ],
        "responses": {
            str(carried.status): {"description": "Done.", "content": _json(carried.answer)},
            "default": {
                "description": "Refused or failed; nothing was changed.",
                "content": _json(shapes.Failure),
            },
        },
        "security": [] if rule.endpoint in PUBLIC else [{"token": []}, {"session": []}],
        "x-scope": "read" if method in READING else "write",
    }
    if view.__doc__:
        said["summary"] = inspect.cleandoc(view.__doc__)
    if carried.body is not None:
        said["requestBody"] = {"required": carried.body_required, "content": _json(carried.body)}
    return said


def _json(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": SCHEMAS + kind.__name__}}}


def _asked(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parameters that a query's type names; what is not required may be left out, so it is never null."""
    for name, rules in schema["properties"].items():
        kinds = [kind for kind in rules.get("anyOf", ()) if kind != {"type": "null"}]
        shown = {
            key: value for key, value in {**rules, **(kinds[0] if kinds else {})}.items() if key != "anyOf"
        }
        if shown.get("default", "") in {"", None}:
            shown.pop("default", None)
        yield {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": shown}
