"""The last step of linking: an exchanged item becomes a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mingus.audit import AuditAction
from mingus.db import db
from mingus.db import unit_of_work
from mingus.jobs import JobKind
from mingus.plaid.connections import note_item
from mingus.plaid.failures import PlaidFailure
from mingus.plaid.gateway import About
from mingus.plaid.ledger import Trigger
from mingus.plaid.linkjournal import SETTLE_AFTER
from mingus.plaid.linkstates import LinkState
from mingus.plaid.linkstates import Stuck
from mingus.plaid.models import ConnectionId
from mingus.plaid.models import LinkSession
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from mingus.sealed import SecretKind
from mingus.vault import SecretGone

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.audit import AuditTrail
    from mingus.db import Unit
    from mingus.jobs import Jobs
    from mingus.plaid import wire
    from mingus.plaid.connections import Connections
    from mingus.plaid.gateway import PlaidGateway
    from mingus.plaid.institutions import Institutions
    from mingus.plaid.leases import Leases
    from mingus.plaid.linkjournal import LinkJournal
    from mingus.vault import TokenVault


class Settling:
    """Makes connections of exchanged sessions."""

    def __init__(
        self,
        *,
        ambient: Ambient,
        jobs: Jobs,
        vault: TokenVault,
        gateway: PlaidGateway,
        connections: Connections,
        institutions: Institutions,
        journal: LinkJournal,
        leases: Leases,
        trail: AuditTrail,
        environment: str,
    ) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._vault = vault
        self._gateway = gateway
        self._connections = connections
        self._institutions = institutions
        self._journal = journal
        self._leases = leases
        self._trail = trail
        self._environment = environment

    def settle(self, session: LinkSession) -> None:
        """Make the connection of an exchanged item; what can't be read now is read by the next check."""
        if session.access_secret_id is None or session.plaid_item_id is None:
            raise Stuck
        try:
            token = self._vault.open(session.access_secret_id, SecretKind.ACCESS_TOKEN, session.id)
        except SecretGone:
            db.session.rollback()  # the next look is at the row anew
            if session.state != LinkState.EXCHANGED:
                return  # somebody else was faster
            raise
        db.session.rollback()
        item, accounts = self._first_read(token)
        institution_id = item.item.institution_id if item else session.plaid_institution_id
        name = self._institutions.name_of(institution_id) or session.institution_name or "Your bank"
        with unit_of_work() as unit:
            row = unit.lock_one(LinkSession, session.id)
            if row.state != LinkState.EXCHANGED:
                return  # somebody else was faster
            connection = self._new_connection(unit, row, institution_id, name, token)
            if item is not None:
                note_item(connection, item)
            if accounts is not None:
                self._connections.write_accounts(unit, connection, accounts.accounts)
                connection.last_good_at = connection.last_checked_at = self._ambient.now()
            after = ConnectionState.LINKING if accounts is None else ConnectionState.IMPORTING
            self._connections.move(unit, connection, after, cause="connected")
            row.connection_id = connection.id
            self._journal.forget(unit, row, "access_secret_id")
            self._journal.forget(unit, row, "link_secret_id")
            self._journal.step(row, LinkState.CONNECTED, look_in=None)
            self._leases.wish(unit, connection, Trigger.CONNECTED)
            self._trail.record(
                unit,
                AuditAction.BANK_CONNECTED,
                actor=row.user_id,
                subject=row.user_id,
                target=connection.id,
                bank=connection.institution_name,
            )
            unit.after_commit(lambda: self._jobs.enqueue(JobKind.SYNC, connection_id=connection.id))

    def _first_read(self, token: str) -> tuple[wire.ItemAnswer | None, wire.AccountsAnswer | None]:
        try:
            return self._gateway.item(token, About()), self._gateway.accounts(token, About())
        except PlaidFailure:
            return None, None

    def _new_connection(
        self, unit: Unit, session: LinkSession, institution_id: str | None, name: str, token: str
    ) -> PlaidConnection:
        now = self._ambient.now()
        connection_id = ConnectionId(self._ambient.new_id("con"))
        connection = PlaidConnection(
            id=connection_id,
            user_id=session.user_id,
            environment=self._environment,
            plaid_item_id=session.plaid_item_id or "",
            plaid_institution_id=institution_id,
            institution_name=name[:200],
            secret_id=self._vault.seal(unit, SecretKind.ACCESS_TOKEN, connection_id, token),
            state=ConnectionState.LINKING.value,
            state_since=now,
            new_accounts=False,
            products=[],
            created_at=now,
            next_check_at=now + SETTLE_AFTER,
            failures=0,
            sync_cursor="",
            wanted_seq=0,
            done_seq=0,
            fence=0,
            keep_history=True,
        )
        unit.session.add(connection)
        unit.session.flush()  # accounts and changes name it
        return connection
