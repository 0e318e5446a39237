"""Logos of merchants and icons of categories, drawn when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

from mingus.simulator.pictures import emblem
from mingus.simulator.web import Route

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from mingus.simulator.simulator import Simulator

PIXELS = 100


def picture(_sim: Simulator, _request: Request, name: str) -> Response:
    """The PNG of any name; the same name always looks the same."""
    response = Response(emblem(name[:200], PIXELS), content_type="image/png")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET", path="/images/<name>.png", handler=picture, summary="A merchant logo or category icon"
    ),
)
