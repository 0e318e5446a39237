"""What a person may do on which pane, and how a session begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.errors import PlaidError
from mingus.simulator.errors import refuse
from mingus.simulator.link import choosing
from mingus.simulator.link import notices
from mingus.simulator.link import oauth
from mingus.simulator.link import sharing
from mingus.simulator.link import signing_in
from mingus.simulator.link.flow import Answers
from mingus.simulator.link.flow import Flow
from mingus.simulator.link.sessions import LinkSession
from mingus.simulator.link.sessions import find_session
from mingus.simulator.link.sessions import save_session
from mingus.simulator.link.settings import link_settings
from mingus.simulator.link.tokens import LinkToken
from mingus.simulator.link.tokens import add_session
from mingus.simulator.link.tokens import check_alive
from mingus.simulator.link.tokens import find_token

if TYPE_CHECKING:
    from mingus.simulator.simulator import Simulator

Doc = dict[str, Any]
Action = Callable[[Flow, Answers], None]


def _leave(flow: Flow, answers: Answers) -> None:
    del answers
    flow.exit()


def _retry(flow: Flow, answers: Answers) -> None:
    del answers
    if flow.session.institution_id is None:
        choosing.show_search(flow)
    elif flow.update_mode:
        choosing.show_first(flow)
    elif flow.institution.status in {"DOWN", "UNSUPPORTED"}:
        choosing.choose(flow, flow.institution.institution_id)
    else:
        choosing.show_login(flow, flow.institution)


def _search_again(flow: Flow, answers: Answers) -> None:
    del answers
    flow.session.username = flow.session.password = ""
    choosing.show_search(flow)


def _back_to_login(flow: Flow, answers: Answers) -> None:
    del answers
    signing_in.retry_login(flow)


def _back_to_consent(flow: Flow, answers: Answers) -> None:
    del answers
    choosing.show_first(flow)


def _back_to_phone(flow: Flow, answers: Answers) -> None:
    if link_settings(flow.sim).phone_pane:
        choosing.show_phone(flow)
    else:
        _back_to_consent(flow, answers)


def _no_layer(flow: Flow, answers: Answers) -> None:
    del answers
    flow.event("LAYER_NOT_AVAILABLE")


_MFA: dict[str, Action] = {"submit": signing_in.submit_mfa, "back": _back_to_login}

ACTIONS: dict[str, dict[str, Action]] = {
    "consent": {"submit": choosing.submit_consent},
    "phone": {"submit": choosing.submit_phone, "skip": choosing.skip_phone, "back": _back_to_consent},
    "code": {"submit": choosing.submit_code, "back": _back_to_phone},
    "search": {
        "search": choosing.search,
        "pick": choosing.pick,
        "saved": choosing.pick_saved,
        "back": _back_to_phone,
    },
    "notice": {"submit": choosing.accept_notice, "back": _search_again},
    "credentials": {"submit": signing_in.submit_credentials, "back": _search_again},
    "device_list": _MFA,
    "device": _MFA,
    "questions": _MFA,
    "selections": _MFA,
    "oauth": {"oauth-open": oauth.open_oauth, "back": _search_again},
    "waiting": {"oauth-check": oauth.check_oauth, "oauth-open": oauth.open_oauth},
    "accounts": {"submit": sharing.submit_accounts},
    "error": {"retry": _retry, "another": _search_again},
    "connected": {"submit": sharing.finish, "another": _search_again, "exit": sharing.finish},
}
ANYWHERE: dict[str, Action] = {"exit": _leave, "submit-data": _no_layer}


def begin(sim: Simulator, values: Doc) -> tuple[int, Doc]:
    """Open Link with a token, or go on after a bank's page; gives HTTP's status and the first step."""
    with sim.store.lock:
        try:
            return _begun(sim, values)
        except PlaidError as error:
            return error.status, _refused(sim, values, error)


def act(sim: Simulator, link_session_id: str, action: str, values: object) -> Doc:
    """The next step of the session; what does not fit the pane (a second click, a late answer) changes nothing.

    Raises INVALID_LINK_TOKEN for a session that nobody knows.
    """
    with sim.store.lock:
        session = find_session(sim, link_session_id)
        if session is None:
            refuse("INVALID_LINK_TOKEN", "no such Link session")
        flow = Flow(sim, _token_of(sim, session), session)
        handler = ACTIONS.get(session.pane, {}).get(action) or ANYWHERE.get(action)
        if handler is not None and session.finished_at is None:
            _carry_out(flow, handler, Answers(values))
            if flow.changed:
                save_session(sim, session)
        return flow.answer()


def _carry_out(flow: Flow, handler: Action, answers: Answers) -> None:
    try:
        if handler not in {_leave, sharing.finish}:
            check_alive(flow.sim, flow.token, single_use=False)
        handler(flow, answers)
    except PlaidError as error:
        sharing.fail(flow, error, fatal=error.error_code in {"INVALID_LINK_TOKEN", "ITEM_NOT_FOUND"})


def _begun(sim: Simulator, values: Doc) -> tuple[int, Doc]:
    token = find_token(sim, values.get("token"))
    check_alive(sim, token, single_use=link_settings(sim).single_use_tokens)
    address = values.get("received_redirect_uri")
    if isinstance(address, str) and _returns(address, values):
        return _resumed(sim, token, address)
    flow = Flow(sim, token, _new_session(sim, token, values))
    add_session(sim, token, flow.session.link_session_id)
    notices.session_opened(sim, token, flow.session)
    flow.event("OPEN")
    _carry_out(flow, lambda step, _: choosing.show_first(step), Answers({}))
    save_session(sim, flow.session)
    return 200, flow.answer()


def _returns(address: str, values: Doc) -> bool:
    """A hosted page always tells its own address; only one with a state is a return from a bank."""
    return "oauth_state_id=" in address if values.get("hosted") else address != ""


def _resumed(sim: Simulator, token: LinkToken, address: str) -> tuple[int, Doc]:
    state = oauth.resumed_state(sim, token.token, address)
    session = find_session(sim, state.link_session_id)
    if session is None or session.finished_at is not None:
        refuse("OAUTH_STATE_ID_NOT_FOUND")
    flow = Flow(sim, token, session)
    flow.event("OPEN")
    _carry_out(flow, lambda step, _: oauth.take_up(step, state), Answers({}))
    save_session(sim, session)
    return 200, flow.answer()


def _refused(sim: Simulator, values: Doc, error: PlaidError) -> Doc:
    """A session of nothing but the error, so that leaving it reports as always."""
    try:
        token = find_token(sim, values.get("token"))
    except PlaidError:
        token = _no_token(sim)
    flow = Flow(sim, token, _new_session(sim, token, values))
    flow.event("OPEN")
    sharing.fail(flow, error, fatal=True)
    save_session(sim, flow.session)
    return flow.answer()


def _new_session(sim: Simulator, token: LinkToken, values: Doc) -> LinkSession:
    asked = values.get("oauth")
    return LinkSession(
        link_session_id=sim.ids.uuid(),
        token=token.token,
        started_at=sim.clock.now(),
        hosted=bool(values.get("hosted")),
        oauth=asked if asked in ("popup", "redirect") else link_settings(sim).oauth,
    )


def _token_of(sim: Simulator, session: LinkSession) -> LinkToken:
    return find_token(sim, session.token) if session.token else _no_token(sim)


def _no_token(sim: Simulator) -> LinkToken:
    """Stands where a page came with a token that does not exist."""
    now = sim.clock.now()
    return LinkToken(token="", created_at=now, expires_at=now, request={"client_name": "This application"})
