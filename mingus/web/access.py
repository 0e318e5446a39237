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
from flask import session
from flask import url_for
from flask_login import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from mingus.auth.failures import ConfirmFirst
from mingus.auth.failures import FactorRequired
from mingus.auth.failures import TokenOnlyReads
from mingus.auth.models import TokenScope
from mingus.auth.sessions import FRESH
from mingus.auth.sessions import network_of
from mingus.config import SecondFactor
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
        "web.manifest",
        "web.privacy",
        "web.healthz",
        "web.readyz",
        "watching.prometheus",
        "auth.login",
        "entry.factor",
        "entry.question",
        "entry.answer",
        "leaving.receipt",
        "auth.register",
        "auth.forgot",
        "auth.reset",
        "auth.verify",
        "auth.verify_sent",
        "webhooks.receive",
        "browser_reports.receive",
        "api_document.openapi",
    }
)
FOR_ANYBODY = PUBLIC - {"web.home"}  # the home page is the visitor's own once there is one
# no session, no form and no token: whoever asks these is nobody, or says who it is in a way of its own, as Plaid by its
# signature; browsers' reports are counted and not believed
SESSIONLESS = frozenset(
    {
        "static",
        "web.healthz",
        "web.readyz",
        "watching.prometheus",
        "webhooks.receive",
        "browser_reports.receive",
    }
)

# what is dangerous asks who you are if you did not say so lately: these whole, form and all …
ASKED_ANEW = frozenset(
    {
        "plaid.connect",
        "plaid.disconnect",
        "plaid_api.link_token",
        "plaid_api.reauth",
        "plaid_api.disconnect",
        "settings.password",
        "leaving.leave",
        "security.app",
        "exports.everything",
    }
)
# … and these once they change something, as every change on an admin page does
ASKED_TO_CHANGE = frozenset(
    {
        "settings.change_email",
        "settings.confirm_email",
        "tokens.index",
        "security.begin_app",
        "security.remove_app",
        "security.question",
        "security.answer",
        "security.remove_passkey",
        "security.make_codes",
    }
)
ADMIN = "admin."
# where somebody who must still add a second factor may go
FACTOR_FREE = FOR_ANYBODY | {
    "auth.logout",
    "entry.confirm",
    "entry.go_on",
    "entry.confirm_question",
    "entry.confirm_answer",
}
# outside of the API these take JSON; a form that was sent some would stumble over it
TAKES_JSON = frozenset(
    {
        "entry.question",
        "entry.answer",
        "entry.confirm_question",
        "entry.confirm_answer",
        "security.question",
        "security.answer",
        "browser_reports.receive",
    }
)
KEPT_BYTES = 2000  # a cookie holds little more


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


def is_dangerous() -> bool:
    """Whether this request wants a fresh sign-in."""
    endpoint = request.endpoint or ""
    changes = request.method not in READING
    return endpoint in ASKED_ANEW or (changes and (endpoint in ASKED_TO_CHANGE or endpoint.startswith(ADMIN)))


def require_fresh() -> Response | None:
    """Before something dangerous, ask who it is unless that was said lately; what was being done is kept.

    A program's token stands for itself: it was made by a fresh sign-in and does what its scope says.
    """
    if program() is not None or not current_user.is_authenticated or not is_dangerous():
        return None
    changes = request.method not in READING
    if services().ambient.now() - visitor().authenticated_at <= FRESH:
        if changes:
            session.pop("kept", None)
        return None
    if wants_json():
        raise ConfirmFirst
    if not changes:
        return redirect(url_for("entry.confirm", next=request.full_path.rstrip("?")), code=303)
    _keep_form()
    return redirect(url_for("entry.confirm", next=request.path), code=303)


def sees_own_rows_alone() -> bool:
    """Whether this request is about the visitor's own: public pages are for anybody, admins' about everybody."""
    endpoint = request.endpoint or ""
    if endpoint in FOR_ANYBODY or endpoint.startswith(ADMIN):
        return False
    return bool(current_user.is_authenticated)


def require_text() -> Response | None:
    """Refuse a NUL in an address or a form: it is no letter, and PostgreSQL keeps no text with one."""
    if "\x00" in request.path:
        abort(404)
    fields = [*request.args.items(multi=True), *request.form.items(multi=True)]
    if any("\x00" in text for pair in fields for text in pair):
        abort(400)
    return None


def require_form() -> Response | None:
    """Forms are sent as forms: JSON goes to the API and to the few pages that ask for it; raises 415."""
    if request.is_json and not request.path.startswith("/api/") and request.endpoint not in TAKES_JSON:
        abort(415)
    return None


def _keep_form() -> None:
    """Put what was posted into the session's cookie, to be posted again. Never a password, never a long text."""
    fields = [pair for pair in request.form.items(multi=True) if pair[0] != "csrf_token"]
    secret = any(name in {"password", "password_again", "current"} for name, _ in fields)
    session.pop("kept", None)
    if not secret and len(repr(fields)) <= KEPT_BYTES:
        session["kept"] = {"url": request.path, "fields": fields}


def guard() -> Response | None:
    """Everything that is asked before a page is reached, in its order; the answer when it is not reached."""
    for ask in (require_text, require_sign_in, require_factor, require_form, require_fresh):
        found = ask()
        if found is not None:
            return found
    return None


def must_add_factor() -> bool:
    """Whether this person has to have a second factor and has none."""
    wanted = services().settings.second_factor
    due = wanted is SecondFactor.EVERYBODY or (wanted is SecondFactor.ADMINS and visitor().is_admin)
    return due and not visitor().has_factor


def require_factor() -> Response | None:
    """Where a second factor is required, those without one are led to adding it and nowhere else."""
    endpoint = request.endpoint or ""
    if endpoint in FACTOR_FREE or endpoint.startswith("security."):
        return None
    if not current_user.is_authenticated or program() is not None or not must_add_factor():
        return None
    if wants_json():
        raise FactorRequired
    return redirect(url_for("security.index"), code=303)


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


def device_cookie() -> str:
    return "__Host-device" if current_app.config["SESSION_COOKIE_SECURE"] else "device"


def device() -> str:
    """What a browser keeps of whoever signed in with it; empty without."""
    return request.cookies.get(device_cookie(), "")


def network() -> str:
    """The visitor's address shortened to its network, for limits."""
    return network_of(request.remote_addr) or "unknown"
