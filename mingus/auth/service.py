"""AuthService: the only writer of people. Sign-up, passwords, addresses, roles."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from mingus.audit import AuditAction
from mingus.auth.failures import AddressTaken
from mingus.auth.failures import InvitationNeeded
from mingus.auth.failures import RegistrationClosed
from mingus.auth.failures import UnknownPerson
from mingus.auth.failures import WrongPassword
from mingus.auth.models import Role
from mingus.auth.models import TicketKind
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.auth.passwords import check_strength
from mingus.config import Registration
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import TooManyTries
from mingus.limits import Limit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mingus.ambient import Ambient
    from mingus.audit import AuditTrail
    from mingus.auth.apitokens import ApiTokens
    from mingus.auth.models import SessionId
    from mingus.auth.passwords import Passwords
    from mingus.auth.sessions import Keys
    from mingus.auth.sessions import SessionBook
    from mingus.auth.sessions import Visitor
    from mingus.auth.tickets import Tickets
    from mingus.db import Unit
    from mingus.limits import Limiter
    from mingus.mail import MailRoom

CONFIRM_LIMITS = (Limit(count=5, seconds=15), Limit(count=8, seconds=60), Limit(count=10, seconds=300))
MAIL_LIMIT = Limit(count=3, seconds=900)
NETWORK_MAIL_LIMIT = Limit(count=30, seconds=3600)


@contextmanager
def _one_person_per_address() -> Iterator[None]:
    """The unique index decides who of two at once gets an address; the other one gets AddressTaken."""
    try:
        yield
    except IntegrityError as err:
        raise AddressTaken from err


class AuthService:
    """People's accounts. Every verb is one unit of work; answers never tell whether an address is known."""

    def __init__(
        self,
        *,
        ambient: Ambient,
        passwords: Passwords,
        sessions: SessionBook,
        api_tokens: ApiTokens,
        tickets: Tickets,
        mail: MailRoom,
        limiter: Limiter,
        trail: AuditTrail,
        registration: Registration,
    ) -> None:
        self._ambient = ambient
        self._passwords = passwords
        self._sessions = sessions
        self._api_tokens = api_tokens
        self._tickets = tickets
        self._mail = mail
        self._limiter = limiter
        self._trail = trail
        self._registration = registration

    # sign-up

    def check_may_register(self, invitation: str) -> str | None:
        """The invited address, or None when anyone may sign up; raises what a visitor may read."""
        if self._registration is Registration.CLOSED:
            raise RegistrationClosed
        if self._registration is Registration.OPEN and not invitation:
            return None
        if not invitation:
            raise InvitationNeeded
        return self._tickets.find(TicketKind.INVITATION, invitation).email

    def request_registration(
        self, *, email: str, display_name: str, password: str, invitation: str, locale: str, network: str
    ) -> None:
        """Mail a confirmation link; the person exists once it is opened. Raises WeakPassword, TooManyTries."""
        invited = self.check_may_register(invitation)
        check_strength(password, about=(email, display_name))
        self._limiter.spend("register", network, NETWORK_MAIL_LIMIT)
        password_hash = self._passwords.hash(password)
        if (invited is not None and invited != email) or not self._may_mail(email):
            return  # the answer is the same; no mail leaves
        with unit_of_work() as unit:
            self._tickets.ask(
                unit,
                TicketKind.REGISTRATION,
                email,
                display_name=display_name,
                password_hash=password_hash,
                invitation=invitation,
                locale=locale,
            )

    def confirm_registration(self, token: str) -> None:
        """Make the person of a confirmation link; raises TicketRefused, also for the second of two at once."""
        with _one_person_per_address(), unit_of_work() as unit:
            ticket = self._tickets.burn_with_all(unit, TicketKind.REGISTRATION, token)
            if ticket.details["invitation"]:
                self._tickets.burn(unit, TicketKind.INVITATION, ticket.details["invitation"])
            user = self._new_user(
                email=ticket.email,
                display_name=ticket.details["display_name"],
                password_hash=ticket.details["password_hash"],
                locale=ticket.details["locale"],
            )
            unit.session.add(user)
            self._trail.record(unit, AuditAction.REGISTERED, actor=user.id, subject=user.id)

    def invite(self, email: str, *, by: UserId | None = None) -> None:
        """Mail an invitation to sign up."""
        with unit_of_work() as unit:
            self._tickets.ask(unit, TicketKind.INVITATION, email)
            self._trail.record(unit, AuditAction.INVITED, actor=by, subject=None)

    # passwords

    def confirm_password(self, visitor: Visitor, password: str) -> None:
        """Raise WrongPassword unless it is the person's, TooManyTries after too many wrong ones."""
        self._limiter.spend("confirm", visitor.id, *CONFIRM_LIMITS)
        known_hash = db.session.scalar(select(User.password_hash).where(User.id == visitor.id))
        if not self._passwords.matches(known_hash, password):
            self._trail.note(AuditAction.CONFIRMATION_FAILED, actor=visitor.id, subject=visitor.id)
            raise WrongPassword
        self._limiter.forgive("confirm", visitor.id, *CONFIRM_LIMITS)

    def request_reset(self, *, email: str, network: str) -> None:
        """Mail a reset link if the address is known; takes as long if it isn't."""
        self._limiter.spend("reset", network, NETWORK_MAIL_LIMIT)
        if self._may_mail(email):
            with unit_of_work() as unit:
                self._tickets.ask(unit, TicketKind.RESET, email)
                known = unit.session.scalar(select(User.id).where(User.email == email))
                self._trail.record(unit, AuditAction.RESET_ASKED, actor=None, subject=known)

    def check_reset(self, token: str) -> None:
        """Raise TicketRefused unless the link still works."""
        self._tickets.find(TicketKind.RESET, token)

    def reset_password(self, token: str, password: str) -> None:
        """Set a new password by a mailed link, and end every session and token of the person."""
        self._check_new_password(self._tickets.find(TicketKind.RESET, token).email, password)
        password_hash = self._passwords.hash(password)
        with unit_of_work() as unit:
            ticket = self._tickets.burn_with_all(unit, TicketKind.RESET, token)
            user = self._person(unit.lock(User, ticket.user_id or ""))
            user.password_hash, user.password_changed_at = password_hash, self._ambient.now()
            self._sessions.end_others(unit, user.id, keep=None)
            self._api_tokens.revoke_all(unit, user.id)
            self._trail.record(unit, AuditAction.PASSWORD_RESET, actor=None, subject=user.id)
            self._mail.write(
                unit, "password_changed", user.email, name=user.display_name, at=self._ambient.now()
            )

    def change_password(
        self, visitor: Visitor, *, current: str, password: str, agent: str, address: str
    ) -> Keys:
        """Set a new password, end every session and token, and open a fresh session for this browser."""
        self.confirm_password(visitor, current)
        self._check_new_password(visitor.email, password, visitor.display_name)
        password_hash = self._passwords.hash(password)
        with unit_of_work() as unit:
            user = unit.lock_one(User, visitor.id)
            user.password_hash, user.password_changed_at = password_hash, self._ambient.now()
            zone = self._sessions.zone_of(visitor.session_id)
            self._sessions.end_others(unit, user.id, keep=None)
            self._api_tokens.revoke_all(unit, user.id)
            self._tell(unit, AuditAction.PASSWORD_CHANGED, user.id)
            self._mail.write(
                unit, "password_changed", user.email, name=user.display_name, at=self._ambient.now()
            )
            return self._sessions.open(
                unit,
                user.id,
                remembered=False,
                agent=agent,
                address=address,
                zone=zone,
                goes_on=True,
            )

    # profile and sessions

    def hide_amounts(self, user_id: UserId, *, hidden: bool) -> None:
        """Whether pages blur this person's amounts, on every device."""
        with unit_of_work() as unit:
            unit.lock_one(User, user_id).hides_amounts = hidden

    def update_profile(
        self, user_id: UserId, *, display_name: str, time_zone: str, locale: str, currency: str, theme: str
    ) -> None:
        with unit_of_work() as unit:
            user = unit.lock_one(User, user_id)
            user.display_name, user.time_zone, user.locale = display_name, time_zone, locale
            user.currency, user.theme = currency, theme

    def request_email_change(self, visitor: Visitor, *, email: str) -> None:
        """Mail a confirmation link to the new address; that it is the person was asked at the door."""
        if self._may_mail(email):
            with unit_of_work() as unit:
                self._tickets.ask(unit, TicketKind.EMAIL_CHANGE, email, owner=visitor.id)
                self._tell(unit, AuditAction.EMAIL_CHANGE_ASKED, visitor.id)

    def confirm_email_change(self, visitor: Visitor, token: str) -> None:
        """Move the person to the new address; the link works only for the one who asked."""
        with _one_person_per_address(), unit_of_work() as unit:
            ticket = self._tickets.burn(unit, TicketKind.EMAIL_CHANGE, token)
            if ticket.details["owner"] != visitor.id:
                raise UnknownPerson
            user = unit.lock_one(User, visitor.id)
            old, user.email = user.email, ticket.email
            self._tell(unit, AuditAction.EMAIL_CHANGED, user.id)
            self._mail.write(unit, "email_changed", old, name=user.display_name, at=self._ambient.now())

    def end_session(self, visitor: Visitor, session_id: SessionId) -> bool:
        """Sign out here or elsewhere; False when the person has no such session."""
        own = session_id == visitor.session_id
        with unit_of_work() as unit:
            if not self._sessions.end(unit, visitor.id, session_id):
                return False
            self._tell(unit, AuditAction.SIGNED_OUT if own else AuditAction.SESSION_ENDED, visitor.id)
            return True

    def end_other_sessions(self, visitor: Visitor) -> None:
        with unit_of_work() as unit:
            self._sessions.end_others(unit, visitor.id, keep=visitor.session_id)
            self._tell(unit, AuditAction.SESSIONS_ENDED, visitor.id)

    # the operator's verbs

    def create(self, *, email: str, display_name: str, password: str, role: Role) -> UserId:
        """A person without a mailed link, as the operator wishes; raises AddressTaken or WeakPassword."""
        check_strength(password, about=(email, display_name))
        password_hash = self._passwords.hash(password)
        with _one_person_per_address(), unit_of_work() as unit:
            user = self._new_user(
                email=email, display_name=display_name, password_hash=password_hash, locale="en"
            )
            user.role = role.value
            unit.session.add(user)
            self._trail.record(unit, AuditAction.REGISTERED, actor=None, subject=user.id, role=role.value)
            return user.id

    def set_role(self, email: str, role: Role, *, by: UserId | None = None) -> None:
        """Change what a person may do; `by` is the admin who asked, nobody for the operator's command.

        Who becomes an admin signs in anew; what is taken away is gone with the next request.
        """
        with unit_of_work() as unit:
            user = self._person(unit.session.scalar(select(User).where(User.email == email)))
            user.role = role.value
            if role is Role.ADMIN:
                # what a session was before it could do this must not be able to
                self._sessions.end_others(unit, user.id, keep=None)
            self._trail.record(unit, AuditAction.ROLE_CHANGED, actor=by, subject=user.id, role=role.value)

    def disable(self, email: str, *, by: UserId | None = None) -> None:
        """Shut a person out: every session ends with this."""
        with unit_of_work() as unit:
            user = self._person(unit.session.scalar(select(User).where(User.email == email)))
            user.disabled_at = self._ambient.now()
            self._sessions.end_others(unit, user.id, keep=None)
            self._trail.record(unit, AuditAction.DISABLED, actor=by, subject=user.id)

    def end_all_sessions(self, user_id: UserId, *, by: UserId) -> None:
        """Sign a person out everywhere; they may come back at once."""
        with unit_of_work() as unit:
            self._sessions.end_others(unit, user_id, keep=None)
            self._trail.record(unit, AuditAction.SESSIONS_ENDED, actor=by, subject=user_id)

    def enable(self, email: str, *, by: UserId | None = None) -> None:
        with unit_of_work() as unit:
            user = self._person(unit.session.scalar(select(User).where(User.email == email)))
            user.disabled_at = None
            self._trail.record(unit, AuditAction.ENABLED, actor=by, subject=user.id)

    def _tell(self, unit: Unit, action: AuditAction, user_id: UserId) -> None:
        """Record what a person did with their own account."""
        self._trail.record(unit, action, actor=user_id, subject=user_id)

    def _person(self, user: User | None) -> User:
        if user is None:
            raise UnknownPerson
        return user

    def _new_user(self, *, email: str, display_name: str, password_hash: str, locale: str) -> User:
        now = self._ambient.now()
        return User(
            id=UserId(self._ambient.new_id("usr")),
            email=email,
            display_name=display_name,
            password_hash=password_hash,
            password_changed_at=now,
            role=Role.MEMBER.value,
            locale=locale,
            created_at=now,
        )

    def _check_new_password(self, email: str, password: str, display_name: str = "") -> None:
        check_strength(password, about=(email, display_name))

    def _may_mail(self, email: str) -> bool:
        """False when that address got enough mail lately; nobody is told, or they would learn it is known."""
        try:
            self._limiter.spend("mail", email, MAIL_LIMIT)
        except TooManyTries:
            return False
        return True
