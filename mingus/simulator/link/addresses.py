"""Addresses that the simulator gives away: hosted links, and the pages of OAuth banks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug import Request

    from mingus.simulator.simulator import Simulator


def hosted_address(sim: Simulator, hosted_id: str) -> str:
    """Where a person opens the hosted link."""
    return f"{sim.public_url}/hl/{hosted_id}"


def served_from(sim: Simulator, request: Request) -> str:
    """The simulator's own origin as this browser sees it; an operator's --public-url goes first."""
    return (sim.config.public_url or request.host_url).rstrip("/")
