"""Second factors: the authenticator app and recovery codes, and what every factor has in common."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyotp
from sqlalchemy import delete
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import update

from mingus.audit import AuditAction
from mingus.auth.factor_models import AppFactor
from mingus.auth.factor_models import Passkey
from mingus.auth.factor_models import RecoveryCode
from mingus.auth.failures import AppAlreadyThere
from mingus.auth.failures import NoFactor
from mingus.auth.failures import UnknownPerson
from mingus.auth.failures import WrongCode
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.auth.sessions import hash_token
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import NotFound
from mingus.limits import Limit
from mingus.sealed import SecretKind

if TYPE_CHECKING:
    import datetime as dt

    from mingus.ambient import Ambient
    from mingus.audit import AuditTrail
    from mingus.auth.sessions import Keys
    from mingus.auth.sessions import SessionBook
    from mingus.auth.sessions import Visitor
    from mingus.db import Unit
    from mingus.limits import Limiter
    from mingus.mail import MailRoom
    from mingus.vault import TokenVault

FACTOR_LIMIT = Limit(count=5, seconds=300)
STEP_SECONDS = 30
DRIFT = (0, -1, 1)  # steps by which a phone's clock may be off
CODES = 10
CODE_BYTES = 15
CODE_GROUP = 6
APP_CODE = re.compile(r"\d{6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyRow:
    """One passkey as its owner sees it."""

    id: str
    name: str
    created_at: dt.datetime
    last_used_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Methods:
    """What a person has beside the password."""

    app_since: dt.datetime | None
    passkeys: tuple[PasskeyRow, ...]
    codes_left: int

    @property
    def any(self) -> bool:
        return self.app_since is not None or bool(self.passkeys)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSetup:
    """What an authenticator app has to be told."""

    secret: str
    uri: str


class Factors:
    """Adds, checks and removes factors. Every change signs the person's other devices out and is mailed."""

    def __init__(
        self,
        *,
        ambient: Ambient,
        vault: TokenVault,
        limiter: Limiter,
        trail: AuditTrail,
        sessions: SessionBook,
        mail: MailRoom,
    ) -> None:
        self._ambient = ambient
        self._vault = vault
        self._limiter = limiter
        self._trail = trail
        self._sessions = sessions
        self._mail = mail

    def methods(self, user_id: UserId) -> Methods:
        """What the person has set."""
        passkeys = db.session.scalars(
            select(Passkey).where(Passkey.user_id == user_id).order_by(Passkey.created_at, Passkey.id)
        )
        return Methods(
            app_since=db.session.scalar(select(AppFactor.confirmed_at).where(AppFactor.user_id == user_id)),
            passkeys=tuple(
                PasskeyRow(id=row.id, name=row.name, created_at=row.created_at, last_used_at=row.last_used_at)
                for row in passkeys
            ),
            codes_left=db.session.scalar(
                select(func.count()).where(RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
            )
            or 0,
        )

    # the authenticator app

    def begin_app(self, user_id: UserId) -> None:
        """Make a secret for an app to be set up; it counts for nothing before a first code was right."""
        secret = pyotp.random_base32()
        with unit_of_work() as unit:
            unit.lock_one(User, user_id)
            row = unit.session.get(AppFactor, user_id)
            if row is not None and row.confirmed_at is not None:
                raise AppAlreadyThere
            if row is not None:
                self._forget_app(unit, row)
            unit.session.add(
                AppFactor(
                    user_id=user_id,
                    secret_id=self._vault.seal(unit, SecretKind.AUTHENTICATOR, user_id, secret),
                    created_at=self._ambient.now(),
                    last_step=0,
                )
            )

    def app_setup(self, visitor: Visitor) -> AppSetup | None:
        """What to show for setting an app up; None when none was begun, or it is done."""
        row = db.session.get(AppFactor, visitor.id, populate_existing=True)
        if row is None or row.confirmed_at is not None:
            return None
        secret = self._vault.open(row.secret_id, SecretKind.AUTHENTICATOR, visitor.id)
        uri = pyotp.TOTP(secret).provisioning_uri(name=visitor.email, issuer_name="MINGUS")
        return AppSetup(secret=secret, uri=uri)

    def confirm_app(self, visitor: Visitor, code: str) -> Keys:
        """Take the app into use by its first code, and give this browser its new keys."""
        setup = self.app_setup(visitor)
        if setup is None:
            raise NotFound
        step = self._step_of(setup.secret, _plain(code))
        if step is None:
            raise WrongCode
        with unit_of_work() as unit:
            taken = unit.session.execute(
                update(AppFactor)
                .where(AppFactor.user_id == visitor.id, AppFactor.confirmed_at.is_(None))
                .values(confirmed_at=self._ambient.now(), last_step=step)
            )
            if taken.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
                raise NotFound
            return self.changed(unit, visitor, AuditAction.FACTOR_ADDED, kind="app")

    def remove_app(self, visitor: Visitor) -> Keys:
        """Give the app up; raises NotFound when there is none. This browser's new keys."""
        with unit_of_work() as unit:
            row = unit.lock(AppFactor, visitor.id)
            if row is None or row.confirmed_at is None:
                raise NotFound
            self._forget_app(unit, row)
            return self.changed(unit, visitor, AuditAction.FACTOR_REMOVED, kind="app")

    # recovery codes

    def make_codes(self, visitor: Visitor) -> list[str]:
        """Ten new codes, shown once; those of before no longer work. Raises NoFactor where there is nothing to lose."""
        codes = [_new_code() for _ in range(CODES)]
        now = self._ambient.now()
        with unit_of_work() as unit:
            if unit.lock_one(User, visitor.id).factor_since is None:
                raise NoFactor
            unit.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == visitor.id))
            unit.session.add_all(
                RecoveryCode(
                    id=self._ambient.new_id("rec"),
                    user_id=visitor.id,
                    code_hash=hash_token(_plain(code)),
                    created_at=now,
                )
                for code in codes
            )
            self._trail.record(unit, AuditAction.CODES_MADE, actor=visitor.id, subject=visitor.id)
        return codes

    # checking

    def check(self, user_id: UserId, code: str, *, key: str) -> None:
        """Accept a code of the app or a recovery code, each once; raises WrongCode or TooManyTries.

        `key` is whose tries are counted: a known device has its own, so that strangers can't use up the owner's.
        """
        self._limiter.spend("factor", key, FACTOR_LIMIT)
        plain = _plain(code)
        right = (
            self._take_app_code(user_id, plain) if APP_CODE.fullmatch(plain) else self._burn(user_id, plain)
        )
        if not right:
            self._trail.note(AuditAction.FACTOR_FAILED, actor=None, subject=user_id)
            raise WrongCode
        self._limiter.forgive("factor", key, FACTOR_LIMIT)

    def _take_app_code(self, user_id: UserId, code: str) -> bool:
        row = db.session.get(AppFactor, user_id, populate_existing=True)
        if row is None or row.confirmed_at is None:
            return False
        secret = self._vault.open(row.secret_id, SecretKind.AUTHENTICATOR, user_id)
        step = self._step_of(secret, code)
        if step is None:
            return False
        with unit_of_work() as unit:
            taken = unit.session.execute(
                update(AppFactor)
                .where(AppFactor.user_id == user_id, AppFactor.last_step < step)
                .values(last_step=step)
            )
            return bool(taken.rowcount)  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult

    def _burn(self, user_id: UserId, code: str) -> bool:
        with unit_of_work() as unit:
            burned = unit.session.execute(
                update(RecoveryCode)
                .where(
                    RecoveryCode.user_id == user_id,
                    RecoveryCode.code_hash == hash_token(code),
                    RecoveryCode.used_at.is_(None),
                )
                .values(used_at=self._ambient.now())
            )
            if burned.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE gives a CursorResult
                return False
            self._trail.record(unit, AuditAction.CODE_USED, actor=user_id, subject=user_id)
            return True

    # what every change of a factor brings

    def changed(self, unit: Unit, visitor: Visitor, action: AuditAction, **facts: str) -> Keys:
        """Bring the person's row up to date, end the other sessions, tell by mail; this browser's new keys."""
        user = self._settle(unit, visitor.id)
        self._trail.record(unit, action, actor=visitor.id, subject=visitor.id, **facts)
        self._sessions.end_others(unit, visitor.id, keep=visitor.session_id)
        self._mail.write(
            unit, "factor_changed", user.email, name=user.display_name, at=self._ambient.now(), action=action
        )
        return self._sessions.renew(unit, visitor)

    def reset(self, email: str) -> None:
        """Take all factors of somebody who lost them away, as the operator wishes; their sessions end."""
        with unit_of_work() as unit:
            user = unit.session.scalar(select(User).where(User.email == email))
            if user is None:
                raise UnknownPerson
            row = unit.session.get(AppFactor, user.id)
            if row is not None:
                self._forget_app(unit, row)
            unit.session.execute(delete(Passkey).where(Passkey.user_id == user.id))
            self._settle(unit, user.id)
            self._sessions.end_others(unit, user.id, keep=None)
            self._trail.record(unit, AuditAction.FACTORS_RESET, actor=None, subject=user.id)
            self._mail.write(
                unit,
                "factor_changed",
                user.email,
                name=user.display_name,
                at=self._ambient.now(),
                action=AuditAction.FACTORS_RESET,
            )

    def _settle(self, unit: Unit, user_id: UserId) -> User:
        """A person has a factor while an app or a passkey is left; codes alone are none."""
        unit.session.flush()
        user = unit.lock_one(User, user_id)
        app = unit.session.scalar(select(AppFactor.confirmed_at).where(AppFactor.user_id == user_id))
        keys = unit.session.scalar(select(func.count()).where(Passkey.user_id == user_id))
        if app is None and not keys:
            user.factor_since = None
            unit.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        elif user.factor_since is None:
            user.factor_since = self._ambient.now()
        return user

    def _forget_app(self, unit: Unit, row: AppFactor) -> None:
        secret_id = row.secret_id
        unit.session.delete(row)
        unit.session.flush()  # the row must let go of the secret before it is deleted
        self._vault.destroy(unit, secret_id)

    def _step_of(self, secret: str, code: str) -> int | None:
        """The time step whose code this is, of the present one and its neighbours."""
        totp, now = pyotp.TOTP(secret), int(self._ambient.now().timestamp()) // STEP_SECONDS
        steps = [now + drift for drift in DRIFT]
        matching = [step for step in steps if hmac.compare_digest(totp.generate_otp(step), code)]
        return max(matching, default=None)


def _new_code() -> str:
    text = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower()
    return "-".join(text[start : start + CODE_GROUP] for start in range(0, len(text), CODE_GROUP))


def _plain(code: str) -> str:
    """A code as it is compared: what people type between its characters does not count."""
    return re.sub(r"[^a-z0-9]", "", code.lower()[:100])
