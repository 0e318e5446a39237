"""What the operator may choose; everything else follows from the seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PRODUCTION_HOST = "production.plaid.com"
ENVIRONMENT = "sandbox"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ConfigRefused(Exception):
    """The simulator will not start like this; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings of one running simulator; the defaults suit a laptop and a test alike."""

    host: str = "127.0.0.1"
    port: int = 5001
    state: Path | None = None
    seed: int = 1
    clock: str = "real"
    client_id: str = "simulator"
    secret: str = "simulator"
    rate_limits: bool = False
    scenario: str | None = None
    public_url: str | None = None
    token_seed: int | None = None
    # Seconds on the simulator's clock between linking and each of the two first imports.
    initial_seconds: float = 1.0
    historical_seconds: float = 3.0
    check_hours: float = 6.0
    # Days after which sandbox items want a new login, as Plaid's do after 30; None: never.
    login_days: int | None = None
    # "wall": webhooks are signed with the time that their receivers see; "virtual": with the simulator's.
    signing_time: str = "wall"
    delivery_seconds: float = 10.0
    # How Link leaves for OAuth banks ("popup" or "redirect"), and which redirect URIs are allow-listed (none: all).
    oauth_mode: str = "popup"
    redirect_uris: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for value in (self.host, self.public_url or ""):
            if PRODUCTION_HOST in value.lower():
                message = f"refusing to pose as {PRODUCTION_HOST}: choose another --host or --public-url"
                raise ConfigRefused(message)
        if not 0 <= self.port <= 65535:
            message = f"--port must be between 0 and 65535, not {self.port}"
            raise ConfigRefused(message)
        if not self.client_id or not self.secret:
            message = "--client-id and --secret must not be empty"
            raise ConfigRefused(message)
