"""Items and their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator import events
from mingus.simulator.api.access import ACCESS_TOKEN
from mingus.simulator.api.access import TOKEN_ONLY
from mingus.simulator.api.access import check_products
from mingus.simulator.api.access import item_of
from mingus.simulator.api.access import item_shape
from mingus.simulator.clock import iso
from mingus.simulator.config import ENVIRONMENT
from mingus.simulator.errors import refuse
from mingus.simulator.fields import choice
from mingus.simulator.fields import list_of
from mingus.simulator.fields import nested
from mingus.simulator.fields import optional
from mingus.simulator.fields import text
from mingus.simulator.web import Endpoint

if TYPE_CHECKING:
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

Body = dict[str, Any]

WEBHOOK_URL = text(min_length=0, max_length=2000)
SCOPES = {
    "auth": "account_routing_number",
    "identity": "contact_info",
    "transactions": "transactions",
    "liabilities": "credit_loan_info",
    "investments": "investments",
}
REASONS = (
    "FRAUD_FIRST_PARTY",
    "FRAUD_FALSE_IDENTITY",
    "FRAUD_ABUSE",
    "FRAUD_OTHER",
    "CONNECTION_IS_NON_FUNCTIONAL",
    "OTHER",
)
IMPORT_INSTITUTION = "ins_109508"


def exchange(sim: Simulator, body: Body) -> Body:
    """A public token becomes an access token, once."""
    token = body["public_token"]
    if not token.startswith(f"public-{ENVIRONMENT}-"):
        refuse("INVALID_PUBLIC_TOKEN")
    item = sim.items.exchange(token)
    return {"access_token": item.access_token, "item_id": item.item_id}


def get(sim: Simulator, body: Body) -> Body:
    """The item with its error and the times of its last updates; does not ask the bank."""
    item = item_of(sim, body)
    shape = item_shape(sim, item, with_error=True)
    products = {*item.products, *item.consented_products}
    shape |= {
        "consented_data_scopes": sorted(
            {"account_balance_info", *(SCOPES[p] for p in products if p in SCOPES)}
        ),
        "consented_use_cases": ["See and plan your spending"],
        "created_at": iso(item.created_at),
    }
    return {"item": shape, "status": _status(sim, item)}


def remove(sim: Simulator, body: Body) -> Body:
    """The item is gone and its token dead."""
    sim.items.remove(item_of(sim, body))
    return {}


def update_webhook(sim: Simulator, body: Body) -> Body:
    """Another webhook URL, or none; the new one is told."""
    item = item_of(sim, body)
    with sim.store.lock:
        item.webhook = checked_url(body.get("webhook"))
        sim.items.save(item)
    events.send(
        sim, item, "ITEM", "WEBHOOK_UPDATE_ACKNOWLEDGED", new_webhook_url=item.webhook or "", error=None
    )
    return {"item": item_shape(sim, item)}


def invalidate(sim: Simulator, body: Body) -> Body:
    """A new access token; the old one is dead at once."""
    return {"new_access_token": sim.items.rotate_token(item_of(sim, body))}


def import_item(sim: Simulator, body: Body) -> Body:
    """An item made from credentials held elsewhere; here it is the standard user's."""
    institution = sim.institutions.get(body.get("institution_id", IMPORT_INSTITUTION))
    check_products(sim, institution.institution_id, body["products"])
    login = sim.logins.check(institution, "user_good", "pass_good")
    item = sim.items.create(
        institution_id=institution.institution_id,
        login=login,
        products=body["products"],
        consented_products=institution.products,
        webhook=checked_url(body.get("options", {}).get("webhook")),
    )
    return {"access_token": sim.items.exchange(sim.items.issue_public_token(item)).access_token}


def checked_url(url: str | None) -> str | None:
    """The URL, or None for none; PlaidError for what cannot be called."""
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        refuse("INVALID_FIELD", "webhook must be an http or https URL")
    return url


def _status(sim: Simulator, item: Item) -> Body:
    times = {
        "last_failed_update": iso(item.last_failure) if item.last_failure else None,
        "last_successful_update": iso(item.last_update) if item.last_update else None,
    }
    started = sim.updates.progress(item) is not None
    return {
        "investments": times if "investments" in item.products else None,
        "last_webhook": item.last_webhook,
        "transactions": times if started else None,
    }


API: tuple[Endpoint, ...] = (
    Endpoint(path="/item/public_token/exchange", fields={"public_token": text()}, handler=exchange),
    Endpoint(path="/item/get", fields=TOKEN_ONLY, handler=get),
    Endpoint(
        path="/item/remove",
        fields={
            "access_token": ACCESS_TOKEN,
            "reason_code": optional(choice(*REASONS)),
            "reason_note": optional(text(min_length=0, max_length=512)),
        },
        handler=remove,
    ),
    Endpoint(
        path="/item/webhook/update",
        fields={"access_token": ACCESS_TOKEN, "webhook": optional(WEBHOOK_URL)},
        handler=update_webhook,
    ),
    Endpoint(path="/item/access_token/invalidate", fields=TOKEN_ONLY, handler=invalidate),
    Endpoint(
        path="/item/import",
        fields={
            "institution_id": optional(text()),
            "products": list_of(text(), min_items=1),
            "user_auth": nested({"user_id": text(), "auth_token": text()}),
            "options": optional(nested({"webhook": optional(WEBHOOK_URL)})),
        },
        handler=import_item,
    ),
)
