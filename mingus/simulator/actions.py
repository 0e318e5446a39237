"""What can be made to happen to an item: one table for the control API, the console and the scenarios."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator import firing
from mingus.simulator import life
from mingus.simulator.errors import CATALOGUE
from mingus.simulator.errors import refuse
from mingus.simulator.fields import boolean
from mingus.simulator.fields import check
from mingus.simulator.fields import choice
from mingus.simulator.fields import date
from mingus.simulator.fields import integer
from mingus.simulator.fields import number
from mingus.simulator.fields import optional
from mingus.simulator.fields import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from mingus.simulator.fields import Fields
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

Args = dict[str, Any]
Result = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that can happen; `run` gets checked arguments and tells what came of it."""

    summary: str
    fields: Fields
    run: Callable[[Simulator, Item, Args], Result]


def perform(sim: Simulator, item: Item, name: str, arguments: Args) -> Result:
    """Make it happen; PlaidError for an unknown action or arguments that do not fit."""
    action = ACTIONS.get(name)
    if action is None:
        refuse("NOT_FOUND", f"there is no action {name}; there are: {', '.join(ACTIONS)}")
    return action.run(sim, item, check(arguments, action.fields))


def _spend(sim: Simulator, item: Item, args: Args) -> Result:
    return {"transaction": sim.till.spend(item, args.pop("amount", 5.0), **_renamed(args))}


def _get_paid(sim: Simulator, item: Item, args: Args) -> Result:
    amount = -abs(args.pop("amount", 1825.75))
    wishes = {"whom": "payroll", "pending": False, **_renamed(args)}
    return {"transaction": sim.till.spend(item, amount, **wishes)}


def _renamed(args: Args) -> Args:
    return {{"description": "text", "date": "on"}.get(key, key): value for key, value in args.items()}


def _post_pending(sim: Simulator, item: Item, args: Args) -> Result:
    return {"posted": sim.till.post_pending(item, **args)}


def _change(sim: Simulator, item: Item, args: Args) -> Result:
    transaction_id = args.pop("transaction_id", None)
    if "date" in args:
        args["date"] = args["date"].isoformat()
    return {"transaction": sim.till.change(item, transaction_id, **args)}


def _remove_transaction(sim: Simulator, item: Item, args: Args) -> Result:
    return {"transaction": sim.till.remove(item, args.get("transaction_id"))}


def _drop_and_return(sim: Simulator, item: Item, args: Args) -> Result:
    doc = sim.till.remove(item, args.get("transaction_id"))
    return {"transaction": sim.till.bring_back(item, doc)}


def _burst(sim: Simulator, item: Item, args: Args) -> Result:
    changes = [sim.till.burst(item) for _ in range(args.get("times", 1))]
    return {"added": sum(change.added for change in changes)}


def _check(sim: Simulator, item: Item, _: Args) -> Result:
    changes = sim.updates.check(item)
    return {"added": changes.added, "modified": changes.modified, "removed": len(changes.removed)}


def _finish_import(sim: Simulator, item: Item, _: Args) -> Result:
    sim.updates.finish_import(item)
    return {"transactions_update_status": sim.updates.phase(item)}


def _break_login(sim: Simulator, item: Item, args: Args) -> Result:
    life.fail(sim, item, "ITEM_LOGIN_REQUIRED", reason=args.get("reason"))
    return {}


def _error(sim: Simulator, item: Item, args: Args) -> Result:
    life.fail(sim, item, args["code"], tell=args.get("tell", True))
    return {}


def _heal(sim: Simulator, item: Item, _: Args) -> Result:
    life.heal(sim, item)
    return {}


def _revoke(sim: Simulator, item: Item, _: Args) -> Result:
    life.revoke(sim, item)
    return {}


def _revoke_account(sim: Simulator, item: Item, args: Args) -> Result:
    life.revoke_account(sim, item, _account_id(item, args), tell=args.get("tell", True))
    return {}


def _close_account(sim: Simulator, item: Item, args: Args) -> Result:
    life.close_account(sim, item, _account_id(item, args))
    return {}


def _open_account(sim: Simulator, item: Item, args: Args) -> Result:
    return {"account": life.open_new_account(sim, item, **args).shape()}


def _late_account(sim: Simulator, item: Item, args: Args) -> Result:
    return {"account": life.late_account(sim, item, seconds=args.get("seconds", 60)).shape()}


def _expire_consent(sim: Simulator, item: Item, args: Args) -> Result:
    at = sim.clock.now() + timedelta(days=args.get("in_days", 7))
    life.end_consent(sim, item, at)
    return {"consent_expiration_time": at.isoformat()}


def _fire_webhook(sim: Simulator, item: Item, args: Args) -> Result:
    for _ in range(args.get("times", 1)):
        firing.fire(sim, item, args["webhook_code"], args.get("webhook_type"))
    return {"webhook_fired": bool(item.webhook)}


def _bank(sim: Simulator, item: Item, args: Args) -> Result:
    sim.institutions.set_status(item.institution_id, args["status"])
    return {"status": args["status"]}


def _remove_item(sim: Simulator, item: Item, _: Args) -> Result:
    sim.items.remove(item)
    return {}


def _fault(sim: Simulator, item: Item, args: Args) -> Result:
    try:
        return {"number": sim.faults.add(item_id=item.item_id, **args).number}
    except (TypeError, ValueError) as error:
        refuse("INVALID_FIELD", str(error))


def _manners(sim: Simulator, _item: Item, args: Args) -> Result:
    try:
        return {"signature": sim.webhooks.behave(**args).signature}
    except (TypeError, ValueError) as error:
        refuse("INVALID_FIELD", str(error))


