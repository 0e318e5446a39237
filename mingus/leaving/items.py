"""Items of people who left: ended at Plaid, tried again until it confirms, then forgotten with their tokens."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy import update

from mingus.db import db
from mingus.db import unit_of_work
from mingus.jobs import JobKind
from mingus.leaving.models import DepartedItem
from mingus.leaving.models import DepartedItemId
from mingus.patience import Patience
from mingus.plaid.failures import PlaidFailure
from mingus.sealed import SecretKind
from mingus.vault import SecretGone
from mingus.vault import SecretUnreadable

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.db import Unit
    from mingus.jobs import Jobs
    from mingus.leaving.models import DepartureId
    from mingus.plaid.gateway import PlaidGateway
    from mingus.vault import TokenVault

CLAIM = dt.timedelta(minutes=2)
PATIENCE = Patience(first=dt.timedelta(minutes=1), longest=dt.timedelta(hours=6))
SWEEP_SIZE = 100


class DepartedItems:
    """Keeps what is needed to end an item, and nothing more."""

    def __init__(
        self, *, ambient: Ambient, jobs: Jobs, vault: TokenVault, gateway: PlaidGateway, environment: str
    ) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._vault = vault
        self._gateway = gateway
        self._environment = environment

    def keep(
        self, unit: Unit, token: str, *, departure_id: DepartureId | None, environment: str | None = None
    ) -> None:
        """Seal an access token for its last use in the caller's unit."""
        item_id = DepartedItemId(self._ambient.new_id("dep"))
        unit.session.add(
            DepartedItem(
                id=item_id,
                departure_id=departure_id,
                environment=environment or self._environment,
                secret_id=self._vault.seal(unit, SecretKind.ACCESS_TOKEN, item_id, token),
                next_try_at=self._ambient.now(),
            )
        )
        unit.after_commit(lambda: self._jobs.enqueue(JobKind.DEPARTED_ITEM, item_id=item_id))

    def finish(self, item_id: DepartedItemId) -> None:
        """Have Plaid end the item and forget it; put off when Plaid does not answer; safe to repeat."""
        row = self._claim(item_id)
        if row is None:
            return
        try:
            token = self._vault.open(row.secret_id, SecretKind.ACCESS_TOKEN, item_id)
            db.session.rollback()  # nothing stays open while Plaid is asked
            self._gateway.remove(token)
        except PlaidFailure as failure:
            self._put_off(item_id, failure)
        except SecretGone:
            return  # somebody else finished it
        except SecretUnreadable:
            self._put_off(item_id, PlaidFailure("INVALID_ACCESS_TOKEN"))
        else:
            self._forget(item_id)

    def due(self) -> list[str]:
        """Items whose end is still to be confirmed; those of other environments wait for theirs."""
        return list(
            db.session.scalars(
                select(DepartedItem.id)
                .where(
                    DepartedItem.environment == self._environment,
                    DepartedItem.next_try_at <= self._ambient.now(),
                )
                .order_by(DepartedItem.next_try_at)
                .limit(SWEEP_SIZE)
            )
        )

    def _claim(self, item_id: DepartedItemId) -> DepartedItem | None:
        now = self._ambient.now()
        with unit_of_work() as unit:
            claimed = unit.session.execute(
                update(DepartedItem)
                .where(
                    DepartedItem.id == item_id,
                    DepartedItem.environment == self._environment,
                    DepartedItem.next_try_at <= now,
                )
                .values(next_try_at=now + CLAIM, tries=DepartedItem.tries + 1)
            )
            if claimed.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
                return None
            return unit.lock_one(DepartedItem, item_id)

    def _put_off(self, item_id: DepartedItemId, failure: PlaidFailure) -> None:
        with unit_of_work() as unit:
            row = unit.lock(DepartedItem, item_id)
            if row is not None:
                row.next_try_at = self._ambient.now() + PATIENCE.after(row.tries, of=item_id)
                row.error_code = failure.error_code[:80]

    def _forget(self, item_id: DepartedItemId) -> None:
        with unit_of_work() as unit:
            row = unit.lock(DepartedItem, item_id)
            if row is not None:
                secret_id = row.secret_id
                unit.session.delete(row)
                unit.session.flush()  # the row must let go of the secret before it is deleted
                self._vault.destroy(unit, secret_id)
