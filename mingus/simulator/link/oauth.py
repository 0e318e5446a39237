"""Banks with OAuth: Link hands over to the bank's own page and takes up the thread when it is done."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from mingus.simulator.errors import plaid_error
from mingus.simulator.errors import refuse
from mingus.simulator.link.addresses import hosted_address
from mingus.simulator.link.sharing import fail
from mingus.simulator.link.sharing import make_item
from mingus.simulator.link.sharing import repair_item
from mingus.simulator.link.sharing import same_person
from mingus.simulator.logins import Login

if TYPE_CHECKING:
    from mingus.simulator.institutions import Institution
    from mingus.simulator.link.flow import Answers
    from mingus.simulator.link.flow import Flow
    from mingus.simulator.simulator import Simulator

KIND = "oauth_state"
DEFAULT_USERNAME = "user_good"


@dataclass(frozen=True, slots=True, kw_only=True)
class OauthState:
    """One visit to a bank's page."""

    state_id: str
    token: str
    link_session_id: str
    institution_id: str
    client: str
    # Where the browser goes back to; None: the page is a pop-up and just closes.
    return_to: str | None
    status: str = "started"  # then signed_in, then granted or denied
    username: str = DEFAULT_USERNAME
    offered: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()
    processed: bool = False


def save_state(sim: Simulator, state: OauthState) -> None:
    """Keep the visit as it is now."""
    sim.store.put(KIND, state.state_id, msgspec.to_builtins(state))


def find_state(sim: Simulator, state_id: str) -> OauthState | None:
    """The visit of that id."""
    doc = sim.store.get(KIND, state_id)
    return None if doc is None else msgspec.convert(doc, OauthState)


def bank_login(sim: Simulator, institution: Institution, username: str) -> Login:
    """Any credentials pass at an OAuth bank; a username that nobody knows is the good user."""
    login = sim.logins.check(institution, username, "pass_good")
    return login if login.outcome == "ok" else Login(username=DEFAULT_USERNAME)


def show_oauth(flow: Flow) -> None:
    """Offer to leave for the bank; the address is known before the click, or browsers block the pop-up."""
    state = OauthState(
        state_id=flow.sim.ids.uuid(),
        token=flow.token.token,
        link_session_id=flow.session.link_session_id,
        institution_id=flow.institution.institution_id,
        client=flow.token.client_name,
        return_to=_return_address(flow),
    )
    save_state(flow.sim, state)
    flow.session.oauth_state_id = state.state_id
    back = not flow.update_mode and not flow.token.request.get("institution_id")
    flow.show("oauth", back=back, url=bank_address(state), leaves=state.return_to is not None)


def open_oauth(flow: Flow, answers: Answers) -> None:
    """The person goes to the bank."""
    del answers
    state = _state(flow)
    flow.event("OPEN_OAUTH")
    if state.return_to is not None:
        flow.leave_for(bank_address(state))
    else:
        flow.show("waiting", url=bank_address(state))


def check_oauth(flow: Flow, answers: Answers) -> None:
    """Go on once the bank's page has ended, or was closed."""
    state = _state(flow)
    if state.status in {"granted", "denied"} or "true" in answers.all("closed"):
        take_up(flow, state)


def take_up(flow: Flow, state: OauthState) -> None:
    """Back from the bank: the Item is made or repaired, or the person is told that nothing was connected."""
    save_state(flow.sim, replace(state, processed=True))
    if state.status != "granted":
        flow.event("FAIL_OAUTH")
        fail(flow, plaid_error("INSUFFICIENT_CREDENTIALS"))
        return
    flow.event("CLOSE_OAUTH")
    flow.session.error = None
    flow.session.username = state.username
    login = bank_login(flow.sim, flow.institution, state.username)
    if not flow.update_mode:
        make_item(flow, login, state.account_ids)
    elif same_person(flow, login):
        # the bank has its own list of accounts, so what was ticked there always counts
        repair_item(flow, account_ids=state.account_ids)


def resumed_state(sim: Simulator, token: str, address: str) -> OauthState:
    """The visit that an address with oauth_state_id ends, marked as taken up; raises Plaid's OAuth errors."""
    plain, _, rest = address.partition("?")
    query = parse_qsl(rest, keep_blank_values=True)
    given = dict(query).get("oauth_state_id", "").partition("#")[0]
    with sim.store.lock:
        state = find_state(sim, given)
        if state is None:
            refuse("OAUTH_STATE_ID_NOT_FOUND")
        if state.token != token:
            refuse("INCORRECT_LINK_TOKEN")
        if plain != state.return_to or len(query) != 1 or "#" in rest:
            refuse("INCORRECT_OAUTH_NONCE", "receivedRedirectUri is not the address the bank returned to")
        if state.processed:
            refuse("OAUTH_STATE_ID_ALREADY_PROCESSED")
        save_state(sim, replace(state, processed=True))
    return state


def bank_address(state: OauthState) -> str:
    """The bank's page for this visit."""
    return f"/link/bank/{state.state_id}"


def _return_address(flow: Flow) -> str | None:
    if flow.session.oauth != "redirect":
        return None
    if flow.session.hosted and flow.token.hosted_id:
        return hosted_address(flow.sim, flow.token.hosted_id)
    return flow.token.redirect_uri


def _state(flow: Flow) -> OauthState:
    state = find_state(flow.sim, flow.session.oauth_state_id or "")
    if state is None:
        refuse("OAUTH_STATE_ID_NOT_FOUND")
    return state
