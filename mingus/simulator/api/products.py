"""Liabilities, investments and the webhook key."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator import events
from mingus.simulator import investments
from mingus.simulator import liabilities
from mingus.simulator.api.access import ACCESS_TOKEN
from mingus.simulator.api.access import ACCOUNT_IDS
from mingus.simulator.api.access import TOKEN_ONLY
from mingus.simulator.api.access import account_ids_of
from mingus.simulator.api.access import chosen_accounts
from mingus.simulator.api.access import item_shape
from mingus.simulator.api.access import readable
from mingus.simulator.api.accounts import WITH_ACCOUNTS
from mingus.simulator.errors import refuse
from mingus.simulator.fields import boolean
from mingus.simulator.fields import date
from mingus.simulator.fields import integer
from mingus.simulator.fields import nested
from mingus.simulator.fields import optional
from mingus.simulator.fields import text
from mingus.simulator.web import Endpoint

if TYPE_CHECKING:
    from mingus.simulator.accounts import Account
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

Body = dict[str, Any]

PAGE = 100


def liabilities_get(sim: Simulator, body: Body) -> Body:
    """Cards and loans with their terms."""
    item = readable(sim, body, "liabilities")
    chosen = chosen_accounts(item, account_ids_of(body))
    if not any(liabilities.supported(row) for row in item.visible_accounts()):
        refuse("NO_LIABILITY_ACCOUNTS")
    return {
        "accounts": [row.shape() for row in chosen],
        "item": item_shape(sim, item),
        "liabilities": liabilities.of(chosen, sim.clock.today()),
    }


def holdings_get(sim: Simulator, body: Body) -> Body:
    """What the investment accounts hold."""
    item = readable(sim, body, "investments")
    accounts = _investment_accounts(item, body)
    today = sim.clock.today()
    held = [(row, position) for row in accounts for position in investments.positions(row, today)]
    kinds = {position.security.key: position.security for _, position in held}
    return {
        "accounts": [investments.with_margin(row) for row in accounts],
        "holdings": [investments.holding_shape(row, position, today) for row, position in held],
        "is_investments_fallback_item": False,
        "item": item_shape(sim, item),
        "securities": [investments.security_shape(kind, today) for kind in kinds.values()],
    }


def movements_get(sim: Simulator, body: Body) -> Body:
    """What happened in the investment accounts between two days, newest first."""
    item = readable(sim, body, "investments")
    if body["start_date"] > body["end_date"]:
        refuse("INVALID_FIELD", "start_date must not be after end_date")
    options = body.get("options", {})
    if options.get("async_update") and not _async_done(sim, item):
        refuse("PRODUCT_NOT_READY")
    accounts = _investment_accounts(item, body)
    today = sim.clock.today()
    since = item.created_at.date() - investments.HISTORY
    last = min(body["end_date"], today)
    found = [
        movement
        for row in accounts
        for movement in investments.movements(row, body["start_date"], last, since)
    ]
    found.sort(key=lambda movement: movement[0]["date"], reverse=True)
    offset = options.get("offset", 0)
    page = found[offset : offset + options.get("count", PAGE)]
    kinds = {security.key: security for _, security in page}
    return {
        "accounts": [investments.with_margin(row) for row in accounts],
        "investment_transactions": [doc for doc, _ in page],
        "is_investments_fallback_item": False,
        "item": item_shape(sim, item),
        "securities": [investments.security_shape(kind, today) for kind in kinds.values()],
        "total_investment_transactions": len(found),
    }


def refresh(sim: Simulator, body: Body) -> Body:
    """Ask the bank now; the webhooks tell what came."""
    item = readable(sim, body, live=True)
    if "investments" not in item.products:
        refuse("PRODUCTS_NOT_SUPPORTED")
    accounts = _investment_accounts(item, body)
    events.send(
        sim, item, "HOLDINGS", "DEFAULT_UPDATE", error=None, new_holdings=0, updated_holdings=len(accounts)
    )
    counts = {"cancelled_investments_transactions": 0, "new_investments_transactions": 1}
    events.send(sim, item, "INVESTMENTS_TRANSACTIONS", "DEFAULT_UPDATE", error=None, **counts)
    return {}


def webhook_key(sim: Simulator, body: Body) -> Body:
    """The public key of a webhook's signature."""
    return {"key": sim.keys.jwk(body["key_id"])}


def _investment_accounts(item: Item, body: Body) -> list[Account]:
    if all(row.plan.type != "investment" for row in item.visible_accounts()):
        refuse("NO_INVESTMENT_ACCOUNTS")
    chosen = chosen_accounts(item, account_ids_of(body))
    return [row for row in chosen if row.plan.type == "investment"]


def _async_done(sim: Simulator, item: Item) -> bool:
    """Whether the asynchronous extraction is through; the first call starts it."""
    if sim.store.get("async_investments", item.item_id) is not None:
        return sim.store.get("async_investments_done", item.item_id) is not None
    sim.store.put("async_investments", item.item_id, {})
    sim.updates.later_investments(item)
    return False


API: tuple[Endpoint, ...] = (
    Endpoint(path="/liabilities/get", fields=WITH_ACCOUNTS, handler=liabilities_get),
    Endpoint(path="/investments/holdings/get", fields=WITH_ACCOUNTS, handler=holdings_get),
    Endpoint(
        path="/investments/transactions/get",
        fields={
            "access_token": ACCESS_TOKEN,
            "start_date": date(),
            "end_date": date(),
            "options": optional(
                nested(
                    {
                        "account_ids": ACCOUNT_IDS,
                        "count": optional(integer(1, 500)),
                        "offset": optional(integer(0, 10_000_000)),
                        "async_update": optional(boolean()),
                    }
                )
            ),
        },
        handler=movements_get,
    ),
    Endpoint(path="/investments/refresh", fields=TOKEN_ONLY, handler=refresh),
    Endpoint(path="/webhook_verification_key/get", fields={"key_id": text()}, handler=webhook_key),
)
