"""What modules register: plain pages (`Route`) and Plaid's own calls (`Endpoint`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

import msgspec
from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from mingus.simulator.fields import Fields
    from mingus.simulator.simulator import Simulator

PageHandler = Callable[..., Response]
ApiHandler = Callable[["Simulator", dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A page or control call: `handler(sim, request, **path arguments)` gives a werkzeug Response."""

    method: str
    path: str
    handler: PageHandler
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A call of Plaid's API: `handler(sim, checked body)` gives the answer without request_id.

    `public` ones need no credentials.
    """

    path: str
    fields: Fields
    handler: ApiHandler
    public: bool = False


def json_response(doc: Any, status: int = 200) -> Response:
    """The document as JSON."""
    return Response(msgspec.json.encode(doc), status=status, content_type="application/json")
