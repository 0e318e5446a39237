"""The page that tells a person what happened with their banks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint
from flask import render_template
from flask import request

from mingus.plaid import queries
from mingus.plaid.activity import activity
from mingus.plaid.ledger import SyncId
from mingus.services import services
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("activity", __name__)
SYNCS_SHOWN = 60


@bp.get("/activity")
def index() -> ResponseReturnValue:
    after = request.args.get("after", "")
    person, now = visitor(), services().ambient.now()
    environment = services().settings.environment.value
    return render_template(
        "plaid/activity.html",
        page=activity(
            person.id,
            environment=environment,
            zone=person.time_zone,
            now=now,
            limit=SYNCS_SHOWN,
            after=SyncId(after) if after else None,
        ),
        today=services().ambient.today(person.time_zone),
        is_first=not after,
        has_banks=bool(queries.connection_cards(person.id, environment=environment, now=now)),
    )
