"""The last steps of Link: which accounts, then the Item itself, new or repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from mingus.simulator.errors import PlaidError
from mingus.simulator.errors import plaid_error
from mingus.simulator.link import notices
from mingus.simulator.link.rendering import account_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.simulator.items import Item
    from mingus.simulator.link.flow import Answers
    from mingus.simulator.link.flow import Flow
    from mingus.simulator.logins import Login

Doc = dict[str, Any]

DEFAULT_DAYS = 90  # of history, where the token does not say


def signed_in(flow: Flow, login: Login) -> None:
    """The bank let the person in: on to the accounts, or straight to the end where there is nothing to choose."""
    flow.session.error = None
    if flow.update_mode:
        _signed_in_again(flow, login)
        return
    accounts = offered_accounts(flow, login)
    if not accounts:
        fail(flow, plaid_error("NO_ACCOUNTS"))
    else:
        show_accounts(flow, accounts)


def fail(flow: Flow, error: PlaidError, *, fatal: bool = False) -> None:
    """Show the error with what the person can do now; after a fatal one that is leaving."""
    flow.failed(error)
    actions = [] if fatal else _ways_on(flow)
    flow.show("error", error=error.body(), actions=actions, request_id=flow.request_id)


def offered_accounts(flow: Flow, login: Login) -> list[Doc]:
    """The accounts that the bank has for this login and the token's filters let through."""
    return flow.sim.items.preview_accounts(
        flow.institution.institution_id, login, flow.token.products, flow.token.account_filters
    )


def show_accounts(
    flow: Flow, accounts: Sequence[Doc], *, ticked: Sequence[str] | None = None, error: str = ""
) -> None:
    """Let the person tick accounts; all are ticked unless said."""
    flow.session.offered = [account["account_id"] for account in accounts]
    chosen = set(flow.session.offered) if ticked is None else set(ticked)
    flow.show("accounts", accounts=[account_view(row) for row in accounts], ticked=chosen, error=error)


def submit_accounts(flow: Flow, answers: Answers) -> None:
    """Share the ticked accounts; with none ticked the pane says so."""
    ticked = [account_id for account_id in flow.session.offered if account_id in answers.all("account")]
    if ticked and flow.update_mode:
        repair_item(flow, account_ids=ticked)
    elif ticked:
        make_item(flow, current_login(flow), ticked)
    else:
        show_accounts(flow, _accounts_now(flow), ticked=(), error="Choose at least one account.")


def make_item(flow: Flow, login: Login, account_ids: Sequence[str]) -> None:
    """Make the Item; Link then shows that it is connected, and how it ends is remembered already."""
    try:
        item = flow.sim.items.create(
            institution_id=flow.institution.institution_id,
            login=login,
            account_ids=list(account_ids),
            **_item_wishes(flow),
        )
    except PlaidError as error:
        fail(flow, error)
        return
    public_token = flow.sim.items.issue_public_token(item)
    accounts = callback_accounts(item)
    flow.session.added.append(
        {"public_token": public_token, "accounts": accounts, "institution": flow.institution_doc()}
    )
    notices.item_added(flow.sim, flow.token, flow.session, public_token)
    show_connected(flow, accounts)


def repair_item(flow: Flow, *, account_ids: Sequence[str] | None = None) -> None:
    """Update mode is done: the Item is healthy again, with the accounts that are ticked now."""
    item = update_item(flow)
    flow.sim.items.repair(item, account_ids=None if account_ids is None else list(account_ids))
    item.consented_products = list(
        dict.fromkeys(
            [*item.consented_products, *flow.token.request.get("additional_consented_products", ())]
        )
    )
    flow.sim.items.save(item)
    show_connected(flow, callback_accounts(item))


def show_connected(flow: Flow, accounts: Sequence[Doc]) -> None:
    """Say that it worked; the person finishes, or goes on with another bank."""
    flow.show("connected", accounts=accounts, update=flow.update_mode, multi=flow.token.multi_item)


def finish(flow: Flow, answers: Answers) -> None:
    """HANDOFF. With several banks the page gets no token: they were told one by one."""
    del answers
    if flow.update_mode:
        item = update_item(flow)
        flow.hand_off(flow.sim.items.issue_public_token(item), callback_accounts(item))
    elif flow.token.multi_item:
        flow.hand_off("", [])
    else:
        added = flow.session.added[-1]
        flow.hand_off(added["public_token"], added["accounts"])


def same_person(flow: Flow, login: Login) -> bool:
    """Whether the login is the one the Item was made with; Link shows the error if not."""
    same = login.username == update_item(flow).username
    if not same:
        fail(flow, plaid_error("INVALID_UPDATED_USERNAME"))
    return same


def update_item(flow: Flow) -> Item:
    """The Item that this token repairs; raises PlaidError once it is gone."""
    return flow.sim.items.by_access_token(flow.token.access_token or "")


def current_login(flow: Flow) -> Login:
    """What the credentials of this session come to now."""
    return flow.sim.logins.check(flow.institution, flow.session.username, flow.session.password)


def shared_ids(item: Item) -> list[str]:
    """The ids of the accounts that the Item shares now."""
    return [account.account_id for account in item.visible_accounts()]


def callback_accounts(item: Item) -> list[Doc]:
    """The Item's accounts as onSuccess carries them."""
    return [_callback_account(account.shape()) for account in item.visible_accounts()]


def _callback_account(account: Doc) -> Doc:
    return {
        "id": account["account_id"],
        "name": account["name"],
        "mask": account["mask"],
        "type": account["type"],
        "subtype": account["subtype"],
        "verification_status": account.get("verification_status"),
        "class_type": None,
    }


def _item_wishes(flow: Flow) -> Doc:
    """What the link token says about the new Item."""
    request, offered = flow.token.request, flow.institution.products
    where_supported = [name for name in request.get("required_if_supported_products", ()) if name in offered]
    return {
        "products": [*flow.token.products, *where_supported],
        "optional_products": request.get("optional_products", ()),
        "consented_products": request.get("additional_consented_products", ()),
        "webhook": flow.token.webhook,
        "client_user_id": (request.get("user") or {}).get("client_user_id"),
        "days_requested": (request.get("transactions") or {}).get("days_requested", DEFAULT_DAYS),
        "account_filters": flow.token.account_filters,
    }


def _signed_in_again(flow: Flow, login: Login) -> None:
    if not same_person(flow, login):
        return
    item = update_item(flow)
    if flow.token.update.get("account_selection_enabled"):
        show_accounts(flow, flow.sim.items.candidate_accounts(item), ticked=shared_ids(item))
    else:
        repair_item(flow)


def _accounts_now(flow: Flow) -> list[Doc]:
    if flow.update_mode:
        return flow.sim.items.candidate_accounts(update_item(flow))
    return offered_accounts(flow, current_login(flow))


def _ways_on(flow: Flow) -> list[Doc]:
    retry = {"action": "retry", "label": "Try again"}
    another = {"action": "another", "label": "Choose another bank"}
    return [retry] if flow.update_mode or flow.token.request.get("institution_id") else [retry, another]
