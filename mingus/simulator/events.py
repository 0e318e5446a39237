"""What webhooks say: one function per kind of news, each sent to the item's URL if it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.clock import iso
from mingus.simulator.errors import plaid_error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator


def send(sim: Simulator, item: Item, webhook_type: str, webhook_code: str, **fields: Any) -> bool:
    """Tell the item's webhook; False when it has none."""
    if not item.webhook:
        return False
    payload = {
        "webhook_type": webhook_type,
        "webhook_code": webhook_code,
        "item_id": item.item_id,
        **fields,
        "environment": item.environment,
    }
    sim.webhooks.send(item.webhook, payload, item.item_id)
    return True


def initial_update(sim: Simulator, item: Item, new: int) -> None:
    """The first 30 days are there."""
    send(sim, item, "TRANSACTIONS", "INITIAL_UPDATE", error=None, new_transactions=new)


def historical_update(sim: Simulator, item: Item, new: int) -> None:
    """All history is there."""
    send(sim, item, "TRANSACTIONS", "HISTORICAL_UPDATE", error=None, new_transactions=new)


def default_update(sim: Simulator, item: Item, new: int) -> None:
    """Transactions are new or changed."""
    send(sim, item, "TRANSACTIONS", "DEFAULT_UPDATE", error=None, new_transactions=new)


def transactions_removed(sim: Simulator, item: Item, ids: Sequence[str]) -> None:
    """Transactions are gone."""
    send(sim, item, "TRANSACTIONS", "TRANSACTIONS_REMOVED", error=None, removed_transactions=list(ids))


def sync_updates(sim: Simulator, item: Item, *, historical: bool) -> None:
    """/transactions/sync has news; said only to items that have called it once."""
    if item.sync_called:
        fields = {"initial_update_complete": True, "historical_update_complete": historical}
        send(sim, item, "TRANSACTIONS", "SYNC_UPDATES_AVAILABLE", **fields)


def item_error(sim: Simulator, item: Item, code: str) -> None:
    """The item is in that error."""
    send(sim, item, "ITEM", "ERROR", error=plaid_error(code).webhook_body())


def pending_disconnect(sim: Simulator, item: Item, at: datetime) -> None:
    """The consent ends soon; its name depends on where the bank is."""
    if set(sim.institutions.get(item.institution_id).country_codes) & {"US", "CA"}:
        fields = {"reason": "INSTITUTION_TOKEN_EXPIRATION", "disconnect_time": iso(at)}
        send(sim, item, "ITEM", "PENDING_DISCONNECT", **fields)
    else:
        send(sim, item, "ITEM", "PENDING_EXPIRATION", consent_expiration_time=iso(at))


def permission_revoked(sim: Simulator, item: Item) -> None:
    """The person took back the permission for the whole item."""
    error = {**plaid_error("USER_PERMISSION_REVOKED").webhook_body(), "error_type": "ITEM_ERROR"}
    send(sim, item, "ITEM", "USER_PERMISSION_REVOKED", error=error)
