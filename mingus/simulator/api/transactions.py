"""Transactions: the cursor stream, the older dated list, refreshes and recurring streams."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator import listing
from mingus.simulator import recurring
from mingus.simulator import sync
from mingus.simulator import taxonomy
from mingus.simulator.api.access import ACCESS_TOKEN
from mingus.simulator.api.access import ACCOUNT_IDS
from mingus.simulator.api.access import TOKEN_ONLY
from mingus.simulator.api.access import account_ids_of
from mingus.simulator.api.access import chosen_accounts
from mingus.simulator.api.access import item_shape
from mingus.simulator.api.access import readable
from mingus.simulator.clock import iso
from mingus.simulator.errors import refuse
from mingus.simulator.fields import boolean
from mingus.simulator.fields import choice
from mingus.simulator.fields import date
from mingus.simulator.fields import integer
from mingus.simulator.fields import nested
from mingus.simulator.fields import optional
from mingus.simulator.fields import text
from mingus.simulator.progress import HISTORICAL
from mingus.simulator.progress import NOT_READY
from mingus.simulator.transactions import first_taxonomy
from mingus.simulator.web import Endpoint

if TYPE_CHECKING:
    from mingus.simulator.fields import Field
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

Body = dict[str, Any]

PAGE = 100
VERSION = optional(choice("v1", "v2"))
SHARED_OPTIONS: dict[str, Field] = {
    "include_original_description": optional(boolean()),
    "include_personal_finance_category": optional(boolean()),
    "include_logo_and_counterparty_beta": optional(boolean()),
    "personal_finance_category_version": VERSION,
    "days_requested": optional(integer(1, 730)),
}


def sync_page(sim: Simulator, body: Body) -> Body:
    """What changed since the cursor, a page at a time."""
    options = body.get("options", {})
    item = readable(sim, body, "transactions")
    _initialise(sim, item, options)
    account_id = options.get("account_id")
    if account_id and item.account(account_id) is None:
        refuse("INVALID_FIELD", "options.account_id is not an account of this item")
    page = sync.page(
        sim, item, cursor=body.get("cursor"), count=body.get("count", PAGE), account_id=account_id
    )
    return {
        **page,
        "added": [_dressed(doc, options) for doc in page["added"]],
        "modified": [_dressed(doc, options) for doc in page["modified"]],
    }


def get(sim: Simulator, body: Body) -> Body:
    """The transactions of a range of days, newest first."""
    options = body.get("options", {})
    item = readable(sim, body, "transactions")
    _initialise(sim, item, options)
    if body["start_date"] > body["end_date"]:
        refuse("INVALID_FIELD", "start_date must not be after end_date")
    if sim.updates.phase(item) == NOT_READY:
        refuse("PRODUCT_NOT_READY")
    accounts = chosen_accounts(item, account_ids_of(body))
    with sim.store.lock:
        found, total = listing.between(
            sim.updates.book(item),
            sim.updates.history(item),
            first=body["start_date"].toordinal(),
            last=body["end_date"].toordinal(),
            account_ids={row.account_id for row in accounts} if account_ids_of(body) is not None else None,
            offset=options.get("offset", 0),
            count=options.get("count", PAGE),
        )
    return {
        "accounts": [row.shape() for row in accounts],
        "item": item_shape(sim, item),
        "total_transactions": total,
        "transactions": [_dressed(doc, options) for doc in found],
    }


def refresh(sim: Simulator, body: Body) -> Body:
    """Ask the bank now; what it brings comes by webhook and sync."""
    item = readable(sim, body, live=True)
    if "transactions" not in item.products:
        refuse("PRODUCTS_NOT_SUPPORTED")
    institution = sim.institutions.get(item.institution_id)
    if institution.dated_balances and all(row.plan.type != "depository" for row in item.visible_accounts()):
        refuse("PRODUCTS_NOT_SUPPORTED")
    if sim.updates.phase(item) == NOT_READY:
        refuse("PRODUCT_NOT_READY")
    sim.till.refresh(item)
    return {}


def recurring_get(sim: Simulator, body: Body) -> Body:
    """Streams of money that comes or goes again and again."""
    item = readable(sim, body, "transactions")
    sim.updates.start(item)
    if sim.updates.phase(item) != HISTORICAL:
        refuse("PRODUCT_NOT_READY")
    accounts = chosen_accounts(item, body.get("account_ids"))
    with sim.store.lock:
        inflow, outflow = recurring.streams(
            item.item_key,
            sim.updates.book(item),
            {row.account_id for row in accounts},
            sim.clock.today(),
        )
    version = body.get("options", {}).get("personal_finance_category_version", "v2")
    return {
        "inflow_streams": inflow,
        "outflow_streams": outflow,
        "personal_finance_category_version": version,
        "updated_datetime": iso(item.last_update or sim.clock.now()),
    }


def categories(_sim: Simulator, _body: Body) -> Body:
    """The deprecated taxonomy."""
    return {"categories": taxonomy.categories()}


def _initialise(sim: Simulator, item: Item, options: Body) -> None:
    if sim.updates.progress(item) is None:
        with sim.store.lock:
            sim.updates.start(item, options.get("days_requested"))


def _dressed(doc: Body, options: Body) -> Body:
    """The transaction as the request's options want it; the original stays as it was."""
    if options.get("include_original_description"):
        doc = {**doc, "original_description": doc["name"].upper()}
    if options.get("personal_finance_category_version") == "v1":
        doc = first_taxonomy(doc)
    return doc


API: tuple[Endpoint, ...] = (
    Endpoint(
        path="/transactions/sync",
        fields={
            "access_token": ACCESS_TOKEN,
            "cursor": optional(text(min_length=0, max_length=256)),
            "count": optional(integer(1, 500)),
            "options": optional(nested({**SHARED_OPTIONS, "account_id": optional(text())})),
        },
        handler=sync_page,
    ),
    Endpoint(
        path="/transactions/get",
        fields={
            "access_token": ACCESS_TOKEN,
            "start_date": date(),
            "end_date": date(),
            "options": optional(
                nested(
                    {
                        **SHARED_OPTIONS,
                        "account_ids": ACCOUNT_IDS,
                        "count": optional(integer(1, 500)),
                        "offset": optional(integer(0, 10_000_000)),
                        "include_personal_finance_category_beta": optional(boolean()),
                    }
                )
            ),
        },
        handler=get,
    ),
    Endpoint(path="/transactions/refresh", fields=TOKEN_ONLY, handler=refresh),
    Endpoint(
        path="/transactions/recurring/get",
        fields={
            "access_token": ACCESS_TOKEN,
            "account_ids": ACCOUNT_IDS,
            "options": optional(
                nested(
                    {
                        "include_personal_finance_category": optional(boolean()),
                        "personal_finance_category_version": VERSION,
                    }
                )
            ),
        },
        handler=recurring_get,
    ),
    Endpoint(path="/categories/get", fields={}, handler=categories, public=True),
)
