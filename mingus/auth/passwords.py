"""Passwords: argon2id, length over composition, common ones refused."""

from __future__ import annotations

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError
from argon2.exceptions import VerificationError
from zxcvbn import zxcvbn

MIN_LENGTH = 12
MAX_LENGTH = 256
ESTIMATED_LENGTH = 72  # the estimator refuses longer texts; what is that long is not guessed
WEAKEST_ACCEPTED = 2  # of 0 to 4: withstands online guessing
MEMORY_KIB = 47_104
HASHES_AT_ONCE = 4


class WeakPassword(Exception):
    """This password is too easy to guess. A few unrelated words make a good one."""


class Passwords:
    """Hashes and checks; never more than a few at once, since each takes 46 MiB."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB) -> None:
        self._hasher = PasswordHasher(time_cost=1, memory_cost=memory_kib, parallelism=1)
        self._slots = threading.BoundedSemaphore(HASHES_AT_ONCE)
        self._nobody = self._hasher.hash("the password of nobody")

    def hash(self, password: str) -> str:
        with self._slots:
            return self._hasher.hash(password)

    def matches(self, password_hash: str | None, password: str) -> bool:
        """True for the right password; takes as long when there is nobody to compare with."""
        with self._slots:
            try:
                self._hasher.verify(password_hash or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)


def check_strength(password: str, *, about: tuple[str, ...] = ()) -> None:
    """Raise WeakPassword for what is common, patterned or made of the person's own name and address."""
    score = zxcvbn(password[:ESTIMATED_LENGTH], user_inputs=[word for word in about if word])["score"]
    if score < WEAKEST_ACCEPTED:
        raise WeakPassword
