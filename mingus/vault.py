"""The vault: access tokens sealed with AES-256-GCM, each bound to its row and its owner.

A ciphertext moved to another row does not open. Every secret names the key that sealed it, so several keys can
live side by side while they are changed; a canary per key tells a wrong key before anything is touched.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary
from sqlalchemy import String
from sqlalchemy import func
from sqlalchemy import literal_column
from sqlalchemy import select

from mingus.db import Unit
from mingus.db import db
from mingus.db import unit_of_work
from mingus.db import upsert
from mingus.errors import MingusError
from mingus.sealed import KEY_ID_LENGTH
from mingus.sealed import NONCE_BYTES
from mingus.sealed import SecretId
from mingus.sealed import SecretKind
from mingus.sealed import VaultCanary
from mingus.sealed import VaultSecret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sqlalchemy import ColumnClause
    from sqlalchemy.types import TypeEngine

    from mingus.ambient import Ambient

BATCH = 100
CANARY = b"mingus"


class KeyringRefused(MingusError):
    """PLAID_ACCESS_TOKEN_ENCRYPTION_KEY is not the key that sealed this database's secrets."""

    code = "wrong_encryption_key"


class SecretUnreadable(MingusError):
    """A stored secret can't be opened."""

    code = "secret_unreadable"


class SecretGone(SecretUnreadable):
    """The secret is no longer there: replaced or forgotten since its id was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A sealed text as it was read beside the row that names it."""

    id: SecretId
    key_id: str
    nonce: bytes
    ciphertext: bytes

    def __repr__(self) -> str:
        return f"<Sealed {self.id}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultReport:
    """What a walk over all secrets found."""

    total: int
    current: int
    changed: int
    unreadable: tuple[SecretId, ...]


def key_id(key: bytes) -> str:
    """A name for a key that tells nothing about it."""
    return hashlib.sha256(b"mingus vault key\0" + key).hexdigest()[:KEY_ID_LENGTH]


def sealed_beside(secret_id: str) -> tuple[ColumnClause[Any], ...]:
    """What makes a Sealed, besides its id, for a statement in which `secret_id` names the id's column."""
    columns: tuple[tuple[str, TypeEngine[Any]], ...] = (
        ("key_id", String()),
        ("nonce", LargeBinary()),
        ("ciphertext", LargeBinary()),
    )
    return tuple(
        literal_column(f"(SELECT s.{name} FROM vault_secrets s WHERE s.id = {secret_id})", kind)  # noqa: S608 (names of columns)
        for name, kind in columns
    )


