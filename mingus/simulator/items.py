"""Items: one person's access to one bank, from Link to removal."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from datetime import timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING
from typing import Any

import msgspec

from mingus.simulator import bank
from mingus.simulator.accounts import Account
from mingus.simulator.accounts import open_account
from mingus.simulator.accounts import passes
from mingus.simulator.accounts import serves
from mingus.simulator.clock import iso
from mingus.simulator.config import ENVIRONMENT
from mingus.simulator.errors import plaid_error
from mingus.simulator.errors import refuse
from mingus.simulator.ids import world_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping
    from collections.abc import Sequence

    from mingus.simulator.logins import Login
    from mingus.simulator.simulator import Simulator

PUBLIC_TOKEN_LIFE = timedelta(minutes=30)
NEVER_BILLED = ("balance", "recurring_transactions")
# How many earlier linkings of the same login are searched for account ids that Link showed.
REMEMBERED_DRAFTS = 8


@dataclass(slots=True, kw_only=True)
class Item:
    """The state of one item. Change it under `store.lock` and call `Items.save`."""

    item_id: str
    item_key: str
    bank_key: str
    institution_id: str
    username: str
    person: str
    created_at: datetime
    custom: str | None = None
    environment: str = ENVIRONMENT
    access_token: str | None = None
    client_user_id: str | None = None
    webhook: str | None = None
    products: list[str] = field(default_factory=list)
    consented_products: list[str] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    account_filters: dict[str, Any] | None = None
    days_requested: int = 90
    error_code: str | None = None
    error_reason: str | None = None
    revoked: bool = False
    removed: bool = False
    update_type: str = "background"
    consent_expiration_time: datetime | None = None
    sync_called: bool = False
    last_update: datetime | None = None
    last_failure: datetime | None = None
    last_webhook: dict[str, str] | None = None

    def account(self, account_id: str) -> Account | None:
        """The account of that id, visible or not."""
        return next((row for row in self.accounts if row.account_id == account_id), None)

    def visible_accounts(self) -> list[Account]:
        """The accounts that the API lists now."""
        return [row for row in self.accounts if row.visible]

    def shape(
        self, institution_name: str, available: Iterable[str], *, with_error: bool = False
    ) -> dict[str, Any]:
        """The item in Plaid's shape; only /item/get may show its error."""
        billed = [product for product in self.products if product not in NEVER_BILLED]
        return {
            "auth_method": None,
            "available_products": sorted(set(available) - set(billed)),
            "billed_products": billed,
            "consent_expiration_time": iso(self.consent_expiration_time)
            if self.consent_expiration_time
            else None,
            "consented_products": sorted({*self.consented_products, *self.products}),
            "error": self.error() if with_error else None,
            "institution_id": self.institution_id,
            "institution_name": institution_name,
            "item_id": self.item_id,
            "products": list(self.products),
            "update_type": self.update_type,
            "webhook": self.webhook or "",
        }

    def error(self) -> dict[str, Any] | None:
        """The error that the item is in, in Plaid's shape."""
        if self.error_code is None:
            return None
        body = plaid_error(self.error_code).body()
        return {**body, "error_code_reason": self.error_reason}


