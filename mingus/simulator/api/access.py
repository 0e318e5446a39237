"""The way from an access token to an item that may be read for a product."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.errors import refuse
from mingus.simulator.fields import Field
from mingus.simulator.fields import list_of
from mingus.simulator.fields import optional
from mingus.simulator.fields import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.simulator.accounts import Account
    from mingus.simulator.fields import Fields
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

Body = dict[str, Any]

ACCESS_TOKEN = text()
TOKEN_ONLY: Fields = {"access_token": ACCESS_TOKEN}
ACCOUNT_IDS: Field = optional(list_of(text(), max_items=1000))

COUNTRY_TEXT = "US GB ES NL FR IE CA DE IT PL DK NO SE EE LT LV PT BE AT FI"
COUNTRIES = tuple(COUNTRY_TEXT.split())
# Every product that a client may name, whether the simulator has it or not.
PRODUCT_TEXT = (
    "assets auth balance balance_plus beacon identity identity_match investments investments_auth liabilities "
    "payment_initiation identity_verification transactions credit_details income income_verification "
    "standing_orders transfer employment recurring_transactions transactions_refresh signal statements "
    "processor_payments processor_identity profile cra_base_report cra_income_insights cra_partner_insights "
    "cra_network_insights cra_cashflow_insights cra_monitoring cra_lend_score cra_plaid_credit_score layer "
    "pay_by_bank protect_linked_bank"
)
PRODUCTS = frozenset(PRODUCT_TEXT.split())
# Contracted add-ons come with the product that they belong to.
PART_OF = {"recurring_transactions": "transactions", "transactions_refresh": "transactions"}


def item_of(sim: Simulator, body: Body) -> Item:
    """The item of the request's token, whatever state it is in."""
    return sim.items.by_access_token(body["access_token"])


def readable(sim: Simulator, body: Body, product: str | None = None, *, live: bool = False) -> Item:
    """The item, fit to be read for the product; `live` calls need the bank itself to answer."""
    item = item_of(sim, body)
    if item.revoked:
        refuse("USER_PERMISSION_REVOKED")
    if item.error_code:
        refuse(item.error_code)
    if live:
        _bank_answers(sim, item)
    if product:
        _has_product(sim, item, product)
    return item


def chosen_accounts(item: Item, account_ids: Sequence[str] | None, *types: str) -> list[Account]:
    """The listed accounts, or those asked for; `types` narrows what is given when nothing was asked for."""
    visible = item.visible_accounts()
    if not visible:
        refuse("NO_ACCOUNTS")
    if account_ids is None:
        return [row for row in visible if not types or row.plan.type in types]
    known = {row.account_id: row for row in visible}
    unknown = [account_id for account_id in account_ids if account_id not in known]
    if unknown:
        refuse(
            "INVALID_ACCOUNT_ID", f"these account_ids are not accounts of the item: {', '.join(unknown[:5])}"
        )
    return [row for row in visible if row.account_id in account_ids]


def account_ids_of(body: Body) -> list[str] | None:
    """`options.account_ids`, or None for all."""
    chosen: list[str] | None = body.get("options", {}).get("account_ids")
    return chosen


def item_shape(sim: Simulator, item: Item, *, with_error: bool = False) -> dict[str, Any]:
    """The item as answers carry it."""
    institution = sim.institutions.get(item.institution_id)
    return item.shape(institution.name, institution.products, with_error=with_error)


def check_products(sim: Simulator, institution_id: str, products: Sequence[str]) -> None:
    """PlaidError when a product is unknown, may not be named, or is not offered by the institution."""
    unknown = [product for product in products if product not in PRODUCTS or product == "balance"]
    if unknown:
        refuse("INVALID_PRODUCT", f"these products cannot be requested: {', '.join(unknown)}")
    offered = sim.institutions.get(institution_id).products
    missing = [product for product in products if PART_OF.get(product, product) not in offered]
    if missing:
        refuse("PRODUCTS_NOT_SUPPORTED", f"the institution does not offer: {', '.join(missing)}")


def _bank_answers(sim: Simulator, item: Item) -> None:
    status = sim.institutions.get(item.institution_id).status
    if status == "DOWN":
        refuse("INSTITUTION_DOWN")
    if status == "UNSUPPORTED":
        refuse("INSTITUTION_NO_LONGER_SUPPORTED")


def _has_product(sim: Simulator, item: Item, product: str) -> None:
    if product in item.products:
        return
    if product not in sim.institutions.get(item.institution_id).products:
        refuse("PRODUCTS_NOT_SUPPORTED")
    if product not in item.consented_products:
        refuse("ADDITIONAL_CONSENT_REQUIRED", f"the user has not consented to {product}; use update mode")
    with sim.store.lock:
        # Called with consent: the product is initialised, and billed, from now on.
        item.products.append(product)
        sim.items.save(item)
