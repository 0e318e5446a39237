"""Reading variables one by one, remembering every problem, so that an operator sees them all at once."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING
from typing import TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

Choice = TypeVar("Choice", bound=Enum)

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off"})
PLACEHOLDERS = re.compile(r"change|replace|your[-_ ]|example|secret-?key|^(.)\1*$", re.IGNORECASE)
ENCRYPTION_KEY_BYTES = 32
SECRET_MIN_LENGTH = 32


def is_loopback(host: str | None) -> bool:
    """True for localhost and the loopback addresses."""
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class EnvironmentReader:
    """Typed values out of a mapping of strings; what is wrong lands in `problems`, each with its cure."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.problems: list[str] = []

    def refuse(self, name: str, problem: str) -> None:
        self.problems.append(f"{name}: {problem}")

    def text(self, name: str, default: str = "") -> str:
        """The variable without surrounding blanks; an empty one counts as unset."""
        return self._variables.get(name, "").strip() or default

    def secret(self, name: str) -> str:
        """The variable, or the first line of the file that NAME_FILE names."""
        file_name = self.text(f"{name}_FILE")
        if not file_name:
            return self.text(name)
        if self.text(name):
            self.refuse(name, f"is set twice. Keep either {name} or {name}_FILE.")
        try:
            return Path(file_name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as err:
            self.refuse(
                f"{name}_FILE", f"cannot be read ({type(err).__name__}). Point it at a readable text file."
            )
            return ""

    def choice(self, name: str, kind: type[Choice], default: Choice) -> Choice:
        raw = self.text(name)
        if not raw:
            return default
        try:
            return kind(raw.lower())
        except ValueError:
            self.refuse(name, f"unknown value {raw!r}. Use one of: {', '.join(str(m.value) for m in kind)}.")
            return default

    def flag(self, name: str, *, default: bool) -> bool:
        raw = self.text(name).lower()
        if not raw:
            return default
        if raw not in TRUE_WORDS | FALSE_WORDS:
            self.refuse(name, f"{raw!r} is neither yes nor no. Use true or false.")
        return raw in TRUE_WORDS

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        raw = self.text(name)
        if not raw:
            return default
        if not re.fullmatch(r"-?\d{1,9}", raw) or not low <= int(raw) <= high:
            self.refuse(name, f"{raw!r} is not a whole number from {low} to {high}.")
            return default
        return int(raw)

    def words(
        self, name: str, default: str, *, allowed: frozenset[str], upper: bool = False
    ) -> tuple[str, ...]:
        """A comma-separated list without repeats, each word of the allowed ones."""
        raw = self.text(name, default)
        parts = [part.strip() for part in raw.split(",") if part.strip()]
        values = tuple(dict.fromkeys(part.upper() if upper else part.lower() for part in parts))
        for value in values:
            if value not in allowed:
                self.refuse(
                    name,
                    f"unknown value {value!r}. Use a comma-separated list of: {', '.join(sorted(allowed))}.",
                )
        return values

    def url(self, name: str, default: str = "", *, loopback_http: bool = False, bare: bool = False) -> str:
        """An absolute URL; http only towards this machine and only where `loopback_http` allows it."""
        raw = self.text(name, default)
        if not raw:
            return ""
        problem = _url_problem(raw, loopback_http=loopback_http, bare=bare)
        if problem:
            self.refuse(name, f"{raw!r} {problem}")
        return raw.rstrip("/") if urlsplit(raw).path in {"", "/"} else raw

    def session_keys(self, name: str) -> tuple[str, ...]:
        """Signing keys, the first one signs, the others still verify."""
        keys = tuple(part.strip() for part in self.secret(name).split(",") if part.strip())
        if not keys:
            self.refuse(name, "is missing. Set it to at least 32 random characters (make run creates one).")
        for key in keys:
            if len(key) < SECRET_MIN_LENGTH or PLACEHOLDERS.search(key):
                self.refuse(name, "is too short or a placeholder. Use at least 32 random characters.")
        return keys

    def encryption_keys(self, name: str) -> tuple[bytes, ...]:
        """AES-256 keys, the first one seals, the others still open."""
        parts = [part.strip() for part in self.secret(name).split(",") if part.strip()]
        if not parts:
            self.refuse(name, "is missing. Set it to 32 random bytes in base64 (make run creates one).")
        keys = []
        for part in parts:
            key = _decode_key(part)
            if key is None or len(set(key)) < 8:
                self.refuse(name, "must be 32 random bytes in URL-safe base64, several separated by commas.")
            else:
                keys.append(key)
        return tuple(keys)


def _url_problem(raw: str, *, loopback_http: bool, bare: bool) -> str | None:
    try:
        url = urlsplit(raw)
        host, _ = url.hostname, url.port
    except ValueError:
        return "is not a URL. Write it as https://host/path."
    if url.scheme not in {"http", "https"} or not host:
        return "is not a URL. Write it as https://host/path."
    if url.scheme == "http" and not (loopback_http and is_loopback(host)):
        return "must begin with https:// (http is for this machine only)."
    if url.username or url.password:
        return "must not carry a user name or password."
    if url.fragment or url.query:
        return "must carry neither a query nor a fragment."
    if bare and url.path not in {"", "/"}:
        return "must be an address without a path."
    return None


def _decode_key(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == ENCRYPTION_KEY_BYTES else None
