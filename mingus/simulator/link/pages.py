"""Link's own addresses: the script, the frame and its steps, hosted links, banks' pages, switches."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import msgspec
from werkzeug.wrappers import Response

from mingus.simulator.clock import iso
from mingus.simulator.errors import refuse
from mingus.simulator.fields import check
from mingus.simulator.link import bank_pages
from mingus.simulator.link.addresses import served_from
from mingus.simulator.link.endpoints import link_token_create
from mingus.simulator.link.fields import TOKEN_CREATE
from mingus.simulator.link.rendering import page
from mingus.simulator.link.rendering import static_file
from mingus.simulator.link.rules import refuse_field
from mingus.simulator.link.sessions import recent_sessions
from mingus.simulator.link.settings import change_settings
from mingus.simulator.link.settings import link_settings
from mingus.simulator.link.steps import act
from mingus.simulator.link.steps import begin
from mingus.simulator.link.tokens import hosted_token
from mingus.simulator.web import Route
from mingus.simulator.web import json_response

if TYPE_CHECKING:
    from werkzeug import Request

    from mingus.simulator.simulator import Simulator

STATIC = Path(__file__).parent / "static"
TRIAL = {
    "client_name": "The console",
    "language": "en",
    "country_codes": ["US"],
    "user": {"client_user_id": "console"},
    "products": ["transactions"],
}
_ORIGIN = re.compile(r"https?://[^/\s\"'<>]+|null")


def script(sim: Simulator, request: Request) -> Response:
    """The script that defines window.Plaid, with the simulator's address written into it."""
    text = (STATIC / "link-initialize.js").read_text().replace("__SERVED_FROM__", served_from(sim, request))
    return static_file(text.encode(), ".js")


def static(sim: Simulator, request: Request, name: str) -> Response:
    """A style sheet or module of the frame."""
    del sim, request
    known = {path.name: path for path in STATIC.iterdir()}
    if name not in known:
        refuse("NOT_FOUND")
    return static_file(known[name].read_bytes(), known[name].suffix)


def logo(sim: Simulator, request: Request, institution_id: str) -> Response:
    """The bank's emblem as PNG."""
    del request
    picture = sim.institutions.get(institution_id).logo
    if picture is None:
        refuse("NOT_FOUND")
    return Response(
        base64.b64decode(picture),
        content_type="image/png",
        headers={"Cache-Control": "public, max-age=86400"},
    )


def frame(sim: Simulator, request: Request) -> Response:
    """The frame that the script opens; it shows nothing until its page has spoken to it."""
    del sim
    origin = request.args.get("origin", "")
    return page(
        "frame.html",
        embeddable=True,
        origin=origin if _ORIGIN.fullmatch(origin) else "",
        scheme=request.args.get("scheme", ""),
        oauth=request.args.get("oauth", ""),
        hosted_token="",
        completion="",
    )


def hosted(sim: Simulator, request: Request, hosted_id: str) -> Response:
    """Link as a page of its own."""
    token = hosted_token(sim, hosted_id)
    if token is None:
        return _message("This link is not known", "Ask for a new one where you got it.", status=404)
    asked = token.request.get("hosted_link") or {}
    return page(
        "frame.html",
        origin="",
        scheme="",
        oauth=request.args.get("oauth", ""),
        hosted_token=token.token,
        completion=asked.get("completion_redirect_uri") or f"/hl/{hosted_id}/done",
    )


def hosted_done(sim: Simulator, request: Request, hosted_id: str) -> Response:
    """Where a hosted link ends that names no other address."""
    del sim, request, hosted_id
    return _message("All done", "You can close this page.")


def flow_begin(sim: Simulator, request: Request) -> Response:
    """Open Link with a token; the answer is the first step, also when the token is refused."""
    status, step = begin(sim, _json(request))
    return json_response(step, status)


def flow_act(sim: Simulator, request: Request, link_session_id: str, action: str) -> Response:
    """What the person did; the answer is the next step."""
    return json_response(act(sim, link_session_id, action, _json(request)))


def settings_show(sim: Simulator, request: Request) -> Response:
    """Link's switches."""
    del request
    return json_response(msgspec.to_builtins(link_settings(sim)))


def settings_change(sim: Simulator, request: Request) -> Response:
    """Change the named switches, for example {"oauth": "redirect"}."""
    try:
        return json_response(msgspec.to_builtins(change_settings(sim, _json(request))))
    except msgspec.ValidationError as error:
        refuse_field(str(error))


def sessions_show(sim: Simulator, request: Request) -> Response:
    """The newest Link sessions and how far they came, for those who watch."""
    del request
    rows = [
        {
            "link_session_id": session.link_session_id,
            "link_token": session.token,
            "started_at": iso(session.started_at),
            "finished_at": iso(session.finished_at) if session.finished_at else None,
            "pane": session.pane,
            "institution_id": session.institution_id,
            "outcome": "success" if session.success else "exit" if session.exit else None,
            "error_code": (session.error or {}).get("error_code"),
            "events": [event["event_name"] for event in session.events],
        }
        for session in recent_sessions(sim)
    ]
    return json_response({"sessions": rows})


def token_make(sim: Simulator, request: Request) -> Response:
    """A link token without a client, for trying Link by hand; the body may name any field of Plaid's call."""
    wishes = check({**TRIAL, **_json(request)}, TOKEN_CREATE)
    return json_response(link_token_create(sim, wishes))


def _json(request: Request) -> dict[str, Any]:
    """The body as an object. Only JSON is taken: a foreign page cannot send that without being asked first."""
    if request.mimetype != "application/json":
        refuse("INVALID_HEADERS", "Content-Type must be application/json")
    try:
        return msgspec.json.decode(request.get_data(), type=dict[str, Any])
    except msgspec.DecodeError:
        refuse("INVALID_BODY")


def _message(title: str, text: str, status: int = 200) -> Response:
    return page("done.html", status=status, title=title, text=text)


ROUTES = (
    Route(method="GET", path="/link/v2/stable/link-initialize.js", handler=script, summary="window.Plaid"),
    Route(method="GET", path="/link/static/<name>", handler=static, summary="files of the frame"),
    Route(method="GET", path="/link/logo/<institution_id>.png", handler=logo, summary="a bank's emblem"),
    Route(method="GET", path="/link/frame", handler=frame, summary="Link's frame"),
    Route(method="POST", path="/link/flow", handler=flow_begin, summary="open Link"),
    Route(
        method="POST",
        path="/link/flow/<link_session_id>/<action>",
        handler=flow_act,
        summary="one step of Link",
    ),
    Route(method="GET", path="/hl/<hosted_id>", handler=hosted, summary="a hosted link"),
    Route(method="GET", path="/hl/<hosted_id>/done", handler=hosted_done, summary="the end of a hosted link"),
    Route(method="GET", path="/control/link/settings", handler=settings_show, summary="Link's switches"),
    Route(
        method="POST",
        path="/control/link/settings",
        handler=settings_change,
        summary="change Link's switches",
    ),
    Route(
        method="GET", path="/control/link/sessions", handler=sessions_show, summary="the newest Link sessions"
    ),
    Route(
        method="POST",
        path="/control/link/tokens",
        handler=token_make,
        summary="a link token to try Link with",
    ),
    *bank_pages.ROUTES,
)
