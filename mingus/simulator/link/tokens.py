"""Link tokens: made, found, and how long they live."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from datetime import datetime
from datetime import timedelta
from typing import TYPE_CHECKING
from typing import Any

import msgspec

from mingus.simulator.errors import refuse

if TYPE_CHECKING:
    from mingus.simulator.simulator import Simulator

KIND = "link_token"
HOSTED_KIND = "link_hosted"
NEW_ITEM = timedelta(hours=4)
UPDATE_MODE = timedelta(minutes=30)
HOSTED = {None: timedelta(minutes=30), "sms": timedelta(hours=24), "email": timedelta(days=7)}
WRONG_LOGINS = 5  # a link token dies of as many


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkToken:
    """A link token and everything that was asked for with it."""

    token: str
    created_at: datetime
    expires_at: datetime
    request: dict[str, Any]
    hosted_id: str | None = None
    wrong_logins: int = 0
    used: bool = False
    session_ids: tuple[str, ...] = ()

    @property
    def access_token(self) -> str | None:
        """The Item to repair; None for a new one."""
        return self.request.get("access_token")

    @property
    def multi_item(self) -> bool:
        """Several banks in one session."""
        return bool(self.request.get("enable_multi_item_link"))

    @property
    def products(self) -> tuple[str, ...]:
        """What the Item is made for."""
        return tuple(self.request.get("products", ()))

    @property
    def account_filters(self) -> dict[str, Any] | None:
        """Which types and subtypes of account may be shared; None for all."""
        return self.request.get("account_filters")

    @property
    def webhook(self) -> str | None:
        """Where the Item's webhooks go; update mode leaves that as it is."""
        return None if self.access_token else self.request.get("webhook")

    @property
    def session_webhook(self) -> str | None:
        """Where webhooks about Link's own sessions go."""
        return self.request.get("webhook")

    @property
    def redirect_uri(self) -> str | None:
        """Where a bank sends the browser back to."""
        return self.request.get("redirect_uri")

    @property
    def update(self) -> dict[str, Any]:
        """The switches of update mode."""
        return dict(self.request.get("update") or {})

    @property
    def client_name(self) -> str:
        """Who asks, as Link shows it: Plaid drops names beyond 30 characters."""
        name = str(self.request["client_name"])
        return name if len(name) <= 30 else "This Application"


def make_token(sim: Simulator, request: dict[str, Any]) -> LinkToken:
    """A stored link token for the request, which must have passed the rules."""
    now = sim.clock.now().replace(microsecond=0)
    token = LinkToken(
        token=sim.ids.token("link"),
        created_at=now,
        expires_at=now + _life(request),
        request=request,
        hosted_id=sim.ids.uuid() if "hosted_link" in request else None,
    )
    with sim.store.lock:
        save_token(sim, token)
        if token.hosted_id:
            sim.store.put(HOSTED_KIND, token.hosted_id, {"token": token.token})
    return token


def save_token(sim: Simulator, token: LinkToken) -> None:
    """Keep the token as it is now."""
    sim.store.put(KIND, token.token, msgspec.to_builtins(token))


def find_token(sim: Simulator, text: object) -> LinkToken:
    """The token of that name, expired or not; raises INVALID_LINK_TOKEN."""
    doc = sim.store.get(KIND, text) if isinstance(text, str) else None
    if doc is None:
        refuse("INVALID_LINK_TOKEN")
    return msgspec.convert(doc, LinkToken)


def hosted_token(sim: Simulator, hosted_id: str) -> LinkToken | None:
    """The token behind a hosted link."""
    known = sim.store.get(HOSTED_KIND, hosted_id)
    return find_token(sim, known["token"]) if known else None


def check_alive(sim: Simulator, token: LinkToken, *, single_use: bool) -> None:
    """Raise INVALID_LINK_TOKEN for a token that has expired, was used up or has seen too many wrong logins."""
    if sim.clock.now() >= token.expires_at:
        refuse("INVALID_LINK_TOKEN", "the link token has expired; create a new one")
    if single_use and token.used:
        refuse("INVALID_LINK_TOKEN", "the link token was used before; create a new one")
    if token.wrong_logins >= WRONG_LOGINS:
        refuse("INVALID_LINK_TOKEN", "too many wrong logins with this link token; create a new one")


def count_wrong_login(sim: Simulator, token: LinkToken) -> LinkToken:
    """The token with one more wrong login against it."""
    return _change(sim, token, wrong_logins=find_token(sim, token.token).wrong_logins + 1)


def add_session(sim: Simulator, token: LinkToken, link_session_id: str) -> LinkToken:
    """The token that knows of one session more."""
    return _change(sim, token, session_ids=(*find_token(sim, token.token).session_ids, link_session_id))


def mark_used(sim: Simulator, token: LinkToken) -> LinkToken:
    """The token after a session that came to its end."""
    return _change(sim, token, used=True)


def _change(sim: Simulator, token: LinkToken, **changes: Any) -> LinkToken:
    changed = replace(find_token(sim, token.token), **changes)
    save_token(sim, changed)
    return changed


def _life(request: dict[str, Any]) -> timedelta:
    hosted = request.get("hosted_link")
    if hosted is not None:
        asked = hosted.get("url_lifetime_seconds")
        return timedelta(seconds=asked) if asked else HOSTED[hosted.get("delivery_method")]
    return UPDATE_MODE if "access_token" in request else NEW_ITEM
