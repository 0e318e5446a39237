"""The calls of Plaid's API that belong to Link."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.clock import iso
from mingus.simulator.errors import refuse
from mingus.simulator.link.addresses import hosted_address
from mingus.simulator.link.fields import TOKEN_CREATE
from mingus.simulator.link.fields import TOKEN_GET
from mingus.simulator.link.rules import check_token_request
from mingus.simulator.link.sessions import session_doc
from mingus.simulator.link.sessions import sessions_of
from mingus.simulator.link.settings import link_settings
from mingus.simulator.link.tokens import find_token
from mingus.simulator.link.tokens import make_token
from mingus.simulator.link.users import USER_CREATE
from mingus.simulator.link.users import check_user
from mingus.simulator.link.users import user_create
from mingus.simulator.web import Endpoint

if TYPE_CHECKING:
    from mingus.simulator.link.tokens import LinkToken
    from mingus.simulator.simulator import Simulator

Doc = dict[str, Any]


def link_token_create(sim: Simulator, body: Doc) -> Doc:
    """A link token for a new Item, or for the Item of `access_token`."""
    check_token_request(body, link_settings(sim))
    check_user(sim, body)
    if "access_token" in body:
        sim.items.by_access_token(body["access_token"])
    if "institution_id" in body:
        _check_institution(sim, body)
    token = make_token(sim, body)
    answer = {"link_token": token.token, "expiration": iso(token.expires_at)}
    if token.hosted_id:
        answer["hosted_link_url"] = hosted_address(sim, token.hosted_id)
    if "user_id" in body:
        answer["user_id"] = body["user_id"]
    return answer


def link_token_get(sim: Simulator, body: Doc) -> Doc:
    """What the token was made with, and what became of its sessions in the last six hours."""
    token = find_token(sim, body["link_token"])
    answer: Doc = {
        "link_token": token.token,
        "created_at": iso(token.created_at),
        "expiration": iso(token.expires_at),
        "metadata": _metadata(token),
    }
    if "user_id" in token.request:
        answer["user_id"] = token.request["user_id"]
    if token.hosted_id or token.multi_item or link_settings(sim).results_for_every_session:
        answer["link_sessions"] = [session_doc(session) for session in sessions_of(sim, token)]
    return answer


def _check_institution(sim: Simulator, body: Doc) -> None:
    institution = sim.institutions.get(body["institution_id"])
    if not set(body.get("products", ())) <= set(institution.products):
        refuse("PRODUCTS_NOT_SUPPORTED", f"{institution.institution_id} does not support all products")


def _metadata(token: LinkToken) -> Doc:
    request = token.request
    metadata = {
        "initial_products": list(token.products),
        "webhook": request.get("webhook"),
        "country_codes": request["country_codes"],
        "language": request["language"],
        "redirect_uri": request.get("redirect_uri"),
        "client_name": request["client_name"],
    }
    optional = {name: request[name] for name in ("account_filters", "institution_data") if name in request}
    return metadata | optional


API = (
    Endpoint(path="/user/create", fields=USER_CREATE, handler=user_create),
    Endpoint(path="/link/token/create", fields=TOKEN_CREATE, handler=link_token_create),
    Endpoint(path="/link/token/get", fields=TOKEN_GET, handler=link_token_get),
)
