"""The admin page about the installation itself: versions, keys, work that waits, limits, backups, the doctor."""

from __future__ import annotations

import platform
import sqlite3
from importlib.metadata import version
from typing import TYPE_CHECKING

from flask import flash
from flask import redirect
from flask import render_template
from flask import request
from flask import url_for
from flask_babel import gettext as _
from sqlalchemy import func
from sqlalchemy import select

from mingus import doctor
from mingus import readiness
from mingus import schema
from mingus.admin.views import bp
from mingus.audit import AuditAction
from mingus.db import db
from mingus.sealed import VaultSecret
from mingus.services import services
from mingus.web.access import visitor

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

PACKAGES = ("flask", "sqlalchemy", "plaid-python", "gunicorn", "huey", "cryptography")


@bp.get("/system")
def system() -> ResponseReturnValue:
    """How the installation stands; `doctor=1` examines it as the command does, which takes some seconds."""
    wired = services()
    waiting: dict[str, int] = {}
    for sweep in wired.sweeps():
        waiting[sweep.kind.value] = waiting.get(sweep.kind.value, 0) + len(sweep.find())
    return render_template(
        "admin/system.html",
        facts=readiness.check(wired).facts,
        waiting={kind: count for kind, count in waiting.items() if count},
        usage=wired.outgoing.shared_usage(),
        backups=wired.backups.latest(10),
        keys=_keys(),
        versions=_versions(),
        revision=schema.current_revision(),
        wanted_revision=schema.wanted_revision(),
        settings=wired.settings,
        findings=doctor.examine(wired) if request.args.get("doctor") == "1" else None,
    )


@bp.post("/system/backup")
def make_backup() -> ResponseReturnValue:
    services().trail.note(AuditAction.BACKUP_ASKED, actor=visitor().id, subject=None)
    services().backups.wish()
    flash(_("A worker makes a backup now."), "success")
    return redirect(url_for("admin.system"), code=303)


def _keys() -> list[tuple[str, int]]:
    """How many secrets each key seals; none of a key can be told from its name."""
    rows = db.session.execute(select(VaultSecret.key_id, func.count()).group_by(VaultSecret.key_id))
    return [(key_id, count) for key_id, count in rows]


def _versions() -> list[tuple[str, str]]:
    engine = db.engine
    found = [("Python", platform.python_version())]
    found += [(name, version(name)) for name in PACKAGES]
    if engine.dialect.name == "sqlite":
        return [*found, ("SQLite", sqlite3.sqlite_version)]
    number = engine.dialect.server_version_info or ()
    return [*found, ("PostgreSQL", ".".join(map(str, number)))]
