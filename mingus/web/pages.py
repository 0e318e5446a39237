"""The start page, and what machines ask: is the process alive, is it ready?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint
from flask import jsonify
from flask import render_template
from flask_login import current_user

from mingus import readiness
from mingus.plaid import queries
from mingus.reports import dashboard
from mingus.services import services
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("web", __name__)


@bp.get("/")
def home() -> ResponseReturnValue:
    if current_user.is_authenticated:
        environment = services().settings.environment.value
        cards = queries.connection_cards(visitor().id, environment=environment, now=services().ambient.now())
        today = services().ambient.today(visitor().time_zone)
        page = dashboard.of(visitor().id, environment=environment, today=today)
        return render_template("dashboard.html", cards=cards, page=page)
    return render_template("home.html")


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
