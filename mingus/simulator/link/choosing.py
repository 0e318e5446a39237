"""The way to a bank: consent, phone number, search."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.errors import PlaidError
from mingus.simulator.errors import plaid_error
from mingus.simulator.link.catalogue import SHARED
from mingus.simulator.link.oauth import show_oauth
from mingus.simulator.link.rendering import bank_view
from mingus.simulator.link.settings import link_settings
from mingus.simulator.link.sharing import fail
from mingus.simulator.link.sharing import repair_item
from mingus.simulator.link.sharing import shared_ids
from mingus.simulator.link.sharing import show_accounts
from mingus.simulator.link.sharing import signed_in
from mingus.simulator.link.sharing import update_item
from mingus.simulator.link.signing_in import show_credentials

if TYPE_CHECKING:
    from mingus.simulator.institutions import Institution
    from mingus.simulator.link.flow import Answers
    from mingus.simulator.link.flow import Flow

Doc = dict[str, Any]

NEW_PHONE = "4155550010"
KNOWN_PHONE = "4155550011"
PHONE_CODE = "123456"
SAVED = ("ins_109508", "ins_109509")  # what the known phone number has connected before
LISTED = 25
NOT_FOUND = "institution_not_found"
UNSUPPORTED = "ins_133402"  # the API hides banks that are not supported; Link finds this one, to say so


def show_first(flow: Flow) -> None:
    """The first pane of a new session: consent, or in update mode the bank at once."""
    if flow.update_mode:
        flow.session.institution_id = update_item(flow).institution_id
        if not flow.token.request.get("additional_consented_products"):
            _reconnect(flow)
            return
    shown = [SHARED[name] for name in _wanted_products(flow) if name in SHARED]
    flow.show("consent", shared=shown, update=flow.update_mode)


def submit_consent(flow: Flow, answers: Answers) -> None:
    """The person agrees."""
    del answers
    if flow.update_mode:
        _reconnect(flow)
    elif link_settings(flow.sim).phone_pane:
        show_phone(flow)
    else:
        show_search(flow)


def show_phone(flow: Flow, *, error: str = "") -> None:
    """Ask for a phone number, which may be left out."""
    known = (flow.token.request.get("user") or {}).get("phone_number", "")
    flow.show("phone", back=True, phone=flow.session.phone or known, error=error)


def submit_phone(flow: Flow, answers: Answers) -> None:
    """Take one of the two numbers that the sandbox knows; real ones are refused."""
    flow.session.phone = answers.one("phone").strip()
    flow.event("SUBMIT_PHONE")
    digits = re.sub(r"\D", "", flow.session.phone).removeprefix("1")
    if digits not in {NEW_PHONE, KNOWN_PHONE}:
        flow.failed(plaid_error("INVALID_PHONE_NUMBER"))
        show_phone(flow, error="Only 415-555-0010 and 415-555-0011 work here.")
        return
    flow.session.remembered = digits == KNOWN_PHONE
    _show_code(flow)


def skip_phone(flow: Flow, answers: Answers) -> None:
    """Go on without a number."""
    del answers
    flow.session.error = None
    flow.event("SKIP_SUBMIT_PHONE")
    show_search(flow)


def submit_code(flow: Flow, answers: Answers) -> None:
    """Check the code that was not really sent."""
    flow.event("SUBMIT_OTP")
    if answers.one("code").strip() != PHONE_CODE:
        flow.failed(plaid_error("INVALID_OTP"))
        _show_code(flow, error="That code was not correct. Try 123456.")
        return
    flow.event("VERIFY_PHONE")
    flow.session.error = None
    show_search(flow)


def show_search(flow: Flow) -> None:
    """Popular banks, the ones connected before, and a field to search in; a token may name the bank itself."""
    given = flow.token.request.get("institution_id")
    if given:
        choose(flow, given)
        return
    flow.session.institution_id, flow.session.error, flow.session.query = None, None, ""
    saved = [bank_view(flow.sim.institutions.get(key)) for key in SAVED] if flow.session.remembered else []
    flow.show("search", back=True, saved=saved, **_found(flow, ""))


def search(flow: Flow, answers: Answers) -> None:
    """List the banks whose name fits."""
    query = answers.one("query")[:200].strip()
    flow.session.query = query
    flow.event("SEARCH_INSTITUTION", institution_search_query=query)
    found = _found(flow, query)
    flow.session.exit_status = None if found["banks"] else NOT_FOUND
    count = len(found["banks"])
    flow.refresh(
        "banks", "panes/_banks.html", say=f"{count} banks found" if count != 1 else "1 bank found", **found
    )


def pick(flow: Flow, answers: Answers) -> None:
    """A bank of the list."""
    try:
        choose(flow, answers.one("institution"))
    except PlaidError:
        show_search(flow)


def pick_saved(flow: Flow, answers: Answers) -> None:
    """A bank that this phone number has connected before: it does not ask for the login again."""
    if not flow.session.remembered or answers.one("institution") not in SAVED:
        show_search(flow)
        return
    flow.session.institution_id = answers.one("institution")
    flow.session.username, flow.session.password = "user_good", "pass_good"
    flow.event("MATCHED_SELECT_INSTITUTION", match_reason="returning_user")
    signed_in(flow, flow.sim.logins.check(flow.institution, "user_good", "pass_good"))


def choose(flow: Flow, institution_id: str) -> None:
    """Go on with the bank, warn of its troubles first, or say why it cannot be chosen."""
    institution = flow.sim.institutions.get(institution_id)
    flow.session.institution_id = institution_id
    if institution.status == "DOWN":
        flow.event("SELECT_DOWN_INSTITUTION")
        fail(flow, plaid_error("INSTITUTION_DOWN"))
        return
    if institution.status == "UNSUPPORTED":
        flow.event("SELECT_INSTITUTION")
        fail(flow, plaid_error("INSTITUTION_NO_LONGER_SUPPORTED"))
        flow.session.exit_status = "institution_not_supported"
        return
    flow.event("SELECT_INSTITUTION")
    if institution.status == "DEGRADED":
        flow.event("SELECT_DEGRADED_INSTITUTION")
        flow.show("notice", back=True)
    else:
        show_login(flow, institution)


def accept_notice(flow: Flow, answers: Answers) -> None:
    """Try the degraded bank all the same."""
    del answers
    show_login(flow, flow.institution)


def show_login(flow: Flow, institution: Institution) -> None:
    """The bank's own page, or the form for its credentials."""
    if institution.oauth:
        show_oauth(flow)
    else:
        show_credentials(flow, username=flow.session.username)


