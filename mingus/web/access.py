"""Who may come in: signed in by default, a short list of public pages, safe ways back."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import TypeVar
from typing import cast
from urllib.parse import urlsplit

from flask import abort
from flask import current_app
from flask import redirect
from flask import request
from flask import url_for
from flask_login import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from mingus.auth.sessions import network_of

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from mingus.auth.sessions import Visitor

Row = TypeVar("Row")

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
    }
)


def visitor() -> Visitor:
    """The signed-in person of this request; only for pages behind the guard."""
    return cast("Visitor", current_user._get_current_object())  # noqa: SLF001 (Flask-Login's proxy has no public way)


def require_sign_in() -> Response | None:
    """Turn anonymous visitors away from everything that is not on the PUBLIC list; unknown addresses stay 404."""
    if request.endpoint is None or request.endpoint in PUBLIC or current_user.is_authenticated:
        return None
    if wants_json():
        abort(401)
    target = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.login", next=target), code=303)


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
