"""The endpoints that only a sandbox has."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator import events
from mingus.simulator import firing
from mingus.simulator import life
from mingus.simulator.api.access import ACCESS_TOKEN
from mingus.simulator.api.access import TOKEN_ONLY
from mingus.simulator.api.access import check_products
from mingus.simulator.api.access import item_of
from mingus.simulator.api.items import WEBHOOK_URL
from mingus.simulator.api.items import checked_url
from mingus.simulator.errors import refuse
from mingus.simulator.fields import anything
from mingus.simulator.fields import choice
from mingus.simulator.fields import date
from mingus.simulator.fields import integer
from mingus.simulator.fields import list_of
from mingus.simulator.fields import nested
from mingus.simulator.fields import number
from mingus.simulator.fields import optional
from mingus.simulator.fields import text
from mingus.simulator.web import Endpoint

if TYPE_CHECKING:
    from mingus.simulator.logins import Login
    from mingus.simulator.simulator import Simulator

Body = dict[str, Any]

MOST_CREATED = 10
OLDEST = timedelta(days=730)


def create_public_token(sim: Simulator, body: Body) -> Body:
    """An item made without Link."""
    options = body.get("options", {})
    institution = sim.institutions.get(body["institution_id"])
    check_products(sim, institution.institution_id, body["initial_products"])
    login = _login(sim, body["institution_id"], options)
    item = sim.items.create(
        institution_id=institution.institution_id,
        login=login,
        products=body["initial_products"],
        # Nobody was asked for consent here, so nothing is refused for want of it.
        consented_products=[product for product in institution.products if product != "balance"],
        webhook=checked_url(options.get("webhook")),
        days_requested=_days(sim, options.get("transactions", {})),
    )
    return {"public_token": sim.items.issue_public_token(item)}


def fire_webhook(sim: Simulator, body: Body) -> Body:
    """Send a webhook as if its cause had happened; the item's error state stays as it is."""
    item = item_of(sim, body)
    if not item.webhook:
        refuse("SANDBOX_WEBHOOK_INVALID")
    firing.fire(sim, item, body["webhook_code"], body.get("webhook_type"))
    return {"webhook_fired": True}


def reset_login(sim: Simulator, body: Body) -> Body:
    """The item wants a new login from now on."""
    life.fail(sim, item_of(sim, body), "ITEM_LOGIN_REQUIRED")
    return {"reset_login": True}


def set_verification_status(sim: Simulator, body: Body) -> Body:
    """A micro-deposit verification ends this way."""
    item = item_of(sim, body)
    account = item.account(body["account_id"])
    if account is None or not account.visible:
        refuse("INVALID_ACCOUNT_ID")
    if "auth" not in item.products:
        refuse("SANDBOX_PRODUCT_NOT_ENABLED")
    status = body["verification_status"]
    with sim.store.lock:
        account.verification_status = status
        sim.items.save(item)
    code = "AUTOMATICALLY_VERIFIED" if status == "automatically_verified" else "VERIFICATION_EXPIRED"
    events.send(sim, item, "AUTH", code, account_id=account.account_id)
    return {}


def create_transactions(sim: Simulator, body: Body) -> Body:
    """Transactions as the caller wants them, as if the bank had told."""
    item = item_of(sim, body)
    if item.error_code:
        refuse(item.error_code)
    if "transactions" not in item.products:
        refuse("SANDBOX_PRODUCT_NOT_ENABLED")
    rows = body["transactions"]
    if not 1 <= len(rows) <= MOST_CREATED:
        refuse("INVALID_FIELD", f"transactions must have between 1 and {MOST_CREATED} elements")
    today = sim.clock.today()
    for row in rows:
        if row["date_posted"] < row["date_transacted"]:
            refuse("INVALID_FIELD", "date_posted must not be before date_transacted")
        if row["date_posted"] > today or row["date_transacted"] < today - OLDEST:
            refuse("INVALID_FIELD", "dates must be neither in the future nor more than 730 days ago")
    sim.till.create(item, rows)
    return {}


def _login(sim: Simulator, institution_id: str, options: Body) -> Login:
    login = sim.logins.check(
        sim.institutions.get(institution_id),
        options.get("override_username", "user_good"),
        options.get("override_password", "pass_good"),
    )
    if login.error_code:
        refuse(login.error_code)
    return login


def _days(sim: Simulator, transactions: Body) -> int:
    if "days_requested" in transactions:
        return int(transactions["days_requested"])
    if "start_date" in transactions:
        asked = (sim.clock.today() - transactions["start_date"]).days + 1
        return min(730, max(1, int(asked)))
    return 90


CREATED = nested(
    {
        "date_transacted": date(),
        "date_posted": date(),
        "amount": number(),
        "description": text(max_length=1000),
        "iso_currency_code": optional(text(max_length=10)),
        "account_id": optional(text()),
    }
)

API: tuple[Endpoint, ...] = (
    Endpoint(
        path="/sandbox/public_token/create",
        fields={
            "institution_id": text(),
            "initial_products": list_of(text(), min_items=1),
            "options": optional(
                nested(
                    {
                        "webhook": optional(WEBHOOK_URL),
                        "override_username": optional(text()),
                        "override_password": optional(text()),
                        "transactions": optional(
                            nested(
                                {
                                    "start_date": optional(date()),
                                    "end_date": optional(date()),
                                    "days_requested": optional(integer(1, 730)),
                                }
                            )
                        ),
                        "statements": optional(nested({"start_date": date(), "end_date": date()})),
                        "income_verification": optional(anything()),
                    }
                )
            ),
            "user_token": optional(text()),
            "user_id": optional(text()),
        },
        handler=create_public_token,
    ),
    Endpoint(
        path="/sandbox/item/fire_webhook",
        fields={
            "access_token": ACCESS_TOKEN,
            "webhook_type": optional(choice(*firing.TYPES)),
            "webhook_code": choice(*firing.CODES),
            "options": optional(nested({"new_transactions": optional(integer(0, 10_000))})),
        },
        handler=fire_webhook,
    ),
    Endpoint(path="/sandbox/item/reset_login", fields=TOKEN_ONLY, handler=reset_login),
    Endpoint(
        path="/sandbox/item/set_verification_status",
        fields={
            "access_token": ACCESS_TOKEN,
            "account_id": text(),
            "verification_status": choice("automatically_verified", "verification_expired"),
        },
        handler=set_verification_status,
    ),
    Endpoint(
        path="/sandbox/transactions/create",
        fields={"access_token": ACCESS_TOKEN, "transactions": list_of(CREATED)},
        handler=create_transactions,
    ),
)