class TokenVault:
    """Seals with the first key, opens with any."""

    def __init__(self, keys: tuple[bytes, ...], ambient: Ambient) -> None:
        self._keys = {key_id(key): AESGCM(key) for key in keys}
        self._current = key_id(keys[0])
        self._ambient = ambient

    def __repr__(self) -> str:
        return f"<TokenVault of {len(self._keys)} keys>"

    @property
    def current_key(self) -> str:
        return self._current

    def seal(self, unit: Unit, kind: SecretKind, owner_id: str, text: str) -> SecretId:
        """Add a sealed text to the caller's unit and give its id."""
        secret_id = SecretId(self._ambient.new_id("sec"))
        nonce = os.urandom(NONCE_BYTES)
        unit.session.add(
            VaultSecret(
                id=secret_id,
                kind=kind.value,
                owner_id=owner_id,
                key_id=self._current,
                nonce=nonce,
                ciphertext=self._keys[self._current].encrypt(
                    nonce, text.encode(), _bound(secret_id, kind, owner_id)
                ),
                sealed_at=self._ambient.now(),
            )
        )
        unit.session.flush()  # for the caller, whose row names this one
        return secret_id

    def open(self, secret_id: SecretId, kind: SecretKind, owner_id: str) -> str:
        """The text, for its owner alone; raises KeyringRefused without its key, SecretUnreadable if changed."""
        row = db.session.get(VaultSecret, secret_id)
        if row is None:
            raise SecretGone
        return self._opened(row, kind, owner_id)

    def open_sealed(self, sealed: Sealed, kind: SecretKind, owner_id: str) -> str:
        """As `open`, for what was read already."""
        return self._opened(sealed, kind, owner_id)

    def destroy(self, unit: Unit, secret_id: SecretId | None) -> None:
        """Forget a text in the caller's unit; nothing happens when it is gone already."""
        row = unit.session.get(VaultSecret, secret_id) if secret_id is not None else None
        if row is not None:
            unit.session.delete(row)

    def check_keys(self) -> None:
        """Raise KeyringRefused unless every key that sealed something here is at hand and right."""
        for canary in db.session.scalars(select(VaultCanary)):
            cipher = self._keys.get(canary.key_id)
            if cipher is None:
                self._refuse_if_used(canary.key_id)
                continue
            try:
                word = cipher.decrypt(canary.nonce, canary.ciphertext, canary.key_id.encode())
            except InvalidTag as err:
                raise KeyringRefused from err
            if not hmac.compare_digest(word, CANARY):
                raise KeyringRefused

    def place_canary(self) -> None:
        """Seal the known word with the current key, once; part of migrating."""
        with unit_of_work() as unit:
            if unit.session.get(VaultCanary, self._current) is None:
                nonce = os.urandom(NONCE_BYTES)
                sealed = self._keys[self._current].encrypt(nonce, CANARY, self._current.encode())
                row = {"key_id": self._current, "nonce": nonce, "ciphertext": sealed}
                # two that migrate at once both find none: the first one's stays
                upsert(unit.session, VaultCanary, [row], key=["key_id"], keep=["nonce", "ciphertext"])

    def rotate(self, *, dry_run: bool) -> VaultReport:
        """Seal anew, with the current key, what another key sealed; in small units, so it can stop and go on."""
        self.place_canary()
        total, changed, unreadable = 0, 0, []
        for ids in self._batches():
            with unit_of_work() as unit:
                for row in unit.session.scalars(
                    select(VaultSecret)
                    .where(VaultSecret.id.in_(ids))
                    .with_for_update()
                    .execution_options(populate_existing=True)
                ):
                    total += 1
                    if row.key_id == self._current:
                        continue
                    try:
                        text = self._opened(row, SecretKind(row.kind), row.owner_id)
                    except MingusError:
                        unreadable.append(row.id)
                        continue
                    changed += 1
                    if not dry_run:
                        self._reseal(row, text)
        return VaultReport(
            total=total,
            current=total - changed - len(unreadable),
            changed=changed,
            unreadable=tuple(unreadable),
        )

    def verify(self) -> VaultReport:
        """Open every secret; change nothing."""
        total, current, unreadable = 0, 0, []
        for ids in self._batches():
            for row in db.session.scalars(select(VaultSecret).where(VaultSecret.id.in_(ids))):
                total += 1
                current += row.key_id == self._current
                try:
                    self._opened(row, SecretKind(row.kind), row.owner_id)
                except MingusError:
                    unreadable.append(row.id)
            db.session.rollback()  # a long walk must not hold one old view of the database
        return VaultReport(total=total, current=current, changed=0, unreadable=tuple(unreadable))

    def _opened(self, row: VaultSecret | Sealed, kind: SecretKind, owner_id: str) -> str:
        cipher = self._keys.get(row.key_id)
        if cipher is None:
            raise KeyringRefused
        try:
            return cipher.decrypt(row.nonce, row.ciphertext, _bound(row.id, kind, owner_id)).decode()
        except InvalidTag as err:
            raise SecretUnreadable from err

    def _reseal(self, row: VaultSecret, text: str) -> None:
        nonce = os.urandom(NONCE_BYTES)
        bound = _bound(row.id, SecretKind(row.kind), row.owner_id)
        row.ciphertext = self._keys[self._current].encrypt(nonce, text.encode(), bound)
        row.nonce, row.key_id, row.sealed_at = nonce, self._current, self._ambient.now()

    def _refuse_if_used(self, missing: str) -> None:
        used = db.session.scalar(select(func.count()).where(VaultSecret.key_id == missing))
        if used:
            message = f"{used} secrets need key {missing}, which is not in PLAID_ACCESS_TOKEN_ENCRYPTION_KEY."
            raise KeyringRefused(message)

    def _batches(self) -> Iterator[list[SecretId]]:
        last = SecretId("")
        while True:
            ids = list(
                db.session.scalars(
                    select(VaultSecret.id).where(VaultSecret.id > last).order_by(VaultSecret.id).limit(BATCH)
                )
            )
            if not ids:
                return
            last = ids[-1]
            yield ids


def _bound(secret_id: SecretId, kind: SecretKind, owner_id: str) -> bytes:
    """What a ciphertext is tied to: its row, its kind and its owner."""
    return f"{secret_id}|{kind.value}|{owner_id}".encode()
