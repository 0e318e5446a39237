"""Webhooks about Link's own sessions: for hosted and multi-item ones, or for all where that is switched on."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.config import ENVIRONMENT
from mingus.simulator.link.sessions import find_session
from mingus.simulator.link.settings import link_settings

if TYPE_CHECKING:
    from mingus.simulator.link.sessions import LinkSession
    from mingus.simulator.link.tokens import LinkToken
    from mingus.simulator.simulator import Simulator

ABANDONED_AFTER = timedelta(minutes=10)


def item_added(sim: Simulator, token: LinkToken, session: LinkSession, public_token: str) -> None:
    """Tell of one Item of a multi-item session as soon as it exists."""
    if token.multi_item:
        _send(sim, token, session, "ITEM_ADD_RESULT", public_token=public_token)


def session_opened(sim: Simulator, token: LinkToken, session: LinkSession) -> None:
    """Plan to tell what happened in it, should the person just walk away; a restart forgets the plan."""
    if token.session_webhook and _watched(sim, token):
        tell = partial(_tell_abandoned, sim, token, session.link_session_id)
        sim.scheduler.at(session.started_at + ABANDONED_AFTER, tell)


def session_finished(sim: Simulator, token: LinkToken, session: LinkSession) -> None:
    """Tell how the session ended, and everything that happened in it."""
    if not _watched(sim, token):
        return
    tokens = [result["public_token"] for result in session.added]
    ending: dict[str, Any] = {"status": "SUCCESS" if session.success else "EXITED", "public_tokens": tokens}
    if tokens:
        ending["public_token"] = tokens[0]
    _send(sim, token, session, "SESSION_FINISHED", **ending)
    _send(sim, token, session, "EVENTS", events=session.events)


def _watched(sim: Simulator, token: LinkToken) -> bool:
    return bool(token.hosted_id) or token.multi_item or link_settings(sim).webhooks_for_every_session


def _tell_abandoned(sim: Simulator, token: LinkToken, link_session_id: str) -> None:
    session = find_session(sim, link_session_id)
    if session is not None and session.finished_at is None:
        _send(sim, token, session, "EVENTS", events=session.events)


def _send(sim: Simulator, token: LinkToken, session: LinkSession, code: str, **more: Any) -> None:
    if not token.session_webhook:
        return
    payload = {
        "webhook_type": "LINK",
        "webhook_code": code,
        "link_session_id": session.link_session_id,
        "link_token": token.token,
        "environment": ENVIRONMENT,
        **more,
    }
    if code == "SESSION_FINISHED" and "user_id" in token.request:
        payload["user_id"] = token.request["user_id"]
    sim.webhooks.send(token.session_webhook, payload)
