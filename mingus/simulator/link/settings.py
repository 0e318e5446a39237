"""What may be switched about Link while the simulator runs; kept with its state."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any
from typing import Literal

import msgspec

if TYPE_CHECKING:
    from mingus.simulator.simulator import Simulator

KIND = "link_settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """The switches, read and written at /control/link/settings."""

    # How Link leaves for a bank with OAuth: a pop-up as in browsers, or the whole page as in web views.
    oauth: Literal["popup", "redirect"] = "popup"
    # Exact return addresses, as in Plaid's Dashboard; none: every https and every loopback address is fine.
    redirect_uris: tuple[str, ...] = ()
    # Themes of Plaid's Dashboard that link_customization_name may name.
    customizations: tuple[str, ...] = ("default",)
    # Plaid keeps results and events of hosted and multi-item sessions only; a closed tab is then a lost Item.
    results_for_every_session: bool = True
    # LINK webhooks too go out for hosted and multi-item sessions only, unless an account is enabled for more.
    webhooks_for_every_session: bool = False
    # In production a link token serves one session; Plaid's Sandbox lets it be used again.
    single_use_tokens: bool = False
    # The pane that asks for a phone number before the search.
    phone_pane: bool = True


def link_settings(sim: Simulator) -> LinkSettings:
    """The switches as they stand: the operator's options, overlaid by what was changed since."""
    started = LinkSettings(oauth=_oauth(sim.config.oauth_mode), redirect_uris=tuple(sim.config.redirect_uris))
    return replace(started, **_checked(sim.store.get(KIND, "settings") or {}))


def change_settings(sim: Simulator, changes: dict[str, Any]) -> LinkSettings:
    """Keep the named switches; raises msgspec.ValidationError for unknown names and wrong kinds."""
    with sim.store.lock:
        kept = {**(sim.store.get(KIND, "settings") or {}), **changes}
        _checked(kept)
        sim.store.put(KIND, "settings", kept)
    return link_settings(sim)


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(changes) - set(LinkSettings.__slots__))
    if unknown:
        message = f"no such setting: {', '.join(unknown)}"
        raise msgspec.ValidationError(message)
    read = msgspec.convert(changes, LinkSettings)
    return {name: getattr(read, name) for name in changes}


def _oauth(mode: str) -> Literal["popup", "redirect"]:
    return "redirect" if mode == "redirect" else "popup"
