"""First start on a person's own machine: `.env` out of `.env.example`, with keys that nobody else has."""

from __future__ import annotations

import base64
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KEY_BYTES = 32
DEMO_EMAIL = "demo@mingus.example"
DEMO_PASSWORD = "platypus-river-lantern"  # printed on the sign-in page on purpose


def fresh_values() -> dict[str, str]:
    """What a local installation can't share with another one."""
    return {
        "SESSION_SECRET_KEY": secrets.token_urlsafe(48),
        "PLAID_ACCESS_TOKEN_ENCRYPTION_KEY": base64.urlsafe_b64encode(
            secrets.token_bytes(KEY_BYTES)
        ).decode(),
        "MINGUS_DEMO": "true",
    }


def write_env(root: Path) -> bool:
    """Write `.env` unless there is one; readable by its owner alone. True when it was written."""
    target = root / ".env"
    if target.exists():
        return False
    values = fresh_values()
    lines = [
        f"{name}={values[name]}" if (name := line.partition("=")[0].lstrip("# ")) in values else line
        for line in (root / ".env.example").read_text(encoding="utf-8").splitlines()
    ]
    draft = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(draft, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return True
