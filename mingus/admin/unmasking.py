"""What is masked until somebody says why: shown for minutes, to that admin alone, once the reason is kept."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from flask import flash
from flask import request
from flask import session
from flask_babel import gettext as _

from mingus.services import services
from mingus.web.access import visitor

if TYPE_CHECKING:
    from mingus.audit import AuditAction
    from mingus.auth.models import UserId

SHOWN_FOR = dt.timedelta(minutes=10)
SHORTEST_REASON = 10
LONGEST_REASON = 300
MOST_SHOWN = 5


def is_shown(row_id: str) -> bool:
    """Whether this admin gave a reason for it less than ten minutes ago."""
    until: str = session.get("shown", {}).get(row_id, "")
    return until > services().ambient.now().isoformat()


def show(row_id: str, action: AuditAction, *, subject: UserId | None) -> None:
    """Show it if the form gives a reason, which the person that it is about can read; else ask for one."""
    reason = " ".join(request.form.get("reason", "").split())
    if not SHORTEST_REASON <= len(reason) <= LONGEST_REASON:
        flash(_("Please say why in a sentence: the person can read it."), "error")
        return
    target = row_id if row_id != subject else None
    services().trail.note(action, actor=visitor().id, subject=subject, target=target, reason=reason)
    until = (services().ambient.now() + SHOWN_FOR).isoformat()
    before = list(session.get("shown", {}).items())[1 - MOST_SHOWN :]
    session["shown"] = {**dict(before), row_id: until}


def rule() -> dict[str, int]:
    """How long a reason may be, for the form that asks for it."""
    return {"shortest_reason": SHORTEST_REASON, "longest_reason": LONGEST_REASON}
