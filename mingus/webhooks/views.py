"""Where Plaid delivers: a signature instead of a session. Stored first, answered at once, looked at later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint
from flask import request

from mingus.services import services
from mingus.web import access
from mingus.web.errors import answer
from mingus.webhooks.inbox import KEPT_HEADERS
from mingus.webhooks.inbox import LARGEST_BODY_BYTES
from mingus.webhooks.verify import Forged

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("webhooks", __name__)


@bp.post("/api/plaid/webhook")
def receive() -> ResponseReturnValue:
    """200 once the webhook is durable. One text for all that is refused, so that a forger learns nothing."""
    inbox, network = services().inbox, access.network()
    headers = {name: text for name in KEPT_HEADERS if (text := request.headers.get(name))}
    inbox.admit(headers, network=network)
    request.max_content_length = LARGEST_BODY_BYTES
    body = request.get_data(cache=False)  # the bytes as signed: nothing may parse them before
    try:
        inbox.receive(body, headers, network=network)
    except Forged:
        return answer(401, sentence="This webhook is not signed as Plaid signs.", code="not_verified")
    return {"success": True}
