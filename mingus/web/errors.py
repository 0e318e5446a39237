"""Failures become pages or JSON here: what happened, what you can do, and the request id."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from flask import g
from flask import jsonify
from flask import make_response
from flask import render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import SecurityError

from mingus.errors import MingusError
from mingus.web import access
from mingus.web.access import wants_json

if TYPE_CHECKING:
    from flask import Flask
    from flask import Response
    from flask.typing import ResponseReturnValue

log = logging.getLogger(__name__)
RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorWords:
    """How one status is told to a person."""

    title: Any
    sentence: Any
    action: Any  # where the button leads: home, back, sign_in, reload


_l = lazy_gettext
WORDS = {
    400: ErrorWords(
        title=_l("We could not read that"),
        sentence=_l("Your browser sent something we did not understand. Nothing was changed."),
        action="back",
    ),
    401: ErrorWords(
        title=_l("Please sign in"), sentence=_l("This page is yours once you sign in."), action="sign_in"
    ),
    403: ErrorWords(
        title=_l("Not allowed"), sentence=_l("You may not do this. Nothing was changed."), action="home"
    ),
    404: ErrorWords(
        title=_l("Nothing here"),
        sentence=_l("There is no page at this address, or it is not yours to see."),
        action="home",
    ),
    405: ErrorWords(
        title=_l("Not this way"),
        sentence=_l("This address does not work like that. Nothing was changed."),
        action="home",
    ),
    408: ErrorWords(
        title=_l("That took too long"),
        sentence=_l("Your request did not arrive in time. Please try again."),
        action="back",
    ),
    409: ErrorWords(
        title=_l("That clashes"),
        sentence=_l("Something changed in the meantime. Reload the page and try again."),
        action="back",
    ),
    410: ErrorWords(title=_l("Gone"), sentence=_l("This is no longer available."), action="home"),
    413: ErrorWords(
        title=_l("Too large"),
        sentence=_l("That is larger than we accept. Nothing was changed."),
        action="back",
    ),
    415: ErrorWords(
        title=_l("Unknown kind of content"), sentence=_l("We accept forms and JSON here."), action="back"
    ),
    422: ErrorWords(
        title=_l("Something is missing"), sentence=_l("Please check what you filled in."), action="back"
    ),
    429: ErrorWords(
        title=_l("A little slower, please"),
        sentence=_l("Too many tries in a short time. Please wait a little and try again."),
        action="reload",
    ),
    500: ErrorWords(
        title=_l("Something broke on our side"),
        sentence=_l("The failure is noted. Nothing of yours is lost. Please try again in a moment."),
        action="reload",
    ),
    503: ErrorWords(
        title=_l("Back in a moment"),
        sentence=_l("We cannot reach our own data just now. Your data is safe. Please try again."),
        action="reload",
    ),
}
CODES = {
    400: "bad_request",
    401: "not_signed_in",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    410: "gone",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}


def answer(
    status: int,
    *,
    sentence: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
    details: dict[str, object] | None = None,
) -> Response:
    """The error as JSON or as a page, as the client prefers."""
    words = WORDS.get(status) or WORDS[500 if status >= 500 else 400]
    text = sentence or str(words.sentence)
    if wants_json():
        error = {
            "code": code or CODES.get(status, "error"),
            "message": text,
            "request_id": g.request_id,
            **(details or {}),
        }
        response = jsonify({"success": False, "error": error})
    else:
        error = {"status": status, "title": words.title, "sentence": text, "action": words.action}
        response = make_response(render_template("errors/page.html", error=error))
    response.status_code = status
    response.headers.update(headers or {})
    return response


def register(app: Flask) -> None:
    """Every failure ends in one of these handlers."""

    @app.errorhandler(MingusError)
    def _ours(err: MingusError) -> ResponseReturnValue:
        headers = {} if err.retry_after_seconds is None else {"Retry-After": str(err.retry_after_seconds)}
        if err.challenge is not None:
            headers["WWW-Authenticate"] = err.challenge
        return answer(err.status, sentence=_(err.public), code=err.code, headers=headers, details=err.details)

    @app.errorhandler(CSRFError)
    def _csrf(err: CSRFError) -> ResponseReturnValue:  # noqa: ARG001 (the reason is for logs, not for people)
        return answer(
            400,
            sentence=_("This form is too old or not from us. Reload the page and send it again."),
            code="csrf",
        )

    @app.errorhandler(SecurityError)
    def _host(err: SecurityError) -> ResponseReturnValue:  # noqa: ARG001
        # a foreign Host header: no URL can be built from it, so no page either
        return "This address is not served here.\n", 400, {"Content-Type": "text/plain; charset=utf-8"}

    @app.errorhandler(HTTPException)
    def _http(err: HTTPException) -> ResponseReturnValue:
        if err.response is not None or err.code is None or err.code < 400:
            return err
        kept = {name: value for name, value in err.get_headers() if name in {"Allow", "Retry-After"}}
        return answer(err.code, headers=kept)

    @app.errorhandler(OperationalError)
    @app.errorhandler(PoolTimeout)
    def _database(err: Exception) -> ResponseReturnValue:
        cause = err.orig if isinstance(err, DBAPIError) else err
        log.error("database unavailable", extra={"failure": type(cause).__name__})
        # the page that says so must not ask the database who is looking at it
        access.see_nobody()
        return answer(503, headers={"Retry-After": str(RETRY_SECONDS)})

    @app.errorhandler(Exception)
    def _unexpected(err: Exception) -> ResponseReturnValue:
        log.error("unexpected failure", exc_info=err)
        return answer(500)
