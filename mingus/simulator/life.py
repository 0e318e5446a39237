"""What befalls an item: its login breaks, consent runs out, permission goes, accounts come and go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator import events
from mingus.simulator.accounts import open_account
from mingus.simulator.errors import refuse
from mingus.simulator.people import AccountPlan

if TYPE_CHECKING:
    from datetime import datetime

    from mingus.simulator.accounts import Account
    from mingus.simulator.items import Item
    from mingus.simulator.simulator import Simulator

NOTICE = timedelta(days=7)
CONSENT_REASONS = ("OAUTH_INVALID_TOKEN", "OAUTH_CONSENT_EXPIRED", "OAUTH_USER_REVOKED")


def fail(sim: Simulator, item: Item, code: str, *, reason: str | None = None, tell: bool = True) -> None:
    """Put the item into an error until update mode or `heal`; by default its webhook is told."""
    with sim.store.lock:
        item.error_code, item.error_reason = code, reason
        item.last_failure = sim.clock.now()
        sim.items.save(item)
        if tell:
            events.item_error(sim, item, code)


def heal(sim: Simulator, item: Item) -> None:
    """The login works again without this application's doing."""
    sim.items.repair(item)
    events.send(sim, item, "ITEM", "LOGIN_REPAIRED")


def revoke(sim: Simulator, item: Item) -> None:
    """The person took back the permission."""
    with sim.store.lock:
        item.revoked = True
        sim.items.save(item)
        events.permission_revoked(sim, item)


def revoke_account(sim: Simulator, item: Item, account_id: str, *, tell: bool = True) -> None:
    """The person took back the permission for one account; at most banks nobody is told."""
    with sim.store.lock:
        account = _account(item, account_id)
        account.shared = False
        sim.items.save(item)
        if tell:
            events.send(sim, item, "ITEM", "USER_ACCOUNT_REVOKED", account_id=account_id)


def close_account(sim: Simulator, item: Item, account_id: str) -> None:
    """The bank closes the account: it silently leaves the list."""
    with sim.store.lock:
        _account(item, account_id).open = False
        sim.items.save(item)


def open_new_account(sim: Simulator, item: Item, **wishes: Any) -> Account:
    """The person opens an account at the bank; it is not shared before update mode."""
    with sim.store.lock:
        number = len(item.accounts)
        plan = AccountPlan(
            key=f"opened{number}",
            name=wishes.get("name", "New Savings"),
            official_name=None,
            mask=f"{7100 + number}",
            type=wishes.get("type", "depository"),
            subtype=wishes.get("subtype", "savings"),
            current=wishes.get("balance", 250.0),
            available=wishes.get("balance", 250.0),
            limit=None,
        )
        account = replace(_opened(sim, item, plan), shared=False)
        item.accounts.append(account)
        sim.items.save(item)
        events.send(sim, item, "ITEM", "NEW_ACCOUNTS_AVAILABLE", error=None)
    return account


def late_account(sim: Simulator, item: Item, *, seconds: float = 60.0) -> Account:
    """An account whose transactions arrive before the account list has it."""
    with sim.store.lock:
        number = len(item.accounts)
        plan = AccountPlan(
            key=f"late{number}",
            name="Late Checking",
            official_name=None,
            mask=f"{7200 + number}",
            type="depository",
            subtype="checking",
            current=80.0,
            available=80.0,
            limit=None,
        )
        account = replace(_opened(sim, item, plan), listed=False)
        item.accounts.append(account)
        sim.items.save(item)
        sim.till.spend(item, 12.75, account_id=account.account_id, pending=False)
        _plan_listing(sim, item, account, sim.clock.now() + timedelta(seconds=seconds))
    return account


def list_account(sim: Simulator, item_id: str, account_id: str) -> None:
    """A late account joins the list."""
    with sim.store.lock:
        item = sim.items.find(item_id)
        account = item.account(account_id) if item else None
        if item and account:
            account.listed = True
            sim.items.save(item)


def end_consent(sim: Simulator, item: Item, at: datetime) -> None:
    """Let the consent run out at `at`: notice a week before, a broken login then."""
    with sim.store.lock:
        item.consent_expiration_time = at
        sim.items.save(item)
        plan(sim, item)
        if at - NOTICE <= sim.clock.now():
            events.pending_disconnect(sim, item, at)


def plan(sim: Simulator, item: Item) -> None:
    """Plan notice and end of the item's consent, and the renewal of its login if the sandbox asks for it."""
    if item.consent_expiration_time:
        ends = item.consent_expiration_time
        if ends - NOTICE > sim.clock.now():
            sim.scheduler.at(ends - NOTICE, partial(_notice, sim, item.item_id, ends))
        sim.scheduler.at(ends, partial(_consent_ended, sim, item.item_id, ends))
    if sim.config.login_days:
        due = item.created_at + timedelta(days=sim.config.login_days)
        sim.scheduler.at(due, partial(_login_due, sim, item.item_id))
    for account in item.accounts:
        if not account.listed:
            _plan_listing(sim, item, account, sim.clock.now())


def _notice(sim: Simulator, item_id: str, ends: datetime) -> None:
    item = _still(sim, item_id, ends)
    if item and item.error_code is None:
        events.pending_disconnect(sim, item, ends)


def _consent_ended(sim: Simulator, item_id: str, ends: datetime) -> None:
    item = _still(sim, item_id, ends)
    if item and item.error_code is None:
        fail(sim, item, "ITEM_LOGIN_REQUIRED", reason="OAUTH_CONSENT_EXPIRED")


def _login_due(sim: Simulator, item_id: str) -> None:
    item = sim.items.find(item_id)
    if item and not item.removed and item.error_code is None:
        fail(sim, item, "ITEM_LOGIN_REQUIRED")


def _still(sim: Simulator, item_id: str, ends: datetime) -> Item | None:
    """The item, if it lives and its consent still ends then."""
    item = sim.items.find(item_id)
    return item if item and not item.removed and item.consent_expiration_time == ends else None


def _plan_listing(sim: Simulator, item: Item, account: Account, at: datetime) -> None:
    sim.scheduler.at(at, partial(list_account, sim, item.item_id, account.account_id))


def _opened(sim: Simulator, item: Item, plan: AccountPlan) -> Account:
    persistent = sim.institutions.get(item.institution_id).persistent_ids
    return open_account(plan, item_key=item.item_key, bank_key=item.bank_key, persistent_ids=persistent)


def _account(item: Item, account_id: str) -> Account:
    account = item.account(account_id)
    if account is None:
        refuse("INVALID_ACCOUNT_ID")
    return account