def _reconnect(flow: Flow) -> None:
    """Update mode: sign in, unless a healthy Item is only to share other accounts or more data."""
    item = update_item(flow)
    flow.session.institution_id = item.institution_id
    selecting = flow.token.update.get("account_selection_enabled")
    if flow.institution.status == "DOWN":
        fail(flow, plaid_error("INSTITUTION_DOWN"))
    elif item.error_code or not (selecting or flow.token.request.get("additional_consented_products")):
        show_login(flow, flow.institution)
    elif selecting and not flow.institution.oauth:
        show_accounts(flow, flow.sim.items.candidate_accounts(item), ticked=shared_ids(item))
    elif selecting:
        show_oauth(flow)
    else:
        repair_item(flow)


def _show_code(flow: Flow, *, error: str = "") -> None:
    flow.show("code", back=True, phone=flow.session.phone, error=error)


def _found(flow: Flow, query: str) -> Doc:
    request = flow.token.request
    countries, products = request["country_codes"], flow.token.products
    institutions = flow.sim.institutions
    if not query:
        rows = institutions.popular(products=products, country_codes=countries)
        return {"banks": [bank_view(row) for row in rows], "query": query}
    found = institutions.search(query, products=products, country_codes=countries, limit=LISTED)
    unsupported = institutions.get(UNSUPPORTED)
    extra = (
        [unsupported] if query.casefold() in unsupported.name.casefold() and unsupported not in found else []
    )
    return {"banks": [bank_view(row) for row in (*found, *extra)], "query": query}


def _wanted_products(flow: Flow) -> list[str]:
    request = flow.token.request
    fields = (
        "products",
        "required_if_supported_products",
        "optional_products",
        "additional_consented_products",
    )
    return [name for field in fields for name in request.get(field, ())]
