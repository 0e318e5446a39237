"""Plaid's API file as a judge: validates answers and webhooks. The file itself is no part of this repository."""

from __future__ import annotations

import gzip
import os
import re
from datetime import date
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema import FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

HOME = "urn:plaid:"
DEFAULT = Path(__file__).parents[3] / "shared" / "plaid" / "openapi-2020-09-14.yml.gz"
# Long lists are judged by their beginning: rows of one answer are made alike.
JUDGED_ROWS = 5

WEBHOOKS = {
    ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"): "SyncUpdatesAvailableWebhook",
    ("TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE"): "RecurringTransactionsUpdateWebhook",
    ("TRANSACTIONS", "INITIAL_UPDATE"): "InitialUpdateWebhook",
    ("TRANSACTIONS", "HISTORICAL_UPDATE"): "HistoricalUpdateWebhook",
    ("TRANSACTIONS", "DEFAULT_UPDATE"): "DefaultUpdateWebhook",
    ("TRANSACTIONS", "TRANSACTIONS_REMOVED"): "TransactionsRemovedWebhook",
    ("ITEM", "ERROR"): "ItemErrorWebhook",
    ("ITEM", "LOGIN_REPAIRED"): "ItemLoginRepairedWebhook",
    ("ITEM", "PENDING_DISCONNECT"): "PendingDisconnectWebhook",
    ("ITEM", "PENDING_EXPIRATION"): "PendingExpirationWebhook",
    ("ITEM", "NEW_ACCOUNTS_AVAILABLE"): "NewAccountsAvailableWebhook",
    ("ITEM", "USER_PERMISSION_REVOKED"): "UserPermissionRevokedWebhook",
    ("ITEM", "USER_ACCOUNT_REVOKED"): "UserAccountRevokedWebhook",
    ("ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED"): "WebhookUpdateAcknowledgedWebhook",
    ("AUTH", "DEFAULT_UPDATE"): "AuthDefaultUpdateWebhook",
    ("AUTH", "AUTOMATICALLY_VERIFIED"): "AutomaticallyVerifiedWebhook",
    ("AUTH", "VERIFICATION_EXPIRED"): "VerificationExpiredWebhook",
    ("HOLDINGS", "DEFAULT_UPDATE"): "HoldingsDefaultUpdateWebhook",
    ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE"): "InvestmentsDefaultUpdateWebhook",
    ("INVESTMENTS_TRANSACTIONS", "HISTORICAL_UPDATE"): "InvestmentsHistoricalUpdateWebhook",
    ("LIABILITIES", "DEFAULT_UPDATE"): "LiabilitiesDefaultUpdateWebhook",
    ("LINK", "SESSION_FINISHED"): "LinkSessionFinishedWebhook",
    ("LINK", "ITEM_ADD_RESULT"): "ItemAddResultWebhook",
    ("LINK", "EVENTS"): "LinkEventsWebhook",
}

formats = FormatChecker(())


@formats.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@formats.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value)) and bool(
        datetime.fromisoformat(value)
    )


def path() -> Path | None:
    """Where the API file is, or None when there is none here."""
    chosen = Path(os.environ.get("PLAID_API_FILE", DEFAULT))
    return chosen if chosen.is_file() else None


def answer_problems(endpoint: str, status: int, body: Any) -> list[str]:
    """How the answer differs from what the API file promises."""
    operation = _document()["paths"].get(endpoint)
    if operation is None:
        return [f"{endpoint} is not in the API file"]
    responses = operation["post"]["responses"]
    schema = responses["200" if status == 200 else "default" if "default" in responses else "200"]
    reference = schema["content"]["application/json"]["schema"]
    return _problems(_json_schema(reference), _shortened(body), f"{endpoint} {status}")


def webhook_problems(body: Any) -> list[str]:
    """How the webhook differs from what the API file promises; codes that it does not have pass."""
    name = WEBHOOKS.get((body["webhook_type"], body["webhook_code"]))
    if name is None or name not in _document()["components"]["schemas"]:
        return []
    return _problems({"$ref": f"{HOME}{name}"}, body, name)


def _problems(schema: dict[str, Any], body: Any, where: str) -> list[str]:
    validator = Draft202012Validator(schema, registry=_registry(), format_checker=formats)
    return [f"{where}: {error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)]


def _shortened(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {key: value[:JUDGED_ROWS] if isinstance(value, list) else value for key, value in body.items()}


@cache
def _document() -> dict[str, Any]:
    found = path()
    assert found, "the API file is not here"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, Any] = yaml.load(gzip.decompress(found.read_bytes()), Loader=loader)  # noqa: S506 - a safe loader
    return document


@cache
def _registry() -> Registry[Any]:
    """Every component, prepared once: a run judges thousands of answers."""
    components = _document()["components"]["schemas"]
    schemas = {name: _json_schema(schema) for name, schema in components.items()}
    resources = [(f"{HOME}{name}", DRAFT202012.create_resource(schema)) for name, schema in schemas.items()]
    return Registry[Any]().with_resources(resources)


def _json_schema(schema: Any) -> Any:
    """The schema of OpenAPI 3.0 in JSON Schema: `nullable` becomes a type, references find their new place."""
    if isinstance(schema, list):
        return [_json_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"].replace("#/components/schemas/", HOME)}
    kept = {key: _converted(key, value) for key, value in schema.items() if key not in _DROPPED}
    if not schema.get("nullable"):
        return kept
    return {"anyOf": [{"type": "null"}, kept]}


def _converted(key: str, value: Any) -> Any:
    if key in ("properties", "patternProperties"):
        return {name: _json_schema(part) for name, part in value.items()}
    if key in ("items", "allOf", "anyOf", "oneOf", "not", "additionalProperties"):
        return _json_schema(value)
    return value


_DROPPED = {
    "nullable",
    "example",
    "discriminator",
    "externalDocs",
    "xml",
    "deprecated",
    "default",
    "description",
}
