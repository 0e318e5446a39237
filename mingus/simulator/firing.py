"""Webhooks fired on demand: for each code the product that it needs and what it says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mingus.simulator import events
from mingus.simulator.clock import iso
from mingus.simulator.errors import refuse
from mingus.simulator.progress import HISTORICAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

TYPES = (
    "AUTH",
    "HOLDINGS",
    "INVESTMENTS_TRANSACTIONS",
    "ITEM",
    "LIABILITIES",
    "TRANSACTIONS",
    "ASSETS",
    "IDENTITY",
)
CODES = (
    "DEFAULT_UPDATE",
    "NEW_ACCOUNTS_AVAILABLE",
    "SMS_MICRODEPOSITS_VERIFICATION",
    "AUTHORIZATION_GRANTED",
    "USER_PERMISSION_REVOKED",
    "USER_ACCOUNT_REVOKED",
    "PENDING_DISCONNECT",
    "RECURRING_TRANSACTIONS_UPDATE",
    "LOGIN_REPAIRED",
    "SYNC_UPDATES_AVAILABLE",
    "PRODUCT_READY",
    "ERROR",
)
# Sent by Plaid but not fireable at its sandbox endpoint: the control API sends them too.
UNASKED_CODES = ("PRODUCT_PERMISSIONS_REQUIRED",)
USUAL_TYPE = {
    "PRODUCT_PERMISSIONS_REQUIRED": "AUTH",
    "DEFAULT_UPDATE": "TRANSACTIONS",
    "SMS_MICRODEPOSITS_VERIFICATION": "AUTH",
    "RECURRING_TRANSACTIONS_UPDATE": "TRANSACTIONS",
    "SYNC_UPDATES_AVAILABLE": "TRANSACTIONS",
    "PRODUCT_READY": "ASSETS",
    "ERROR": "ASSETS",
}
PRODUCT_OF = {
    "AUTH": "auth",
    "HOLDINGS": "investments",
    "INVESTMENTS_TRANSACTIONS": "investments",
    "LIABILITIES": "liabilities",
    "TRANSACTIONS": "transactions",
    "ASSETS": "assets",
    "IDENTITY": "identity",
}
WEEK = timedelta(days=7)


def fire(sim: Simulator, item: Item, code: str, webhook_type: str | None = None) -> None:
    """Send the webhook; PlaidError SANDBOX_PRODUCT_NOT_ENABLED when the item cannot have such news."""
    kind = webhook_type or USUAL_TYPE.get(code, "ITEM")
    product = PRODUCT_OF.get(kind)
    if product and product not in item.products:
        refuse("SANDBOX_PRODUCT_NOT_ENABLED", f"the item does not have {product}")
    send = _SENDERS.get((kind, code))
    if send is None:
        refuse("INVALID_FIELD", f"webhook_code {code} does not exist for webhook_type {kind}")
    send(sim, item)


def _sync_updates(sim: Simulator, item: Item) -> None:
    """In the sandbox this one brings new data along."""
    sim.till.burst(item)
    if not item.sync_called:
        done = sim.updates.phase(item) == HISTORICAL
        fields = {"initial_update_complete": True, "historical_update_complete": done}
        events.send(sim, item, "TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", **fields)


def _default_update(sim: Simulator, item: Item) -> None:
    events.default_update(sim, item, 0)


def _recurring(sim: Simulator, item: Item) -> None:
    ids = [row.account_id for row in item.visible_accounts() if row.has_transactions]
    events.send(sim, item, "TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE", account_ids=ids)


def _new_accounts(sim: Simulator, item: Item) -> None:
    events.send(sim, item, "ITEM", "NEW_ACCOUNTS_AVAILABLE", error=None)


def _login_repaired(sim: Simulator, item: Item) -> None:
    events.send(sim, item, "ITEM", "LOGIN_REPAIRED")


def _pending_disconnect(sim: Simulator, item: Item) -> None:
    at = item.consent_expiration_time or sim.clock.now() + WEEK
    fields = {"reason": "INSTITUTION_TOKEN_EXPIRATION", "disconnect_time": iso(at)}
    events.send(sim, item, "ITEM", "PENDING_DISCONNECT", **fields)


def _account_revoked(sim: Simulator, item: Item) -> None:
    events.send(sim, item, "ITEM", "USER_ACCOUNT_REVOKED", account_id=_first_account(item))


def _auth_default(sim: Simulator, item: Item) -> None:
    changed = {_first_account(item): ["ACCOUNT_NUMBER"]}
    news: dict[str, object] = {"account_ids_with_new_auth": [], "account_ids_with_updated_auth": changed}
    events.send(sim, item, "AUTH", "DEFAULT_UPDATE", error=None, **news)


def _auth_permissions(sim: Simulator, item: Item) -> None:
    events.send(sim, item, "AUTH", "PRODUCT_PERMISSIONS_REQUIRED")


def _identity_permissions(sim: Simulator, item: Item) -> None:
    events.send(sim, item, "IDENTITY", "PRODUCT_PERMISSIONS_REQUIRED")


def _sms_microdeposits(sim: Simulator, item: Item) -> None:
    fields = {"status": "MANUALLY_VERIFIED", "account_id": _first_account(item)}
    events.send(sim, item, "AUTH", "SMS_MICRODEPOSITS_VERIFICATION", **fields)


def _holdings(sim: Simulator, item: Item) -> None:
    events.send(sim, item, "HOLDINGS", "DEFAULT_UPDATE", error=None, new_holdings=1, updated_holdings=4)


def _movements(sim: Simulator, item: Item) -> None:
    counts = {"new_investments_transactions": 2, "cancelled_investments_transactions": 0}
    events.send(sim, item, "INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE", error=None, **counts)


def movements_ready(sim: Simulator, item: Item) -> None:
    """The asynchronous extraction of investment transactions is through."""
    counts = {"new_investments_transactions": 16, "cancelled_investments_transactions": 0}
    events.send(sim, item, "INVESTMENTS_TRANSACTIONS", "HISTORICAL_UPDATE", error=None, **counts)


def _liabilities(sim: Simulator, item: Item) -> None:
    owed = next((row.account_id for row in item.visible_accounts() if row.plan.type == "credit"), None)
    changed = {owed or _first_account(item): ["minimum_payment_amount"]}
    news: dict[str, object] = {
        "account_ids_with_new_liabilities": [],
        "account_ids_with_updated_liabilities": changed,
    }
    events.send(sim, item, "LIABILITIES", "DEFAULT_UPDATE", error=None, **news)


def _first_account(item: Item) -> str:
    visible = item.visible_accounts()
    if not visible:
        refuse("NO_ACCOUNTS")
    return visible[0].account_id


_SENDERS: dict[tuple[str, str], Callable[[Simulator, Item], None]] = {
    ("TRANSACTIONS", "SYNC_UPDATES_AVAILABLE"): _sync_updates,
    ("TRANSACTIONS", "DEFAULT_UPDATE"): _default_update,
    ("TRANSACTIONS", "RECURRING_TRANSACTIONS_UPDATE"): _recurring,
    ("ITEM", "NEW_ACCOUNTS_AVAILABLE"): _new_accounts,
    ("ITEM", "LOGIN_REPAIRED"): _login_repaired,
    ("ITEM", "PENDING_DISCONNECT"): _pending_disconnect,
    ("ITEM", "USER_PERMISSION_REVOKED"): events.permission_revoked,
    ("ITEM", "USER_ACCOUNT_REVOKED"): _account_revoked,
    ("AUTH", "DEFAULT_UPDATE"): _auth_default,
    ("AUTH", "SMS_MICRODEPOSITS_VERIFICATION"): _sms_microdeposits,
    ("AUTH", "PRODUCT_PERMISSIONS_REQUIRED"): _auth_permissions,
    ("IDENTITY", "PRODUCT_PERMISSIONS_REQUIRED"): _identity_permissions,
    ("HOLDINGS", "DEFAULT_UPDATE"): _holdings,
    ("INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE"): _movements,
    ("LIABILITIES", "DEFAULT_UPDATE"): _liabilities,
}
