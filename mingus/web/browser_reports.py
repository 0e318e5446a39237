"""Where browsers tell what our policy made them refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlsplit

import msgspec
from flask import Blueprint
from flask import abort
from flask import current_app
from flask import request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from mingus.browserreports import WORD_LENGTH
from mingus.browserreports import Refusal
from mingus.services import services
from mingus.web.access import network

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("browser_reports", __name__)
MOST_BYTES = 16 * 1024
MOST_AT_ONCE = 10
TYPES = frozenset({"application/csp-report", "application/reports+json", "application/json"})


@bp.post("/browser-reports")
def receive() -> ResponseReturnValue:
    """Browsers send without a session or a token, so nothing they say is believed: it is counted."""
    if request.mimetype not in TYPES:
        abort(415)
    if request.content_length is None or request.content_length > MOST_BYTES:
        abort(413)
    try:
        said = msgspec.json.decode(request.get_data())
    except (msgspec.DecodeError, UnicodeDecodeError):
        abort(400)
    told = [_refusal(one) for one in _bodies(said)[:MOST_AT_ONCE]]
    services().browser_reports.note([one for one in told if one is not None], network=network())
    return "", 204


def _bodies(said: object) -> list[dict[str, Any]]:
    """The reports in either of the two shapes that browsers send."""
    if isinstance(said, dict):
        said = [{"type": "csp-violation", "body": said.get("csp-report")}]
    entries = said if isinstance(said, list) else []
    return [
        one["body"]
        for one in entries
        if isinstance(one, dict) and one.get("type") == "csp-violation" and isinstance(one.get("body"), dict)
    ]


def _refusal(body: dict[str, Any]) -> Refusal | None:
    directive = str(body.get("effectiveDirective") or body.get("violated-directive") or "").split(" ")[0]
    if not directive.replace("-", "").isalpha():
        return None
    return Refusal(
        directive=directive[:WORD_LENGTH],
        blocked=_origin(str(body.get("blockedURL") or body.get("blocked-uri") or "")),
        page=_rule(str(body.get("documentURL") or body.get("document-uri") or "")),
    )


def _origin(url: str) -> str:
    """Who was blocked: scheme and host, or the keyword that browsers use; never a path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "?"
    text = f"{parts.scheme}://{parts.netloc}" if parts.netloc else parts.scheme or url
    return "".join(one for one in text if one.isprintable())[:WORD_LENGTH] or "?"


def _rule(url: str) -> str:
    """The kind of page: addresses hold ids and one-time links."""
    try:
        path = urlsplit(url).path
        rule, _ = current_app.url_map.bind("").match(path or "/", method="GET", return_rule=True)
    except (ValueError, HTTPException, RequestRedirect):
        return "?"
    return str(rule.rule)[:WORD_LENGTH]
