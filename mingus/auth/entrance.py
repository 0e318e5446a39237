"""The ways in: password, second factor, passkey, and confirming once more that it is still the same person.

A password alone opens a half session when the person has a second factor: it admits to nothing but the question for
the factor, and is replaced by a whole one, with a new token, once that is answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from sqlalchemy import select
from sqlalchemy import update

from mingus.audit import AuditAction
from mingus.auth.factor_models import ChallengePurpose
from mingus.auth.failures import HalfSessionOver
from mingus.auth.failures import WrongCode
from mingus.auth.failures import WrongCredentials
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.db import db
from mingus.db import unit_of_work
from mingus.limits import Limit

if TYPE_CHECKING:
    from mingus.audit import AuditTrail
    from mingus.auth.factors import Factors
    from mingus.auth.passkeys import Passkeys
    from mingus.auth.passwords import Passwords
    from mingus.auth.service import AuthService
    from mingus.auth.sessions import Devices
    from mingus.auth.sessions import Keys
    from mingus.auth.sessions import SessionBook
    from mingus.auth.sessions import Visitor
    from mingus.limits import Limiter

# a growing delay: each wider window lets fewer wrong passwords a second through
ACCOUNT_LIMITS = (Limit(count=5, seconds=15), Limit(count=8, seconds=60), Limit(count=10, seconds=300))
NETWORK_LIMIT = Limit(count=100, seconds=300)
QUESTION_LIMIT = Limit(count=60, seconds=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is at the door: what the browser says of itself, and what it proves of earlier visits."""

    agent: str
    address: str
    network: str
    device: str  # the cookie that a browser keeps of whoever signed in with it; empty without
    zone: str = ""  # of its clock, as far as it says


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A session that was opened; a half one admits to the question for the factor alone."""

    keys: Keys
    user_id: UserId
    remembered: bool
    is_half: bool = False


class Entrance:
    """Lets people in and asks again who they are. Answers never tell whether an address is known."""

    def __init__(
        self,
        *,
        passwords: Passwords,
        sessions: SessionBook,
        auth: AuthService,
        factors: Factors,
        passkeys: Passkeys,
        devices: Devices,
        limiter: Limiter,
        trail: AuditTrail,
    ) -> None:
        self._passwords = passwords
        self._sessions = sessions
        self._auth = auth
        self._factors = factors
        self._passkeys = passkeys
        self._devices = devices
        self._limiter = limiter
        self._trail = trail

    def sign_in(self, *, email: str, password: str, remember: bool, caller: Caller) -> Entry:
        """Open a session, half if a factor is due; raises WrongCredentials or TooManyTries.

        A browser that this person signed in with before has tries of its own: whoever guesses from elsewhere
        cannot shut its owner out.
        """
        user = db.session.scalar(select(User).where(User.email == email))
        nonce = self._devices.nonce(caller.device, user.id if user is not None else UserId(""))
        name, key = ("sign-in-device", nonce) if nonce is not None else ("sign-in", email)
        if nonce is None:
            self._limiter.spend("sign-in-network", caller.network, NETWORK_LIMIT)
        self._limiter.spend(name, key, *ACCOUNT_LIMITS)
        right = self._passwords.matches(user.password_hash if user else None, password)
        if user is None or not right or user.disabled_at is not None:
            # written for nobody too: a known address must not cost more time than an unknown one
            self._trail.note(
                AuditAction.SIGN_IN_FAILED, actor=None, subject=user.id if user is not None else None
            )
            raise WrongCredentials
        self._limiter.forgive(name, key, *ACCOUNT_LIMITS)
        if nonce is None:
            self._limiter.forgive("sign-in-network", caller.network, NETWORK_LIMIT)
        renewed = self._passwords.hash(password) if self._passwords.is_outdated(user.password_hash) else None
        if renewed is not None:
            with unit_of_work() as unit:
                unit.session.execute(update(User).where(User.id == user.id).values(password_hash=renewed))
        return self._open(
            user.id, remember=remember, caller=caller, half=user.factor_since is not None, how="password"
        )

    def finish(self, half_token: str, code: str, *, caller: Caller) -> Entry:
        """Answer the question for the factor; raises WrongCode, TooManyTries or HalfSessionOver."""
        half = self._sessions.half(half_token)
        if half is None:
            raise HalfSessionOver
        nonce = self._devices.nonce(caller.device, half.user_id)
        self._factors.check(half.user_id, code, key=nonce or half.user_id)
        with unit_of_work() as unit:
            if not self._sessions.end(unit, half.user_id, half.id):
                raise HalfSessionOver
        told = replace(caller, zone=half.time_zone or "")
        return self._open(half.user_id, remember=half.remembered, caller=told, half=False, how="code")

    def question(self, *, caller: Caller) -> dict[str, Any]:
        """What a passkey is asked for signing in; raises TooManyTries."""
        self._limiter.spend("passkey", caller.network, QUESTION_LIMIT)
        return self._passkeys.begin_asking(ChallengePurpose.SIGN_IN, None)

    def enter_with_passkey(self, credential: dict[str, Any], *, remember: bool, caller: Caller) -> Entry:
        """A passkey is both factors at once; raises PasskeyRefused."""
        user_id = self._passkeys.hear(credential, ChallengePurpose.SIGN_IN, None)
        if db.session.scalar(select(User.disabled_at).where(User.id == user_id)) is not None:
            raise WrongCredentials
        return self._open(user_id, remember=remember, caller=caller, half=False, how="passkey")

    def confirm(self, visitor: Visitor, *, password: str, code: str) -> Keys:
        """Prove by password, and code where there is a factor, that it is still you; the browser's new keys."""
        self._auth.confirm_password(visitor, password)
        if visitor.has_factor:
            if not code:
                raise WrongCode
            self._factors.check(visitor.id, code, key=visitor.session_id)
        return self._renew(visitor, how="password")

    def confirm_with_passkey(self, visitor: Visitor, credential: dict[str, Any]) -> Keys:
        """The same by passkey; raises PasskeyRefused for anybody else's."""
        self._passkeys.hear(credential, ChallengePurpose.CONFIRM, visitor.id)
        return self._renew(visitor, how="passkey")

    def _renew(self, visitor: Visitor, *, how: str) -> Keys:
        with unit_of_work() as unit:
            self._trail.record(unit, AuditAction.CONFIRMED, actor=visitor.id, subject=visitor.id, how=how)
            return self._sessions.renew(unit, visitor)

    def _open(self, user_id: UserId, *, remember: bool, caller: Caller, half: bool, how: str) -> Entry:
        with unit_of_work() as unit:
            if not half:
                self._trail.record(unit, AuditAction.SIGNED_IN, actor=user_id, subject=user_id, how=how)
            keys = self._sessions.open(
                unit,
                user_id,
                remembered=remember,
                agent=caller.agent,
                address=caller.address,
                zone=caller.zone,
                awaits_factor=half,
            )
        return Entry(keys=keys, user_id=user_id, remembered=remember, is_half=half)
