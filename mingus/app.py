"""Assembly: settings in, application out."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask
from flask import current_app
from flask import g
from flask import request
from flask_babel import Babel
from flask_babel import force_locale
from flask_login import LoginManager
from flask_login import current_user
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from mingus import audit
from mingus import cli
from mingus import config
from mingus import logs
from mingus import metrics
from mingus import tracing
from mingus import wall
from mingus.admin import aside_views  # noqa: F401 (puts its pages on the admin's blueprint)
from mingus.admin import connection_views  # noqa: F401 (so does this)
from mingus.admin import inbox_views  # noqa: F401 (and this)
from mingus.admin import people_views  # noqa: F401 (and this)
from mingus.admin import sync_views  # noqa: F401 (and this)
from mingus.admin import system_views  # noqa: F401 (and this)
from mingus.admin import views as admin_views
from mingus.ambient import SystemAmbient
from mingus.auth import entry_views
from mingus.auth import security_views
from mingus.auth import settings_views
from mingus.auth import token_views
from mingus.auth import views as auth_views
from mingus.auth.sessions import REMEMBERED_LIFETIME
from mingus.config import PlaidEnvironment
from mingus.config import Settings
from mingus.db import db
from mingus.db import engine_options
from mingus.db import prepare
from mingus.exports import views as exports_views
from mingus.imports import views as imports_views
from mingus.imports.rows import MOST_BYTES
from mingus.jobs import HueyJobs
from mingus.leaving import views as leaving_views
from mingus.local_setup import DEMO_EMAIL
from mingus.local_setup import DEMO_PASSWORD
from mingus.manual import views as manual_views
from mingus.notices import views as notice_views
from mingus.plaid import activity_views
from mingus.plaid import api as plaid_api
from mingus.plaid import api_document
from mingus.plaid import ledger_api
from mingus.plaid import products_api
from mingus.plaid import pulse_api
from mingus.plaid import views as plaid_views
from mingus.reports import views as reports_views
from mingus.schema import MIGRATIONS
from mingus.services import EXTENSION
from mingus.services import build
from mingus.services import services
from mingus.transactions import edit_views
from mingus.transactions import rule_views
from mingus.transactions import views as transactions_views
from mingus.web import access
from mingus.web import browser_reports
from mingus.web import errors
from mingus.web import pages
from mingus.web import regions
from mingus.web import static
from mingus.web import styleguide
from mingus.web import templating
from mingus.web import texts
from mingus.web import watching
from mingus.web.compression import compress
from mingus.web.cookies import SessionCookies
from mingus.web.headers import LINK_MARK
from mingus.web.headers import SecurityHeaders
from mingus.web.rendering import Templates
from mingus.webhooks import views as webhook_views

if TYPE_CHECKING:
    from flask import Request
    from flask import Response
    from flask.typing import ResponseReturnValue

    from mingus.ambient import Ambient
    from mingus.auth.passwords import Passwords
    from mingus.auth.sessions import Visitor
    from mingus.jobs import Jobs

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 1024 * 1024
MAX_FORM_FIELDS = 500
ROOM_FOR = {"imports.begin": MOST_BYTES + MAX_BODY_BYTES}  # files, and what is around them in the request


def create_app(
    settings: Settings | None = None,
    *,
    ambient: Ambient | None = None,
    jobs: Jobs | None = None,
    passwords: Passwords | None = None,
) -> Flask:
    """The whole application; without settings it reads them, and raises SettingsRefused when they are unfit."""
    settings = settings or config.load()
    if settings.metrics:
        metrics.configure(settings.data_dir / "metrics")
    app = Flask("mingus", root_path=str(config.ROOT), static_folder=None)
    app.jinja_environment = Templates
    app.config.from_mapping(_flask_config(settings))
    app.session_interface = SessionCookies(app)
    _open_database(app, settings)
    app.extensions[EXTENSION] = build(
        settings,
        ambient=ambient or SystemAmbient(),
        jobs=jobs or HueyJobs(settings.queue_url),
        render=_mail_text,
        passwords=passwords,
    )
    _bind_requests(app, settings)
    files = static.prepare(config.ROOT / "static", settings.data_dir / "static")
    app.extensions[static.EXTENSION] = files
    demo = templating.DemoSignIn(email=DEMO_EMAIL, password=DEMO_PASSWORD)
    templating.register(app, settings, files, demo)
    errors.register(app)
    for blueprint in (
        pages.bp,
        watching.bp,
        auth_views.bp,
        settings_views.bp,
        token_views.bp,
        entry_views.bp,
        security_views.bp,
        leaving_views.bp,
        browser_reports.bp,
        exports_views.bp,
        manual_views.bp,
        imports_views.bp,
        plaid_views.bp,
        plaid_api.bp,
        ledger_api.bp,
        products_api.bp,
        activity_views.bp,
        webhook_views.bp,
        pulse_api.bp,
        api_document.bp,
        notice_views.bp,
        transactions_views.bp,
        edit_views.bp,
        rule_views.bp,
        reports_views.bp,
        admin_views.bp,
    ):
        app.register_blueprint(blueprint)
    if settings.environment is not PlaidEnvironment.PRODUCTION:
        app.register_blueprint(styleguide.bp)
    cli.register(app)
    _wrap(app, settings, files)
    return app


def _flask_config(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.session_keys[0],
        "SECRET_KEY_FALLBACKS": list(settings.session_keys[1:]),
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(settings.database_url),
        "SESSION_COOKIE_NAME": "__Host-mingus" if settings.https else "mingus",
        "SESSION_COOKIE_SECURE": settings.https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",  # Strict would lose the session on the way back from a bank
        "PERMANENT_SESSION_LIFETIME": REMEMBERED_LIFETIME,
        "SESSION_REFRESH_EACH_REQUEST": False,
        "TRUSTED_HOSTS": list(settings.trusted_hosts),
        "MAX_CONTENT_LENGTH": MAX_BODY_BYTES,
        "MAX_FORM_MEMORY_SIZE": MAX_BODY_BYTES,
        "MAX_FORM_PARTS": MAX_FORM_FIELDS,
        "WTF_CSRF_CHECK_DEFAULT": False,  # _bind_requests asks for it, after it looked for a program's token
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session, which has its own limits
        "BABEL_DEFAULT_LOCALE": "en",
        "BABEL_TRANSLATION_DIRECTORIES": str(
            texts.prepare(config.ROOT / "translations", settings.data_dir / "texts")
        ),
        "BABEL_DEFAULT_TIMEZONE": "UTC",
    }


def _open_database(app: Flask, settings: Settings) -> None:
    if app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite:///"):
        Path(app.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///")).parent.mkdir(
            parents=True, exist_ok=True
        )
    db.init_app(app)
    with app.app_context():
        prepare(db.engine, slow_ms=settings.slow_query_ms)
        wall.attach(db.engine, settings.database_web_role)
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=True)


def _bind_requests(app: Flask, settings: Settings) -> None:
    """What happens around every request, in its order."""
    headers = SecurityHeaders(settings)

    @app.before_request
    def _identify() -> None:
        g.began = time.perf_counter()
        request.max_content_length = ROOM_FOR.get(request.endpoint or "", MAX_BODY_BYTES)
        g.request_id = services().ambient.new_id("req")
        g.around = ExitStack()
        method, rule = request.method, _rule()
        facts: tracing.Facts = {"method": method, "route": rule, "request_id": g.request_id}
        span = tracing.span(f"{method} {rule or 'none'}", side="SERVER", **facts)
        g.around.enter_context(span)
        g.log_token = logs.BOUND.set({"request_id": g.request_id})
        origin = audit.Origin(request_id=g.request_id, address=access.network())
        g.origin_token = audit.ORIGIN.set(origin)

    csrf = CSRFProtect(app)
    login = LoginManager(app)
    login.session_protection = None  # sessions are rows here and have their own rules

    @login.user_loader  # type: ignore[untyped-decorator]  # flask-login ships no types
    def _load(token: str) -> Visitor | None:
        return None if access.bearer() is not None else services().sessions.visitor(token, access.device())

    @login.request_loader  # type: ignore[untyped-decorator]  # flask-login ships no types
    def _load_program(_: Request) -> Visitor | None:
        return access.program()

    Babel(app, locale_selector=_locale, timezone_selector=_time_zone, configure_jinja=False)

    @app.before_request
    def _admit() -> ResponseReturnValue | None:
        if request.endpoint in access.SESSIONLESS:
            return None
        access.admit_program()
        by_session = access.bearer() is None
        if by_session:  # no page of another site can send a token, and with one the cookie counts for nothing
            csrf.protect(apply_exemptions=True)
        refused = access.guard()
        if refused is not None:
            return refused
        if access.sees_own_rows_alone():
            wall.enter(settings.database_web_role, access.visitor().id)
        # what pages ask by themselves must not keep the session of somebody who has left awake
        if by_session and current_user.is_authenticated and not access.is_asked_by_the_page():
            services().sessions.note_seen(access.visitor())
        return None

    @app.after_request
    def _finish(response: Response) -> Response:
        headers.on_response(response, link=bool(g.get(LINK_MARK)))
        compress(request, response, services().ambient)
        response.headers["X-Request-Id"] = g.get("request_id", "")
        method, rule, status = request.method, _rule(), response.status_code
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        tracing.tell(status=status)
        metrics.request_done(method=method, route=rule, status=status, seconds=seconds)
        fields = {"method": method, "route": rule, "status": status, "milliseconds": int(seconds * 1000)}
        log.info("request", extra=fields)
        return response

    @app.teardown_request
    def _forget(_: BaseException | None) -> None:
        wall.leave()
        g.pop("around", ExitStack()).close()
        for variable, token in ((logs.BOUND, "log_token"), (audit.ORIGIN, "origin_token")):
            if token in g:
                variable.reset(g.pop(token))


def _wrap(app: Flask, settings: Settings, files: static.StaticFiles) -> None:
    """WSGI layers: static files first, then the proxies that the operator trusts."""
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app,
        root=str(files.root),
        prefix=files.prefix,
        max_age=static.FOR_EVER,
        immutable_file_test=lambda *_: True,
        allow_all_origins=False,
        add_headers_function=SecurityHeaders(settings).on_static,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]


def _rule() -> str | None:
    """The rule, not the path: paths of one-time links are secrets."""
    return request.url_rule.rule if request.url_rule else None


def _locale() -> str:
    if current_user and current_user.is_authenticated:
        return regions.written(current_user.locale)
    return regions.written(regions.wished(request.accept_languages.values()))


def _time_zone() -> str:
    return str(current_user.time_zone) if current_user and current_user.is_authenticated else "UTC"


def _mail_text(template: str, locale: str, **words: object) -> str:
    """A mail's text in its reader's language; outside of a request too."""
    with force_locale(regions.written(locale)):
        return current_app.jinja_env.get_template(template).render(**words)
