"""Link sessions: how far one opening of Link has come, and what there is to tell of it afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from datetime import timedelta
from typing import TYPE_CHECKING
from typing import Any

import msgspec

from mingus.simulator.clock import iso

if TYPE_CHECKING:
    from mingus.simulator.link.tokens import LinkToken
    from mingus.simulator.simulator import Simulator

KIND = "link_session"
KEPT = timedelta(hours=6)
LISTED = 50

Doc = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class LinkSession:
    """One opening of Link. It changes with every step, under the store's lock."""

    link_session_id: str
    token: str
    started_at: datetime
    hosted: bool = False
    oauth: str = "popup"
    # Where the person is: the pane, what Link says of it if they leave now, the error that stands in the way.
    pane: str = ""
    exit_status: str | None = None
    error: Doc | None = None
    phone: str = ""
    remembered: bool = False
    query: str = ""
    institution_id: str | None = None
    username: str = ""
    password: str = ""
    mfa_round: int = 0
    asked_at: datetime | None = None
    oauth_state_id: str | None = None
    # The accounts that the pane showed: their ids change when the same login is linked elsewhere meanwhile.
    offered: list[str] = field(default_factory=list)
    # What came of it, as /link/token/get tells it.
    added: list[Doc] = field(default_factory=list)
    events: list[Doc] = field(default_factory=list)
    success: Doc | None = None
    exit: Doc | None = None
    finished_at: datetime | None = None


def save_session(sim: Simulator, session: LinkSession) -> None:
    """Keep the session as it is now."""
    sim.store.put(KIND, session.link_session_id, msgspec.to_builtins(session))


def find_session(sim: Simulator, link_session_id: str) -> LinkSession | None:
    """The session of that id."""
    doc = sim.store.get(KIND, link_session_id)
    return None if doc is None else msgspec.convert(doc, LinkSession)


def sessions_of(sim: Simulator, token: LinkToken) -> list[LinkSession]:
    """The sessions of a link token that Plaid would still tell of, oldest first."""
    since = sim.clock.now() - KEPT
    sessions = (find_session(sim, link_session_id) for link_session_id in token.session_ids)
    return [session for session in sessions if session is not None and session.started_at >= since]


def recent_sessions(sim: Simulator) -> list[LinkSession]:
    """The newest sessions of all tokens, newest first."""
    sessions = [msgspec.convert(doc, LinkSession) for _, doc in sim.store.all(KIND)]
    return sorted(sessions, key=lambda session: session.started_at, reverse=True)[:LISTED]


def session_doc(session: LinkSession) -> Doc:
    """The session as /link/token/get tells it."""
    return {
        "link_session_id": session.link_session_id,
        "started_at": iso(session.started_at),
        "finished_at": iso(session.finished_at) if session.finished_at else None,
        "events": session.events,
        "exit": session.exit,
        "on_exit": session.exit,
        "on_success": session.success,
        "results": _results(session) if session.added or session.success else None,
    }


def _results(session: LinkSession) -> Doc:
    return {
        "item_add_results": session.added,
        "cra_item_add_results": [],
        "cra_update_results": [],
        "bank_income_results": [],
        "payroll_income_results": [],
        "document_income_results": None,
    }
