"""Who may come in: signed in by default, a short list of public pages, safe ways back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import TypeVar
from typing import cast
from urllib.parse import urlsplit

from flask import abort
from flask import current_app
from flask import g
from flask import redirect
from flask import request
from flask import url_for
from flask_login import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from mingus.auth.failures import TokenOnlyReads
from mingus.auth.models import TokenScope
from mingus.auth.sessions import network_of
from mingus.services import services

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from mingus.auth.sessions import Visitor

Row = TypeVar("Row")
API = "/api/plaid/"
READING = frozenset({"GET", "HEAD", "OPTIONS"})

PUBLIC = frozenset(
    {
        "static",
        "web.home",
        "web.healthz",
        "web.readyz",
        "auth.login",
        "auth.register",
        "auth.forgot",
        "auth.reset",
        "auth.verify",
        "auth.verify_sent",
        "webhooks.receive",
        "api_document.openapi",
    }
)


def visitor() -> Visitor:
    """The signed-in person of this request; only for pages behind the guard."""
    return cast("Visitor", current_user._get_current_object())  # noqa: SLF001 (Flask-Login's proxy has no public way)


def see_nobody() -> None:
    """Treat the visitor as a stranger for the rest of this request, without a look at the database."""
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]  # noqa: SLF001 (where Flask-Login keeps it)


def require_sign_in() -> Response | None:
    """Turn anonymous visitors away from everything that is not on the PUBLIC list; unknown addresses stay 404."""
    if request.endpoint is None or request.endpoint in PUBLIC or current_user.is_authenticated:
        return None
    if wants_json():
        abort(401)
    target = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.login", next=target), code=303)


def bearer() -> str | None:
    """The token that a program sent to the API; None where a session is asked for."""
    rule, sent = request.url_rule, request.authorization
    if rule is None or rule.endpoint in PUBLIC or not rule.rule.startswith(API):
        return None
    return (sent.token or "") if sent is not None and sent.type == "bearer" else None


def admit_program() -> None:
    """Let a program in by its token; raises TokenRefused, TokenOnlyReads or TooManyTries."""
    token = bearer()
    if token is None:
        return
    pass_ = services().api_tokens.admit(token, network=network())
    if pass_.scope is not TokenScope.WRITE and request.method not in READING:
        raise TokenOnlyReads
    g.program = pass_.visitor


def program() -> Visitor | None:
    """Whose program this is, once it was let in."""
    found: Visitor | None = g.get("program")
    return found


def wants_json() -> bool:
    """True for the API and for clients that prefer JSON to HTML."""
    if request.path.startswith("/api/"):
        return True
    accepted = request.accept_mimetypes
    return accepted.best_match(["text/html", "application/json"]) == "application/json"


def is_asked_by_the_page() -> bool:
    """True for what an open page asks without anybody doing something."""
    return request.endpoint == "pulse_api.ask" or request.headers.get("X-Live") == "1"


def safe_next(target: str | None) -> str:
    """`target` if it is a page of ours that GET reaches, else the start page; never another host."""
    fallback = url_for("web.home")
    if (
        not target
        or not target.startswith("/")
        or target.startswith("//")
        or not target.isprintable()
        or "\\" in target
    ):
        return fallback
    parts = urlsplit(target)
    if parts.scheme or parts.netloc:
        return fallback
    try:
        endpoint, _ = current_app.url_map.bind("").match(parts.path, method="GET")
    except (HTTPException, RequestRedirect):
        return fallback
    return fallback if endpoint == "static" or endpoint in PUBLIC else target


def owned_or_404(row: Row | None) -> Row:
    """The row, or 404: somebody else's looks exactly like none."""
    if row is None:
        abort(404)
    return row


def network() -> str:
    """The visitor's address shortened to its network, for limits."""
    return network_of(request.remote_addr) or "unknown"
