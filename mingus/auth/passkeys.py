"""Passkeys: added while signed in, and good for signing in without a password, since they ask for finger or PIN."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete
from sqlalchemy import func
from sqlalchemy import select
from sqlalchemy import update
from webauthn import base64url_to_bytes
from webauthn import generate_authentication_options
from webauthn import generate_registration_options
from webauthn import options_to_json
from webauthn import verify_authentication_response
from webauthn import verify_registration_response
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticatorSelectionCriteria
from webauthn.helpers.structs import PublicKeyCredentialDescriptor
from webauthn.helpers.structs import ResidentKeyRequirement
from webauthn.helpers.structs import UserVerificationRequirement

from mingus.audit import AuditAction
from mingus.auth.factor_models import PASSKEY_NAME_LENGTH
from mingus.auth.factor_models import ChallengePurpose
from mingus.auth.factor_models import Passkey
from mingus.auth.factor_models import PasskeyChallenge
from mingus.auth.factor_models import PasskeyId
from mingus.auth.failures import PasskeyRefused
from mingus.auth.failures import TooManyPasskeys
from mingus.auth.models import User
from mingus.auth.models import UserId
from mingus.auth.sessions import hash_token
from mingus.db import db
from mingus.db import unit_of_work
from mingus.errors import NotFound

if TYPE_CHECKING:
    from mingus.ambient import Ambient
    from mingus.auth.factors import Factors
    from mingus.auth.sessions import Keys
    from mingus.auth.sessions import Visitor
    from mingus.db import Unit

SITE_NAME = "MINGUS"
PATIENCE = dt.timedelta(minutes=5)
MOST_PASSKEYS = 10


class Passkeys:
    """Asks and hears passkeys of this site's own host; where that is a bare address there are none."""

    def __init__(self, *, ambient: Ambient, factors: Factors, base_url: str) -> None:
        self._ambient = ambient
        self._factors = factors
        self._origin = base_url
        self._host = urlsplit(base_url).hostname or ""

    @property
    def are_offered(self) -> bool:
        """False where the site is reached by an IP address: the standard wants a name."""
        try:
            ipaddress.ip_address(self._host)
        except ValueError:
            return True
        return False

    def begin_adding(self, visitor: Visitor) -> dict[str, Any]:
        """The question for a new passkey, as the browser wants it."""
        known = db.session.scalars(select(Passkey.credential_id).where(Passkey.user_id == visitor.id)).all()
        options = generate_registration_options(
            rp_id=self._host,
            rp_name=SITE_NAME,
            user_id=visitor.id.encode(),
            user_name=visitor.email,
            user_display_name=visitor.display_name,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=base64url_to_bytes(one)) for one in known],
        )
        self._keep(options.challenge, ChallengePurpose.ADD, visitor.id)
        asked: dict[str, Any] = json.loads(options_to_json(options))
        return asked

    def finish_adding(self, visitor: Visitor, credential: dict[str, Any], *, name: str) -> Keys:
        """Take the new passkey into use; this browser's new keys. Raises PasskeyRefused."""
        challenge = self._take(credential, ChallengePurpose.ADD, visitor.id)
        try:
            made = verify_registration_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as err:
            raise PasskeyRefused from err
        with unit_of_work() as unit:
            unit.lock_one(User, visitor.id)
            self._check_room(unit, visitor.id, bytes_to_base64url(made.credential_id))
            unit.session.add(
                Passkey(
                    id=PasskeyId(self._ambient.new_id("psk")),
                    user_id=visitor.id,
                    credential_id=bytes_to_base64url(made.credential_id),
                    public_key=made.credential_public_key,
                    sign_count=made.sign_count,
                    name=name[:PASSKEY_NAME_LENGTH],
                    created_at=self._ambient.now(),
                )
            )
            return self._factors.changed(unit, visitor, AuditAction.FACTOR_ADDED, kind="passkey")

    def begin_asking(self, purpose: ChallengePurpose, user_id: UserId | None) -> dict[str, Any]:
        """The question to any passkey of this site; it is the same whoever asks."""
        options = generate_authentication_options(
            rp_id=self._host, user_verification=UserVerificationRequirement.REQUIRED
        )
        self._keep(options.challenge, purpose, user_id)
        asked: dict[str, Any] = json.loads(options_to_json(options))
        return asked

    def hear(self, credential: dict[str, Any], purpose: ChallengePurpose, user_id: UserId | None) -> UserId:
        """Whose passkey answered rightly, each question once; raises PasskeyRefused."""
        challenge = self._take(credential, purpose, user_id)
        row = db.session.scalar(
            select(Passkey).where(Passkey.credential_id == str(credential.get("id", ""))[:2000])
        )
        if row is None or (user_id is not None and row.user_id != user_id):
            raise PasskeyRefused
        try:
            heard = verify_authentication_response(
                credential=credential,
                expected_challenge=challenge,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError, KeyError, TypeError) as err:
            raise PasskeyRefused from err
        with unit_of_work() as unit:
            unit.session.execute(
                update(Passkey)
                .where(Passkey.id == row.id)
                .values(sign_count=heard.new_sign_count, last_used_at=self._ambient.now())
            )
        return row.user_id

    def remove(self, visitor: Visitor, passkey_id: PasskeyId) -> Keys:
        """Give one passkey up; raises NotFound. This browser's new keys."""
        with unit_of_work() as unit:
            removed = unit.session.execute(
                delete(Passkey).where(Passkey.id == passkey_id, Passkey.user_id == visitor.id)
            )
            if removed.rowcount != 1:  # type: ignore[attr-defined]  # a DELETE gives a CursorResult
                raise NotFound
            return self._factors.changed(unit, visitor, AuditAction.FACTOR_REMOVED, kind="passkey")

    def forget_expired(self) -> None:
        with unit_of_work() as unit:
            old = PasskeyChallenge.expires_at < self._ambient.now()
            unit.session.execute(delete(PasskeyChallenge).where(old))

    def _check_room(self, unit: Unit, user_id: UserId, credential_id: str) -> None:
        count = unit.session.scalar(select(func.count()).where(Passkey.user_id == user_id)) or 0
        if count >= MOST_PASSKEYS:
            raise TooManyPasskeys
        if unit.session.scalar(select(Passkey.id).where(Passkey.credential_id == credential_id)) is not None:
            raise PasskeyRefused

    def _keep(self, challenge: bytes, purpose: ChallengePurpose, user_id: UserId | None) -> None:
        with unit_of_work() as unit:
            unit.session.add(
                PasskeyChallenge(
                    challenge_hash=hash_token(bytes_to_base64url(challenge)),
                    purpose=purpose.value,
                    user_id=user_id,
                    expires_at=self._ambient.now() + PATIENCE,
                )
            )

    def _take(self, credential: dict[str, Any], purpose: ChallengePurpose, user_id: UserId | None) -> bytes:
        """The question that this answers, which is used up by it; of two at once one gets it."""
        try:
            said = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
            challenge = str(said["challenge"])
            raw = base64url_to_bytes(challenge)
        except (ValueError, KeyError, TypeError) as err:
            raise PasskeyRefused from err
        with unit_of_work() as unit:
            taken = unit.session.execute(
                delete(PasskeyChallenge).where(
                    PasskeyChallenge.challenge_hash == hash_token(challenge.rstrip("=")),
                    PasskeyChallenge.purpose == purpose.value,
                    PasskeyChallenge.user_id.is_(None)
                    if user_id is None
                    else PasskeyChallenge.user_id == user_id,
                    PasskeyChallenge.expires_at > self._ambient.now(),
                )
            )
            if taken.rowcount != 1:  # type: ignore[attr-defined]  # a DELETE gives a CursorResult
                raise PasskeyRefused
        return raw
