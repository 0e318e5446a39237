"""The console's own addresses; everything it shows and does goes through the control API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mingus.simulator.errors import CATALOGUE
from mingus.simulator.errors import refuse
from mingus.simulator.faults import KINDS
from mingus.simulator.firing import CODES
from mingus.simulator.link.rendering import page
from mingus.simulator.link.rendering import static_file
from mingus.simulator.signing import SIGNATURES
from mingus.simulator.web import Route

if TYPE_CHECKING:
    from werkzeug import Request
    from werkzeug import Response

    from mingus.simulator.simulator import Simulator

STATIC = Path(__file__).parent / "static"

# What an item can be in; the codes of requests and tokens are no states of items.
ITEM_ERRORS = tuple(
    code for code, entry in CATALOGUE.items() if entry.error_type in {"ITEM_ERROR", "INSTITUTION_ERROR"}
)


def home(sim: Simulator, request: Request) -> Response:
    """The console."""
    del request
    return page(
        "console.html",
        address=sim.public_url,
        client_id=sim.config.client_id,
        errors=ITEM_ERRORS,
        codes=CODES,
        faults=KINDS,
        signatures=SIGNATURES,
    )


def static(sim: Simulator, request: Request, name: str) -> Response:
    """A style sheet or module of the console."""
    del sim, request
    known = {path.name: path for path in STATIC.iterdir()}
    if name not in known:
        refuse("NOT_FOUND")
    return static_file(known[name].read_bytes(), known[name].suffix)


ROUTES = (
    Route(method="GET", path="/", handler=home, summary="the console"),
    Route(method="GET", path="/console/static/<name>", handler=static, summary="files of the console"),
)