class Items:
    """Every item ever made here, those removed included (their tokens must answer ITEM_NOT_FOUND)."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._items: dict[str, Item] = {}
        self._by_token: dict[str, str] = {}
        for key, doc in sim.store.all("item"):
            self._items[key] = item = msgspec.convert(doc, Item)
            if item.access_token:
                self._by_token[item.access_token] = key
        for token, doc in sim.store.all("dead_token"):
            self._by_token.setdefault(token, doc["item_id"])

    def all(self) -> Sequence[Item]:
        """Live items, oldest first."""
        return [item for item in list(self._items.values()) if not item.removed]

    def find(self, item_id: str) -> Item | None:
        """The item of that id, removed or not, or None."""
        return self._items.get(item_id)

    def by_id(self, item_id: str) -> Item:
        """The live item; PlaidError ITEM_NOT_FOUND."""
        item = self._items.get(item_id)
        if item is None or item.removed:
            refuse("ITEM_NOT_FOUND")
        return item

    def by_access_token(self, token: str) -> Item:
        """The item of the token, or Plaid's error about token or item (not about its login)."""
        item = self._items.get(self._by_token.get(token, ""))
        if not token.startswith(f"access-{ENVIRONMENT}-") or item is None:
            refuse("INVALID_ACCESS_TOKEN")
        if item.removed:
            refuse("ITEM_NOT_FOUND")
        if item.access_token != token:
            refuse("INVALID_ACCESS_TOKEN")
        return item

    def id_of(self, token: str | None) -> str | None:
        """The id of the item that the token belongs or belonged to."""
        return self._by_token.get(token or "")

    def save(self, item: Item) -> None:
        """Keep the item as it is now."""
        self._sim.store.put("item", item.item_id, msgspec.to_builtins(item))

    def preview_accounts(
        self,
        institution_id: str,
        login: Login,
        products: Iterable[str] = (),
        account_filters: Mapping[str, Any] | None = None,
    ) -> list[dict[str, Any]]:
        """The accounts that Link lists before the item exists, with the ids that they will have in it.

        Accounts that none of the products has data for are left out.
        """
        bank_key = self._bank_key(institution_id, login)
        draft = self._accounts(institution_id, login, f"{bank_key}/{self._linked(bank_key)}", bank_key)
        return [
            account.shape()
            for account in draft
            if passes(account.plan, account_filters) and serves(account.plan, products)
        ]

    def create(
        self,
        *,
        institution_id: str,
        login: Login,
        products: Iterable[str],
        consented_products: Iterable[str] = (),
        optional_products: Iterable[str] = (),
        webhook: str | None = None,
        client_user_id: str | None = None,
        days_requested: int = 90,
        account_filters: Mapping[str, Any] | None = None,
        account_ids: Sequence[str] | None = None,
        environment: str = ENVIRONMENT,
    ) -> Item:
        """A new item; `account_ids` (as previewed) are the accounts shared, None shares all that pass."""
        institution = self._sim.institutions.get(institution_id)
        bank_key = self._bank_key(institution_id, login)
        with self._sim.store.lock:
            ordinal = self._linked(bank_key)
            item_key = f"{bank_key}/{ordinal}"
            extra = [product for product in optional_products if product in institution.products]
            now = self._sim.clock.now()
            item = Item(
                item_id=world_id("item", item_key),
                item_key=item_key,
                bank_key=bank_key,
                institution_id=institution_id,
                username=login.username,
                person=login.person,
                custom=login.custom.text if login.custom else None,
                created_at=now,
                client_user_id=client_user_id,
                webhook=webhook or None,
                products=list(dict.fromkeys([*products, *extra])),
                consented_products=list(dict.fromkeys(consented_products)),
                accounts=self._accounts(institution_id, login, item_key, bank_key),
                account_filters=dict(account_filters) if account_filters else None,
                days_requested=days_requested,
                environment=environment,
                consent_expiration_time=consent_end(now, institution.consent_days),
            )
            self._share(item, self._translated(item, ordinal, account_ids))
            self._sim.store.put("linked", bank_key, {"count": ordinal + 1})
            self._items[item.item_id] = item
            self.save(item)
            self._sim.updates.begin(item)
            self._sim.scenes.item_made(item)
        return item

    def issue_public_token(self, item: Item) -> str:
        """A token to exchange within 30 minutes, once."""
        token = self._sim.ids.token("public")
        expires_at = self._sim.clock.now() + PUBLIC_TOKEN_LIFE
        self._sim.store.put(
            "public_token", token, {"item_id": item.item_id, "expires_at": expires_at.isoformat()}
        )
        return token

    def exchange(self, public_token: str) -> Item:
        """The item of a public token, now with its access token; PlaidError INVALID_PUBLIC_TOKEN."""
        with self._sim.store.lock:
            doc = self._sim.store.get("public_token", public_token)
            if doc is None or datetime.fromisoformat(doc["expires_at"]) < self._sim.clock.now():
                refuse("INVALID_PUBLIC_TOKEN")
            self._sim.store.delete("public_token", public_token)
            item = self._items[doc["item_id"]]
            if item.removed:
                refuse("INVALID_PUBLIC_TOKEN")
            if item.access_token is None:
                self._give_token(item)
        return item

    def rotate_token(self, item: Item) -> str:
        """A new access token; the old one is dead at once."""
        with self._sim.store.lock:
            return self._give_token(item)

    def remove(self, item: Item) -> None:
        """Forget everything but that the item was there."""
        with self._sim.store.lock:
            item.removed = True
            item.accounts = []
            self.save(item)
            self._sim.updates.forget(item)

    def candidate_accounts(self, item: Item) -> list[dict[str, Any]]:
        """Every open account at the bank, those not yet shared included, for account selection."""
        return [account.shape() for account in item.accounts if account.open and passes(account.plan, None)]

    def repair(self, item: Item, *, account_ids: Sequence[str] | None = None) -> None:
        """Update mode went through: no error, consent renewed, exactly `account_ids` shared if given."""
        with self._sim.store.lock:
            item.error_code = item.error_reason = None
            item.revoked = False
            institution = self._sim.institutions.get(item.institution_id)
            item.consent_expiration_time = consent_end(self._sim.clock.now(), institution.consent_days)
            joined = self._share(item, account_ids) if account_ids is not None else []
            self.save(item)
            self._sim.updates.repaired(item, joined)

    def reset(self) -> None:
        """Forget all items and tokens; the store is cleared by the caller."""
        self._items.clear()
        self._by_token.clear()

    def _share(self, item: Item, account_ids: Sequence[str] | None) -> list[Account]:
        joined = []
        for account in item.accounts:
            wanted = (
                passes(account.plan, item.account_filters)
                if account_ids is None
                else account.account_id in account_ids
            )
            if wanted and not account.shared:
                joined.append(account)
            account.shared = wanted
        return joined

    def _translated(
        self, item: Item, ordinal: int, account_ids: Sequence[str] | None
    ) -> Sequence[str] | None:
        """Ids that an earlier preview showed, as ids of this item: two Links of one login may have run at once."""
        if account_ids is None:
            return None
        known = {account.account_id: account.account_id for account in item.accounts}
        for earlier in range(max(0, ordinal - REMEMBERED_DRAFTS), ordinal):
            for account in item.accounts:
                old = world_id("account", f"{item.bank_key}/{earlier}", account.plan.key)
                known.setdefault(old, account.account_id)
        if any(account_id not in known for account_id in account_ids):
            refuse("INVALID_ACCOUNT_ID")
        return [known[account_id] for account_id in account_ids]

    def _accounts(self, institution_id: str, login: Login, item_key: str, bank_key: str) -> list[Account]:
        persistent = self._sim.institutions.get(institution_id).persistent_ids
        return [
            open_account(plan, item_key=item_key, bank_key=bank_key, persistent_ids=persistent)
            for plan in bank.plans(login.person, login.custom)
        ]

    def _give_token(self, item: Item) -> str:
        if item.access_token:
            self._sim.store.put("dead_token", item.access_token, {"item_id": item.item_id})
        item.access_token = self._sim.ids.token("access")
        self._by_token[item.access_token] = item.item_id
        self.save(item)
        return item.access_token

    def _bank_key(self, institution_id: str, login: Login) -> str:
        custom = blake2b(login.custom.text.encode(), digest_size=6).hexdigest() if login.custom else ""
        return f"{self._sim.config.seed}/{institution_id}/{login.username}/{custom}"

    def _linked(self, bank_key: str) -> int:
        doc = self._sim.store.get("linked", bank_key)
        return int(doc["count"]) if doc else 0


def consent_end(now: datetime, days: int | None) -> datetime | None:
    """When a consent given now runs out."""
    return now + timedelta(days=days) if days else None