def _rotate_key(sim: Simulator, _item: Item, args: Args) -> Result:
    former = sim.keys.current
    kid = sim.keys.rotate()
    if args.get("expire_former"):
        sim.keys.expire(former)
    return {"kid": kid}


def _account_id(item: Item, args: Args) -> str:
    """The account that the arguments name, else the last one listed."""
    visible = item.visible_accounts()
    if not visible:
        refuse("NO_ACCOUNTS")
    return str(args.get("account_id") or visible[-1].account_id)


_TRANSACTION_ID = {"transaction_id": optional(text())}
_ACCOUNT_ID = {"account_id": optional(text())}
_MONEY: Fields = {
    "amount": optional(number()),
    "description": optional(text()),
    "whom": optional(text()),
    "account_id": optional(text()),
    "pending": optional(boolean()),
    "date": optional(date()),
}
_FAULT: Fields = {
    "kind": text(),
    "endpoint": optional(text()),
    "share": optional(number()),
    "count": optional(integer(1, 1_000_000)),
    "skip": optional(integer(0, 1_000_000)),
    "code": optional(text()),
    "seconds": optional(number()),
    "megabytes": optional(integer(1, 200)),
    "location": optional(text()),
}
_MANNERS: Fields = {
    "signature": optional(text()),
    "copies": optional(integer(1, 100)),
    "swap": optional(boolean()),
    "lose": optional(number()),
    "retries": optional(boolean()),
}

ACTIONS: dict[str, Action] = {
    "spend": Action(summary="Spend money (5 unless said), pending first", fields=_MONEY, run=_spend),
    "get_paid": Action(summary="Receive pay, posted at once", fields=_MONEY, run=_get_paid),
    "post_pending": Action(
        summary="Post one pending transaction or all, with another amount if said",
        fields={**_TRANSACTION_ID, "amount": optional(number())},
        run=_post_pending,
    ),
    "change": Action(
        summary="Correct amount, date or name of a transaction (the newest unless named)",
        fields={
            **_TRANSACTION_ID,
            "amount": optional(number()),
            "date": optional(date()),
            "name": optional(text()),
        },
        run=_change,
    ),
    "remove_transaction": Action(
        summary="The bank takes a transaction back", fields=_TRANSACTION_ID, run=_remove_transaction
    ),
    "remove_and_return": Action(
        summary="A transaction goes and comes back", fields=_TRANSACTION_ID, run=_drop_and_return
    ),
    "burst": Action(
        summary="Post what is pending, change one amount, add three new ones",
        fields={"times": optional(integer(1, 1000))},
        run=_burst,
    ),
    "check": Action(summary="Ask the bank now", fields={}, run=_check),
    "finish_import": Action(summary="Complete the first import at once", fields={}, run=_finish_import),
    "break_login": Action(
        summary="The login is no longer valid (ITEM_LOGIN_REQUIRED)",
        fields={"reason": optional(choice(*life.CONSENT_REASONS))},
        run=_break_login,
    ),
    "error": Action(
        summary="Put the item into any of Plaid's errors",
        fields={"code": choice(*CATALOGUE), "tell": optional(boolean())},
        run=_error,
    ),
    "heal": Action(summary="The error goes away by itself (LOGIN_REPAIRED)", fields={}, run=_heal),
    "revoke": Action(summary="The person revokes the permission", fields={}, run=_revoke),
    "revoke_account": Action(
        summary="The person revokes the permission for one account",
        fields={**_ACCOUNT_ID, "tell": optional(boolean())},
        run=_revoke_account,
    ),
    "close_account": Action(summary="The bank closes an account", fields=_ACCOUNT_ID, run=_close_account),
    "open_account": Action(
        summary="The person opens a new account (NEW_ACCOUNTS_AVAILABLE)",
        fields={
            "name": optional(text()),
            "type": optional(choice("depository", "credit", "loan", "investment")),
            "subtype": optional(text()),
            "balance": optional(number()),
        },
        run=_open_account,
    ),
    "late_account": Action(
        summary="Transactions of an account that is listed only later",
        fields={"seconds": optional(number(0, 1e9))},
        run=_late_account,
    ),
    "expire_consent": Action(
        summary="Consent runs out in so many days (7 unless said)",
        fields={"in_days": optional(number(0, 36_500))},
        run=_expire_consent,
    ),
    "fire_webhook": Action(
        summary="Send a webhook",
        fields={
            "webhook_code": choice(*firing.CODES, *firing.UNASKED_CODES),
            "webhook_type": optional(choice(*firing.TYPES)),
            "times": optional(integer(1, 1000)),
        },
        run=_fire_webhook,
    ),
    "bank": Action(
        summary="The item's bank is HEALTHY, DEGRADED, DOWN or UNSUPPORTED",
        fields={"status": choice("HEALTHY", "DEGRADED", "DOWN", "UNSUPPORTED")},
        run=_bank,
    ),
    "remove_item": Action(summary="The item disappears at Plaid", fields={}, run=_remove_item),
    "fault": Action(summary="Spoil the answers about this item", fields=_FAULT, run=_fault),
    "webhook_manners": Action(summary="Webhooks misbehave", fields=_MANNERS, run=_manners),
    "rotate_key": Action(
        summary="Sign webhooks with a new key",
        fields={"expire_former": optional(boolean())},
        run=_rotate_key,
    ),
}
FAULT_FIELDS: Fields = {**_FAULT, "item_id": optional(text())}
MANNERS_FIELDS: Fields = _MANNERS
