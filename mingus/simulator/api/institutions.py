"""Finding banks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.api.access import COUNTRIES
from mingus.simulator.api.access import PRODUCTS
from mingus.simulator.clock import iso
from mingus.simulator.errors import refuse
from mingus.simulator.fields import anything
from mingus.simulator.fields import boolean
from mingus.simulator.fields import choice
from mingus.simulator.fields import integer
from mingus.simulator.fields import list_of
from mingus.simulator.fields import nested
from mingus.simulator.fields import optional
from mingus.simulator.fields import text
from mingus.simulator.web import Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.simulator.fields import Field
    from mingus.simulator.institutions import Institution
    from mingus.simulator.simulator import Simulator

Body = dict[str, Any]

COUNTRY_CODES = list_of(choice(*COUNTRIES), min_items=1)
FLAGS: dict[str, Field] = {
    key: optional(boolean())
    for key in ("include_optional_metadata", "include_auth_metadata", "include_payment_initiation_metadata")
}
# Breakdowns by health: success, faults of Plaid, faults of the bank, how often it is asked.
HEALTH = {
    "HEALTHY": (0.96, 0.01, 0.03, "NORMAL"),
    "DEGRADED": (0.61, 0.01, 0.38, "DELAYED"),
    "DOWN": (0.02, 0.01, 0.97, "STOPPED"),
    "UNSUPPORTED": (0.0, 0.0, 1.0, "STOPPED"),
}
SINCE_OK = "2026-01-05T10:00:00Z"


def get(sim: Simulator, body: Body) -> Body:
    """One page of all supported banks of the countries."""
    options = body.get("options", {})
    rows = sim.institutions.offering(
        country_codes=body["country_codes"],
        products=_products(options.get("products")),
        oauth=options.get("oauth"),
        routing_numbers=options.get("routing_numbers"),
    )
    page = rows[body["offset"] : body["offset"] + body["count"]]
    return {"institutions": [_shape(sim, row, options) for row in page], "total": len(rows)}


def get_by_id(sim: Simulator, body: Body) -> Body:
    """One bank, even if it is no longer supported."""
    row = sim.institutions.get(body["institution_id"])
    if not set(row.country_codes) & set(body["country_codes"]):
        refuse("INVALID_INSTITUTION", "the institution is not in the requested countries")
    return {"institution": _shape(sim, row, body.get("options", {}))}


def search(sim: Simulator, body: Body) -> Body:
    """At most ten banks whose names match."""
    options = body.get("options", {})
    rows = sim.institutions.search(
        body["query"],
        products=_products(body.get("products")),
        country_codes=body["country_codes"],
        oauth=options.get("oauth"),
    )
    return {"institutions": [_shape(sim, row, options) for row in rows]}


def _products(products: Sequence[str] | None) -> Sequence[str] | None:
    unknown = [product for product in products or () if product not in PRODUCTS]
    if unknown:
        refuse("INVALID_PRODUCT", f"these products are unknown: {', '.join(unknown)}")
    return products


def _shape(sim: Simulator, row: Institution, options: Body) -> Body:
    doc: Body = {
        "connection_availability": "SUPPORTED" if row.supported else "NOT_SUPPORTED",
        "country_codes": list(row.country_codes),
        "dtc_numbers": [],
        "institution_id": row.institution_id,
        "name": row.name,
        "oauth": row.oauth,
        "products": list(row.products),
        "routing_numbers": list(row.routing_numbers),
    }
    if options.get("include_optional_metadata"):
        doc |= {"logo": row.logo, "primary_color": row.primary_color, "url": row.url}
    if options.get("include_status"):
        doc["status"] = _status(sim, row)
    if options.get("include_auth_metadata"):
        doc["auth_metadata"] = _auth_metadata(row)
    if options.get("include_payment_initiation_metadata"):
        doc["payment_initiation_metadata"] = None
    return doc


def _status(sim: Simulator, row: Institution) -> Body:
    success, plaid, bank, interval = HEALTH[row.status]
    since = SINCE_OK if row.status == "HEALTHY" else iso(sim.clock.now())
    logins: Body = {
        "breakdown": {"error_institution": bank, "error_plaid": plaid, "success": success},
        "last_status_change": since,
        "status": "DOWN" if row.status == "UNSUPPORTED" else row.status,
    }
    updates = {**logins, "breakdown": {**logins["breakdown"], "refresh_interval": interval}}
    parts = {
        "auth": logins if "auth" in row.products else None,
        "identity": logins if "identity" in row.products else None,
        "investments": logins if "investments" in row.products else None,
        "investments_updates": updates if "investments" in row.products else None,
        "item_logins": logins,
        "liabilities": logins if "liabilities" in row.products else None,
        "liabilities_updates": updates if "liabilities" in row.products else None,
        "transactions_updates": updates,
    }
    # The API file lets absent parts be missing but not all of them be null.
    return {key: part for key, part in parts.items() if part is not None}


def _auth_metadata(row: Institution) -> Body | None:
    if "auth" not in row.products:
        return None
    methods = {
        "automated_micro_deposits": False,
        "instant_auth": True,
        "instant_match": False,
        "instant_micro_deposits": False,
    }
    return {"supported_methods": methods}


API: tuple[Endpoint, ...] = (
    Endpoint(
        path="/institutions/get",
        fields={
            "count": integer(1, 500),
            "offset": integer(0, 1_000_000),
            "country_codes": COUNTRY_CODES,
            "options": optional(
                nested(
                    {
                        "products": optional(list_of(text(), min_items=1)),
                        "routing_numbers": optional(list_of(text())),
                        "oauth": optional(boolean()),
                        **FLAGS,
                    }
                )
            ),
        },
        handler=get,
    ),
    Endpoint(
        path="/institutions/get_by_id",
        fields={
            "institution_id": text(),
            "country_codes": COUNTRY_CODES,
            "options": optional(nested({"include_status": optional(boolean()), **FLAGS})),
        },
        handler=get_by_id,
    ),
    Endpoint(
        path="/institutions/search",
        fields={
            "query": text(max_length=1000),
            "products": optional(list_of(text(), min_items=1)),
            "country_codes": COUNTRY_CODES,
            "options": optional(
                nested({"oauth": optional(boolean()), "payment_initiation": optional(anything()), **FLAGS})
            ),
        },
        handler=search,
    ),
)
