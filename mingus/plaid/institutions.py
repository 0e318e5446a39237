"""Banks: looked up once, kept, looked up again now and then; a failing look-up never stops anything."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import func
from sqlalchemy import select

from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import PlaidAccount
from mingus.plaid.models import PlaidConnection
from mingus.plaid.models import PlaidInstitution
from mingus.plaid.states import ENDED
from mingus.plaid.wire import clean

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.auth.models import UserId
    from mingus.plaid.gateway import PlaidGateway
    from mingus.plaid.wire import WireInstitution

KEPT_FOR = dt.timedelta(days=30)
REFRESHED_AT_ONCE = 50
LARGEST_LOGO = 100_000


class Institutions:
    """The stored banks."""

    def __init__(self, *, ambient: Ambient, gateway: PlaidGateway) -> None:
        self._ambient = ambient
        self._gateway = gateway

    def name_of(self, institution_id: str | None) -> str | None:
        """The bank's name, asked of Plaid when it is unknown or old; None when nobody knows."""
        if institution_id is None:
            return None
        known = db.session.get(PlaidInstitution, institution_id)
        if known is not None and self._ambient.now() - known.fetched_at < KEPT_FOR:
            return known.name
        db.session.rollback()  # nothing stays open while Plaid is asked
        try:
            found = self._gateway.institution(institution_id)
        except PlaidFailure:
            return known.name if known is not None else None
        self.keep([found])
        return clean(found.name)

    def refresh_old(self) -> None:
        """Read anew what is a month old about banks in use; ends early when Plaid does not answer."""
        before = self._ambient.now() - KEPT_FOR
        used = select(PlaidConnection.plaid_institution_id).where(
            PlaidConnection.state.not_in({state.value for state in ENDED})
        )
        old = db.session.scalars(
            select(PlaidInstitution.plaid_institution_id)
            .where(PlaidInstitution.fetched_at < before, PlaidInstitution.plaid_institution_id.in_(used))
            .order_by(PlaidInstitution.fetched_at)
            .limit(REFRESHED_AT_ONCE)
        ).all()
        db.session.rollback()  # nothing stays open while Plaid is asked
        for institution_id in old:
            try:
                self.keep([self._gateway.institution(institution_id)])
            except PlaidFailure as failure:
                if failure.retryable:
                    return
                self._keep_as_it_is(institution_id)

    def _keep_as_it_is(self, institution_id: str) -> None:
        """Plaid no longer tells of this bank: what is known stays for another month."""
        with unit_of_work() as unit:
            unit.lock_one(PlaidInstitution, institution_id).fetched_at = self._ambient.now()

    def search(self, query: str) -> list[WireInstitution]:
        """Banks whose name fits, by Plaid's own search."""
        found = self._gateway.search_institutions(query)
        self.keep(found)
        return found

    def keep(self, found: list[WireInstitution]) -> None:
        """Store what Plaid told of banks; what failures were counted of them stays."""
        now = self._ambient.now()
        rows: list[dict[str, Any]] = [
            {
                "plaid_institution_id": bank.institution_id[:64],
                "name": clean(bank.name),
                "url": clean(bank.url, 500) or None,
                "primary_color": clean(bank.primary_color, 16) or None,
                "logo": bank.logo if bank.logo and len(bank.logo) <= LARGEST_LOGO else None,
                "oauth": bank.oauth,
                "products": bank.products,
                "fetched_at": now,
                "trouble_count": 0,
            }
            for bank in found
        ]
        with unit_of_work() as unit:
            upsert(unit.session, PlaidInstitution, rows, key=["plaid_institution_id"], keep=["trouble_count"])

    def connection_with(
        self, user_id: UserId, environment: str, institution_id: str | None, shown: list[dict[str, Any]]
    ) -> ConnectionId | None:
        """The person's living connection at that bank which has one of these accounts already."""
        if institution_id is None:
            return None
        rows = db.session.execute(
            select(PlaidAccount.connection_id, PlaidAccount.name, PlaidAccount.mask)
            .join(PlaidConnection, PlaidConnection.id == PlaidAccount.connection_id)
            .where(
                PlaidConnection.user_id == user_id,
                PlaidConnection.environment == environment,
                PlaidConnection.plaid_institution_id == institution_id,
                PlaidConnection.state.not_in({state.value for state in ENDED}),
                PlaidAccount.closed_at.is_(None),
            )
        ).all()
        wanted = {(account.get("name"), account.get("mask")) for account in shown}
        return next((row.connection_id for row in rows if (row.name, row.mask) in wanted), None)

    def accounts_count(self, connection_id: ConnectionId) -> int:
        return int(
            db.session.scalar(
                select(func.count())
                .select_from(PlaidAccount)
                .where(PlaidAccount.connection_id == connection_id, PlaidAccount.closed_at.is_(None))
            )
            or 0
        )
