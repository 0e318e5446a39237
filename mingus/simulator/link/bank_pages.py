"""The pages of a bank with OAuth: sign in, tick accounts, allow or refuse, go back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any
from urllib.parse import urlencode
from urllib.parse import urlsplit

from werkzeug.utils import redirect

from mingus.simulator.errors import PlaidError
from mingus.simulator.link.oauth import OauthState
from mingus.simulator.link.oauth import bank_login
from mingus.simulator.link.oauth import find_state
from mingus.simulator.link.oauth import save_state
from mingus.simulator.link.rendering import account_view
from mingus.simulator.link.rendering import bank_view
from mingus.simulator.link.rendering import page
from mingus.simulator.link.sharing import shared_ids
from mingus.simulator.link.tokens import find_token
from mingus.simulator.web import Route

if TYPE_CHECKING:
    from werkzeug import Request
    from werkzeug import Response

    from mingus.simulator.simulator import Simulator

ENDED = {"granted", "denied"}
GONE = ("This page has ended", "Go back to where you came from and start again.")
CLOSE = ("You can close this window", "The page you came from goes on by itself.")


def show(sim: Simulator, request: Request, state_id: str) -> Response:
    """Where the visit stands."""
    del request
    state = find_state(sim, state_id)
    if state is None:
        return page("done.html", status=404, title=GONE[0], text=GONE[1])
    if state.status in ENDED:
        return _page(
            sim,
            state,
            "done",
            text=CLOSE if state.return_to is None else GONE,
            closes=state.return_to is None,
        )
    return _page(sim, state, "sign-in") if state.status == "started" else _consent(sim, state)


def submit(sim: Simulator, request: Request, state_id: str) -> Response:
    """What the person did; a form sent twice changes nothing the second time."""
    with sim.store.lock:
        state = find_state(sim, state_id)
        if state is None or state.status in ENDED or state.processed:
            return show(sim, request, state_id)
        action = request.form.get("action", "")
        if action == "deny":
            return _end(sim, replace(state, status="denied"))
        if state.status == "started":
            return _signed_in(sim, state, request.form.get("username", "").strip())
        return (
            _allowed(sim, state, request.form.getlist("account"))
            if action == "allow"
            else _consent(sim, state)
        )


def _signed_in(sim: Simulator, state: OauthState, username: str) -> Response:
    login = bank_login(sim, sim.institutions.get(state.institution_id), username)
    state = replace(state, status="signed_in", username=login.username)
    save_state(sim, state)
    return redirect(f"/link/bank/{state.state_id}", code=303)


def _allowed(sim: Simulator, state: OauthState, wanted: list[str]) -> Response:
    ticked = tuple(account_id for account_id in state.offered if account_id in wanted)
    if not ticked:
        return _consent(sim, state, ticked=(), error="Tick at least one account, or choose not to share.")
    return _end(sim, replace(state, status="granted", account_ids=ticked))


def _end(sim: Simulator, state: OauthState) -> Response:
    save_state(sim, state)
    if state.return_to is None:
        return redirect(f"/link/bank/{state.state_id}", code=303)
    return redirect(f"{state.return_to}?{urlencode({'oauth_state_id': state.state_id})}", code=303)


def _consent(
    sim: Simulator, state: OauthState, *, ticked: tuple[str, ...] | None = None, error: str = ""
) -> Response:
    accounts = _accounts(sim, state)
    # the ids shown now count, even if the same login is linked elsewhere before this form comes back
    save_state(sim, replace(state, offered=tuple(account["account_id"] for account in accounts)))
    chosen = _shared_now(sim, state, accounts) if ticked is None else set(ticked)
    return _page(
        sim, state, "consent", accounts=[account_view(row) for row in accounts], ticked=chosen, error=error
    )


def _accounts(sim: Simulator, state: OauthState) -> list[dict[str, Any]]:
    token = find_token(sim, state.token)
    institution = sim.institutions.get(state.institution_id)
    login = bank_login(sim, institution, state.username)
    if token.access_token:
        item = sim.items.by_access_token(token.access_token)
        if item.username == login.username:
            return sim.items.candidate_accounts(item)
    return sim.items.preview_accounts(state.institution_id, login, token.products, token.account_filters)


def _shared_now(sim: Simulator, state: OauthState, accounts: list[dict[str, Any]]) -> set[str]:
    """In update mode what is shared already; for a new connection everything."""
    token = find_token(sim, state.token)
    offered = {account["account_id"] for account in accounts}
    if not token.access_token:
        return offered
    try:
        shared = set(shared_ids(sim.items.by_access_token(token.access_token)))
    except PlaidError:
        return offered
    return shared & offered or offered


def _page(
    sim: Simulator,
    state: OauthState,
    step: str,
    *,
    text: tuple[str, str] = ("", ""),
    closes: bool = False,
    accounts: list[dict[str, Any]] | None = None,
    ticked: set[str] | None = None,
    error: str = "",
) -> Response:
    back = urlsplit(state.return_to or "")
    return page(
        "bank.html",
        form_targets=(f"{back.scheme}://{back.netloc}",) if back.netloc else (),
        bank=bank_view(sim.institutions.get(state.institution_id)),
        client=state.client,
        step=step,
        title=text[0],
        text=text[1],
        closes=closes,
        accounts=accounts or [],
        ticked=ticked or set(),
        error=error,
    )


ROUTES = (
    Route(method="GET", path="/link/bank/<state_id>", handler=show, summary="an OAuth bank's page"),
    Route(method="POST", path="/link/bank/<state_id>", handler=submit, summary="an OAuth bank's forms"),
)
