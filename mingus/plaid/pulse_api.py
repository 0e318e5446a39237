"""`GET /api/plaid/pulse`: what open pages ask every few seconds, and are mostly told "as before"."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from flask import Blueprint
from flask import request

from mingus.plaid.api import answer
from mingus.plaid.pulse import pulse_of
from mingus.services import services
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask import Response

bp = Blueprint("pulse_api", __name__, url_prefix="/api/plaid")


@bp.get("/pulse")
def ask() -> Response:
    """304 when nothing changed for the one who names the last answer's ETag."""
    wired = services()
    found = pulse_of(
        visitor().id,
        environment=wired.settings.environment.value,
        now=wired.ambient.now(),
        since=_since(),
    )
    response = answer(mark=found.mark, syncing=found.syncing, at=found.at, added=found.added)
    response.set_etag(f"{found.mark}-{found.syncing}-{found.added}")
    response.make_conditional(request)
    return response


def _since() -> dt.datetime | None:
    """The asked time; what can't be read counts as none."""
    try:
        found = dt.datetime.fromisoformat(request.args.get("since", ""))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
