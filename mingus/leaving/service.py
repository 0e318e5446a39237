"""Deleting everything of a person: shut out at once, items ended at Plaid, every row gone, a receipt without a name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import delete
from sqlalchemy import func
from sqlalchemy import or_
from sqlalchemy import select
from sqlalchemy import update

from mingus.audit import AuditAction
from mingus.auth.factor_models import AppFactor
from mingus.auth.failures import UnknownPerson
from mingus.auth.models import ApiToken
from mingus.auth.models import AuthSession
from mingus.auth.models import AuthTicket
from mingus.auth.models import TicketKind
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.auth.sessions import hash_token
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.jobs import JobKind
from mingus.leaving.models import DepartedItem
from mingus.leaving.models import Departure
from mingus.leaving.models import DepartureId
from mingus.plaid.ledger import PlaidSyncLog
from mingus.plaid.ledger import PlaidTransaction
from mingus.plaid.models import LinkSession
from mingus.plaid.models import OutgoingBucket
from mingus.plaid.models import PlaidCall
from mingus.plaid.models import PlaidConnection
from mingus.plaid.states import ConnectionState
from mingus.sealed import SecretKind
from mingus.sealed import VaultSecret
from mingus.vault import SecretUnreadable
from mingus.webhooks.models import WebhookEvent

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.audit import AuditTrail
    from mingus.db import Unit
    from mingus.jobs import Jobs
    from mingus.leaving.items import DepartedItems
    from mingus.mail import MailRoom
    from mingus.sealed import SecretId
    from mingus.vault import TokenVault

BATCH = 2000
CLAIM = dt.timedelta(minutes=5)
KEPT = dt.timedelta(days=365)  # for how long a receipt can be shown
MANY = (PlaidTransaction, PlaidSyncLog)  # so many that they go in parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """How far a deletion is; nothing here tells whose it was."""

    id: DepartureId
    asked_at: dt.datetime
    done_at: dt.datetime | None
    rows: int
    items: int
    items_left: int


class Leaving:
    """Deletes people."""

    def __init__(
        self,
        *,
        ambient: Ambient,
        jobs: Jobs,
        vault: TokenVault,
        mail: MailRoom,
        trail: AuditTrail,
        items: DepartedItems,
    ) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._vault = vault
        self._mail = mail
        self._trail = trail
        self._items = items

    def leave(self, user_id: UserId, *, by: UserId | None) -> str:
        """Shut the person out and begin to delete everything; the receipt's token. Asked for twice it
        is one departure with a new receipt.

        After this unit nothing of theirs opens any more: no session, no token, no link, no sync. The rows go
        by a worker, which takes as long as they are many.
        """
        now, receipt = self._ambient.now(), self._ambient.token()
        departure_id = DepartureId(self._ambient.new_id("lvg"))
        with unit_of_work() as unit:
            user = unit.lock(User, user_id)
            if user is None:
                raise UnknownPerson
            begun = unit.session.scalar(select(Departure).where(Departure.user_id == user_id))
            if begun is not None:
                begun.receipt_hash = hash_token(receipt)
                return receipt
            user.disabled_at = now
            self._shut_out(unit, user)
            departure = Departure(
                id=departure_id,
                receipt_hash=hash_token(receipt),
                user_id=user_id,
                items=0,
                rows=0,
                asked_at=now,
                next_try_at=now,
            )
            unit.session.add(departure)
            unit.session.flush()  # the items name it
            departure.items = self._take_items(unit, user_id, departure_id)
            self._trail.record(
                unit, AuditAction.LEFT, actor=by, subject=None, target=departure_id, items=departure.items
            )
            unit.after_commit(lambda: self._jobs.enqueue(JobKind.DEPARTURE, departure_id=departure_id))
        return receipt

    def leave_by_address(self, email: str) -> str:
        """The operator's way; raises UnknownPerson."""
        user_id = db.session.scalar(select(User.id).where(User.email == email))
        if user_id is None:
            raise UnknownPerson
        return self.leave(user_id, by=None)

    def finish(self, departure_id: DepartureId) -> None:
        """Delete the rows of somebody who left; what stopped half-way goes on with what is left."""
        user_id = self._claim(departure_id)
        if user_id is None:
            return
        rows = sum(self._delete_many(model, user_id) for model in MANY)
        with unit_of_work() as unit:
            departure = unit.lock(Departure, departure_id)
            user = unit.lock(User, user_id)
            if departure is None or departure.user_id != user_id:
                return  # somebody else finished it
            if user is not None:
                rows += self._delete_rest(unit, user)
            self._trail.blank(unit, user_id)
            departure.user_id, departure.next_try_at = None, None
            departure.rows, departure.done_at = departure.rows + rows, self._ambient.now()

    def due(self) -> list[str]:
        """Deletions whose nudge was lost or whose worker died; what the sweep asks for."""
        return list(
            db.session.scalars(select(Departure.id).where(Departure.next_try_at <= self._ambient.now()))
        )

    def receipt(self, token: str) -> Receipt:
        """How far the deletion is whose receipt this is; raises NotFound."""
        row = db.session.scalar(select(Departure).where(Departure.receipt_hash == hash_token(token)))
        if row is None:
            raise NotFound
        left = db.session.scalar(select(func.count()).where(DepartedItem.departure_id == row.id)) or 0
        return Receipt(
            id=row.id,
            asked_at=row.asked_at,
            done_at=row.done_at,
            rows=row.rows,
            items=row.items,
            items_left=left,
        )

    def forget_old(self) -> None:
        """Receipts of long ago, once every item is ended."""
        open_ones = select(DepartedItem.departure_id).where(DepartedItem.departure_id.is_not(None))
        with unit_of_work() as unit:
            old = Departure.done_at < self._ambient.now() - KEPT
            unit.session.execute(delete(Departure).where(old, Departure.id.not_in(open_ones)))

    # at once

    def _shut_out(self, unit: Unit, user: User) -> None:
        for model in (AuthSession, ApiToken):
            unit.session.execute(delete(model).where(model.user_id == user.id))
        pending = select(AuthTicket).where(AuthTicket.kind == TicketKind.EMAIL_CHANGE.value)
        for ticket in unit.session.scalars(pending):
            if ticket.details.get("owner") == user.id:
                self._mail.forget(unit, ticket.email, purpose=TicketKind.EMAIL_CHANGE.value)
                unit.session.delete(ticket)
        unit.session.execute(
            delete(AuthTicket).where(or_(AuthTicket.user_id == user.id, AuthTicket.email == user.email))
        )
        self._mail.forget(unit, user.email)

    def _take_items(self, unit: Unit, user_id: UserId, departure_id: DepartureId) -> int:
        """Every access token of theirs is sealed once more for its last use; running syncs lose their lease."""
        count = 0
        connections = unit.session.scalars(
            select(PlaidConnection).where(PlaidConnection.user_id == user_id).with_for_update()
        ).all()
        for connection in connections:
            secret_id, connection.secret_id = connection.secret_id, None
            connection.fence += 1
            connection.done_seq, connection.next_check_at = connection.wanted_seq, None
            connection.state = ConnectionState.REMOVED.value
            count += self._take(unit, secret_id, connection.id, connection.environment, departure_id)
        links = unit.session.scalars(
            select(LinkSession).where(LinkSession.user_id == user_id).with_for_update()
        ).all()
        for link in links:
            secret_id, link.access_secret_id = link.access_secret_id, None
            link.next_look_at = None
            count += self._take(unit, secret_id, link.id, link.environment, departure_id)
        return count

    def _take(
        self,
        unit: Unit,
        secret_id: SecretId | None,
        owner_id: str,
        environment: str,
        departure_id: DepartureId,
    ) -> int:
        if secret_id is None:
            return 0
        try:
            token = self._vault.open(secret_id, SecretKind.ACCESS_TOKEN, owner_id)
        except SecretUnreadable:
            return 0  # a damaged token ends nothing; the admin page listed it while it was there
        self._items.keep(unit, token, departure_id=departure_id, environment=environment)
        unit.session.flush()  # the row must let go of the secret before it is deleted
        self._vault.destroy(unit, secret_id)
        return 1

    # by the worker

    def _claim(self, departure_id: DepartureId) -> UserId | None:
        now = self._ambient.now()
        with unit_of_work() as unit:
            claimed = unit.session.execute(
                update(Departure)
                .where(Departure.id == departure_id, Departure.next_try_at <= now)
                .values(next_try_at=now + CLAIM)
            )
            if claimed.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
                return None
            return unit.session.scalar(select(Departure.user_id).where(Departure.id == departure_id))

    def _delete_many(self, model: Any, user_id: UserId) -> int:
        """Rows in parts that hold no lock for long; what hangs on them goes along by its keys."""
        total, old = 0, select(model.id).where(model.user_id == user_id).limit(BATCH)
        while ids := db.session.scalars(old).all():
            with unit_of_work() as unit:
                unit.session.execute(delete(model).where(model.id.in_(ids)))
            total += len(ids)
        return total

    def _delete_rest(self, unit: Unit, user: User) -> int:
        """What no key ties to the person first, then the person with all that hangs on them."""
        connections = unit.session.execute(
            select(PlaidConnection.id, PlaidConnection.plaid_item_id).where(
                PlaidConnection.user_id == user.id
            )
        ).all()
        ids, items = [row.id for row in connections], [row.plaid_item_id for row in connections]
        links = unit.session.scalars(select(LinkSession.id).where(LinkSession.user_id == user.id)).all()
        unit.session.execute(delete(PlaidCall).where(PlaidCall.connection_id.in_(ids)))
        unit.session.execute(
            delete(WebhookEvent).where(
                or_(WebhookEvent.connection_id.in_(ids), WebhookEvent.plaid_item_id.in_(items))
            )
        )
        unit.session.execute(
            delete(OutgoingBucket).where(OutgoingBucket.key.in_([f"item {one}" for one in ids]))
        )
        self._mail.forget(unit, user.email)
        unit.session.execute(delete(AuthTicket).where(AuthTicket.email == user.email))
        unit.session.execute(delete(AppFactor).where(AppFactor.user_id == user.id))
        unit.session.execute(delete(User).where(User.id == user.id))
        unit.session.execute(delete(VaultSecret).where(VaultSecret.owner_id.in_([*ids, *links, user.id])))
        return 1 + len(ids)
