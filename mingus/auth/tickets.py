"""One-time links: asked for in a request, mailed by the worker, used once.

A request only leaves a row, the same row whether the address is known or not, so that neither its answer
nor its duration tells. What the mail says is decided afterwards, by the worker.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import delete
from sqlalchemy import select
from sqlalchemy import update

from mingus.auth.failures import TicketRefused
from mingus.auth.models import AuthTicket
from mingus.auth.models import TicketKind
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.auth.sessions import hash_token
from mingus.db import Unit
from mingus.db import db
from mingus.db import unit_of_work
from mingus.jobs import JobKind

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.jobs import Jobs
    from mingus.mail import MailRoom

LIFETIMES = {
    TicketKind.REGISTRATION: dt.timedelta(hours=24),
    TicketKind.RESET: dt.timedelta(minutes=30),
    TicketKind.EMAIL_CHANGE: dt.timedelta(hours=24),
    TicketKind.INVITATION: dt.timedelta(days=14),
}
PATHS = {
    TicketKind.REGISTRATION: "/verify/",
    TicketKind.RESET: "/reset/",
    TicketKind.EMAIL_CHANGE: "/settings/email/",
    TicketKind.INVITATION: "/register?invitation=",
}
SWEEP_SIZE = 50
KEPT_AFTER_EXPIRY = dt.timedelta(days=1)


class Tickets:
    """Asks for, mails, finds and burns one-time links."""

    def __init__(self, *, ambient: Ambient, jobs: Jobs, mail: MailRoom, base_url: str) -> None:
        self._ambient = ambient
        self._jobs = jobs
        self._mail = mail
        self._base_url = base_url

    def ask(
        self, unit: Unit, kind: TicketKind, email: str, *, user_id: UserId | None = None, **details: Any
    ) -> None:
        """Leave a request for a link in the caller's unit; the worker mails it."""
        now = self._ambient.now()
        ticket = AuthTicket(
            id=self._ambient.new_id("tkt"),
            kind=kind.value,
            email=email,
            user_id=user_id,
            details=details,
            created_at=now,
            expires_at=now + LIFETIMES[kind],
        )
        unit.session.add(ticket)
        unit.after_commit(lambda: self._jobs.enqueue(JobKind.TICKET, ticket_id=ticket.id))

    def answer(self, ticket_id: str) -> None:
        """Mail what the request deserves; a second nudge finds nothing to do."""
        now, token = self._ambient.now(), self._ambient.token()
        with unit_of_work() as unit:
            taken = unit.session.execute(
                update(AuthTicket)
                .where(
                    AuthTicket.id == ticket_id, AuthTicket.answered_at.is_(None), AuthTicket.expires_at > now
                )
                .values(answered_at=now)
            )
            if taken.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
                return
            ticket = unit.lock_one(AuthTicket, ticket_id)
            known = unit.session.scalar(select(User).where(User.email == ticket.email))
            self._write(unit, ticket, known, token)

    def unanswered(self) -> list[str]:
        """Requests whose nudge was lost; what the sweep asks for."""
        waiting = AuthTicket.answered_at.is_(None) & (AuthTicket.expires_at > self._ambient.now())
        return list(
            db.session.scalars(select(AuthTicket.id).where(waiting).order_by(AuthTicket.id).limit(SWEEP_SIZE))
        )

    def find(self, kind: TicketKind, token: str) -> AuthTicket:
        """The unused ticket behind a link; raises TicketRefused."""
        ticket = db.session.scalar(
            select(AuthTicket).where(
                AuthTicket.token_hash == hash_token(token),
                AuthTicket.kind == kind.value,
                AuthTicket.used_at.is_(None),
                AuthTicket.expires_at > self._ambient.now(),
            )
        )
        if ticket is None:
            raise TicketRefused
        return ticket

    def burn(self, unit: Unit, kind: TicketKind, token: str) -> AuthTicket:
        """Use the link up in the caller's unit; of two at once one gets it, the other TicketRefused."""
        ticket = self.find(kind, token)
        now = self._ambient.now()
        burned = unit.session.execute(
            update(AuthTicket)
            .where(AuthTicket.id == ticket.id, AuthTicket.used_at.is_(None))
            .values(used_at=now)
        )
        if burned.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
            raise TicketRefused
        return ticket

    def burn_with_all(self, unit: Unit, kind: TicketKind, token: str) -> AuthTicket:
        """As `burn`, and with it every other open link of its kind to the same address.

        They are locked in one order, so that two of them used at once wait for each other and not both for ever.
        """
        ticket = self.find(kind, token)
        alike = select(AuthTicket).where(
            AuthTicket.kind == kind.value, AuthTicket.email == ticket.email, AuthTicket.used_at.is_(None)
        )
        found = unit.session.scalars(alike.order_by(AuthTicket.id).with_for_update()).all()
        if ticket not in found:
            raise TicketRefused
        for one in found:
            one.used_at = self._ambient.now()
        return ticket

    def forget_expired(self) -> None:
        with unit_of_work() as unit:
            old = self._ambient.now() - KEPT_AFTER_EXPIRY
            unit.session.execute(delete(AuthTicket).where(AuthTicket.expires_at < old))

    def _write(self, unit: Unit, ticket: AuthTicket, known: User | None, token: str) -> None:
        kind = TicketKind(ticket.kind)
        if kind is TicketKind.RESET and known is None:
            return  # nobody to mail; the request took as long as any
        if kind is not TicketKind.RESET and known is not None:
            self._mail.write(
                unit, "address_taken", ticket.email, name=known.display_name, base_url=self._base_url
            )
            return
        ticket.token_hash = hash_token(token)
        if known is not None:
            ticket.user_id = known.id
        name = known.display_name if known is not None else ticket.details.get("display_name", "")
        url = f"{self._base_url}{PATHS[kind]}{token}"
        self._mail.write(
            unit,
            kind.value,
            ticket.email,
            locale=self._locale(unit, ticket),
            name=name,
            url=url,
            expires_at=ticket.expires_at,
        )

    def _locale(self, unit: Unit, ticket: AuthTicket) -> str | None:
        """What is known of the reader of a mail to an address that is nobody's yet."""
        owner = unit.session.get(User, ticket.details.get("owner", ""))
        return owner.locale if owner is not None else ticket.details.get("locale")
