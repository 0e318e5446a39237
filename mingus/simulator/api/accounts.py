"""Accounts, balances, account numbers and owners."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator import numbers
from mingus.simulator.api.access import ACCESS_TOKEN
from mingus.simulator.api.access import ACCOUNT_IDS
from mingus.simulator.api.access import account_ids_of
from mingus.simulator.api.access import chosen_accounts
from mingus.simulator.api.access import item_shape
from mingus.simulator.api.access import readable
from mingus.simulator.clock import iso
from mingus.simulator.errors import refuse
from mingus.simulator.fields import datetime
from mingus.simulator.fields import nested
from mingus.simulator.fields import optional
from mingus.simulator.web import Endpoint

if TYPE_CHECKING:
    from mingus.simulator.fields import Fields
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

Body = dict[str, Any]

WITH_ACCOUNTS: Fields = {
    "access_token": ACCESS_TOKEN,
    "options": optional(nested({"account_ids": ACCOUNT_IDS})),
}


def get(sim: Simulator, body: Body) -> Body:
    """The accounts with the balances of the last update."""
    item = readable(sim, body)
    accounts = chosen_accounts(item, account_ids_of(body))
    return {"accounts": [row.shape() for row in accounts], "item": item_shape(sim, item)}


def balance(sim: Simulator, body: Body) -> Body:
    """The accounts with the balances that the bank names now."""
    item = readable(sim, body, live=True)
    accounts = chosen_accounts(item, account_ids_of(body))
    institution = sim.institutions.get(item.institution_id)
    since = body.get("options", {}).get("min_last_updated_datetime")
    shapes = [row.shape() for row in accounts]
    dated = [shape for shape in shapes if shape["type"] != "depository"] if institution.dated_balances else []
    if dated:
        if since is None:
            refuse("INVALID_FIELD", "options.min_last_updated_datetime is required for this institution")
        updated = item.last_update or item.created_at
        if since > updated:
            refuse("LAST_UPDATED_DATETIME_OUT_OF_RANGE")
        for shape in dated:
            shape["balances"]["last_updated_datetime"] = iso(updated)
    return {"accounts": shapes, "item": item_shape(sim, item)}


def auth(sim: Simulator, body: Body) -> Body:
    """Account and routing numbers of the depository accounts."""
    item = readable(sim, body, "auth")
    accounts = [
        row
        for row in chosen_accounts(item, account_ids_of(body), "depository")
        if row.plan.type == "depository" and row.plan.subtype in numbers.AUTH_SUBTYPES
    ]
    if not accounts:
        refuse("NO_AUTH_ACCOUNTS")
    country = sim.institutions.get(item.institution_id).country_codes[0]
    return {
        "accounts": [row.shape() for row in accounts],
        "item": item_shape(sim, item),
        "numbers": numbers.of(accounts, country),
    }


def identity(sim: Simulator, body: Body) -> Body:
    """The accounts with their owners."""
    item = readable(sim, body, "identity")
    accounts = chosen_accounts(item, account_ids_of(body))
    return {
        "accounts": [{**row.shape(), "owners": owners(item, row.plan.override)} for row in accounts],
        "item": item_shape(sim, item),
    }


def owners(item: Item, override: Body) -> list[Body]:
    """Who owns an account: what a custom user says, else one person that the login decides."""
    custom = override.get("identity")
    made_up = numbers.owner(item.bank_key)
    return [{**made_up, **numbers.known_identity(custom)} if isinstance(custom, dict) else made_up]


API: tuple[Endpoint, ...] = (
    Endpoint(path="/accounts/get", fields=WITH_ACCOUNTS, handler=get),
    Endpoint(
        path="/accounts/balance/get",
        fields={
            "access_token": ACCESS_TOKEN,
            "options": optional(
                nested({"account_ids": ACCOUNT_IDS, "min_last_updated_datetime": optional(datetime())})
            ),
        },
        handler=balance,
    ),
    Endpoint(path="/auth/get", fields=WITH_ACCOUNTS, handler=auth),
    Endpoint(path="/identity/get", fields=WITH_ACCOUNTS, handler=identity),
)
