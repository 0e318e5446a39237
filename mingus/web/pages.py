"""The start page, and what machines ask: is the process alive, is it ready?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint
from flask import current_app
from flask import jsonify
from flask import render_template
from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from mingus import mail
from mingus import readiness
from mingus.auth.sessions import IDLE
from mingus.auth.sessions import LIFETIME
from mingus.auth.sessions import REMEMBERED_LIFETIME
from mingus.leaving.service import KEPT
from mingus.plaid import queries
from mingus.plaid.pulse import pulse_of
from mingus.reports import dashboard
from mingus.services import services
from mingus.web import static
from mingus.web.access import visitor
from mingus.web.appicon import ICONS

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from mingus.web.static import StaticFiles

bp = Blueprint("web", __name__)
CANVAS = "#f7f6f2"  # --color-canvas by day; the pages' own theme colours follow the theme


@bp.get("/")
def home() -> ResponseReturnValue:
    if current_user.is_authenticated:
        environment = services().settings.environment.value
        now = services().ambient.now()
        pulse = pulse_of(visitor().id, environment=environment, now=now)
        cards = queries.connection_cards(visitor().id, environment=environment, now=now)
        today = services().ambient.today(visitor().time_zone)
        page = dashboard.of(visitor().id, environment=environment, today=today)
        return render_template("dashboard.html", pulse=pulse, cards=cards, page=page)
    return render_template("home.html")


@bp.get("/manifest.webmanifest")
def manifest() -> ResponseReturnValue:
    """What a device needs to install this as an app."""
    files: StaticFiles = current_app.extensions[static.EXTENSION]
    icons = [
        {
            "src": files.url(icon.path),
            "sizes": f"{icon.size}x{icon.size}",
            "type": "image/png",
            "purpose": "maskable" if icon.full else "any",
        }
        for icon in ICONS
    ]
    shortcuts = (
        (_("Transactions"), "transactions.index"),
        (_("Accounts"), "plaid.accounts"),
        (_("Reports"), "reports.index"),
    )
    answer = jsonify(
        {
            "id": "/",
            "name": "MINGUS",
            "short_name": "MINGUS",
            "description": _("What you own, owe, earn and spend, on a server of your own."),
            "lang": str(get_locale()).replace("_", "-"),
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": CANVAS,
            "theme_color": CANVAS,
            "categories": ["finance"],
            "icons": icons,
            "shortcuts": [{"name": name, "url": url_for(endpoint)} for name, endpoint in shortcuts],
        }
    )
    answer.mimetype = "application/manifest+json"
    return answer


@bp.get("/privacy")
def privacy() -> ResponseReturnValue:
    """What is kept where and for how long, from the settings in force."""
    return render_template(
        "privacy.html",
        settings=services().settings,
        idle_minutes=int(IDLE.total_seconds() // 60),
        hours=int(LIFETIME.total_seconds() // 3600),
        remembered_days=REMEMBERED_LIFETIME.days,
        letter_days=mail.KEPT.days,
        receipt_days=KEPT.days,
    )


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """The process answers; nothing else is asked."""
    return jsonify({"status": "ok"})


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Database, migrations, queue and lag; 503 when traffic should go elsewhere."""
    report = readiness.check(services())
    return jsonify(
        {"status": "ok" if report.ready else "unready", **report.facts}
    ), 200 if report.ready else 503
