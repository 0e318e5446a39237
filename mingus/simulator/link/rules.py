"""The rules of /link/token/create that look at several fields at once; each raises Plaid's error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from typing import Any
from typing import NoReturn
from urllib.parse import urlsplit

from mingus.simulator.errors import refuse
from mingus.simulator.link.catalogue import ADDITIONAL_CONSENT
from mingus.simulator.link.catalogue import OPTIONAL
from mingus.simulator.link.catalogue import PRODUCTS
from mingus.simulator.link.catalogue import REQUIRED_IF_SUPPORTED
from mingus.simulator.link.catalogue import SUBTYPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mingus.simulator.link.settings import LinkSettings

Body = dict[str, Any]

PRODUCT_FIELDS = {
    "products": PRODUCTS,
    "required_if_supported_products": REQUIRED_IF_SUPPORTED,
    "optional_products": OPTIONAL,
    "additional_consented_products": ADDITIONAL_CONSENT,
}
RUNNABLE = frozenset({"javascript", "data", "vbscript", "blob", "file"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PERSONAL = re.compile(
    r"[^@\s]+@[^@\s]+\.[^@\s]+|\+\d[\d ().-]{6,}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}|\d{3}-\d{2}-\d{4}"
)
_PHONE = re.compile(r"\+[1-9]\d{6,14}")


def check_token_request(body: Body, settings: LinkSettings) -> None:
    """Everything that needs neither the Item nor the bank."""
    _check_user(body)
    _check_products(body)
    _check_addresses(body, settings)
    _check_filters(body)
    _check_update(body)
    _check_hosted(body)
    _check_customization(body, settings)


def refuse_field(message: str) -> NoReturn:
    """Raise INVALID_FIELD; the message begins with the field's name."""
    refuse("INVALID_FIELD", message)


def _check_user(body: Body) -> None:
    user = body.get("user")
    if user is None and "user_id" not in body:
        refuse("MISSING_FIELDS", "the following required fields are missing: user.client_user_id")
    if user is not None and _PERSONAL.fullmatch(user["client_user_id"].strip()):
        refuse_field(
            "user.client_user_id must not hold personal data such as an e-mail address or a phone number"
        )
    phone = (user or {}).get("phone_number")
    if phone and not _PHONE.fullmatch(re.sub(r"[ ().-]", "", phone)):
        refuse_field("user.phone_number must be in E.164 format, such as +14155550010")
    if body.get("enable_multi_item_link") and not ("user_id" in body or "user_token" in body):
        refuse_field("enable_multi_item_link needs a user_id from /user/create")


def _check_products(body: Body) -> None:
    if "access_token" in body:
        if body.get("products"):
            refuse_field("products must be omitted in update mode")
    elif "products" not in body:
        refuse("MISSING_FIELDS", "the following required fields are missing: products")
    elif not body["products"]:
        refuse_field("products must have at least one element")
    seen: dict[str, str] = {}
    for field, allowed in PRODUCT_FIELDS.items():
        _check_product_list(field, body.get(field, ()), allowed, seen)


def _check_product_list(
    field: str, names: Iterable[str], allowed: frozenset[str], seen: dict[str, str]
) -> None:
    for name in names:
        if name not in allowed:
            refuse("INVALID_PRODUCT", f"{name!r} cannot be used in {field}")
        if name in seen:
            refuse_field(f"{name!r} is in {seen[name]} and again in {field}; the lists must not overlap")
        seen[name] = field


def _check_addresses(body: Body, settings: LinkSettings) -> None:
    if "webhook" in body:
        _check_web_address("webhook", body["webhook"])
    if "redirect_uri" in body:
        _check_redirect("redirect_uri", body["redirect_uri"], settings)


def _check_web_address(field: str, address: str) -> None:
    parts = _split(address)
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        refuse_field(f"{field} must be an http or https URL")


def _check_redirect(field: str, address: str, settings: LinkSettings) -> None:
    _check_web_address(field, address)
    parts = urlsplit(address)
    if "?" in address or "#" in address:
        refuse_field(f"{field} must have neither a query nor a fragment")
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        refuse_field(f"{field} must use https; plain http is allowed for localhost only")
    if settings.redirect_uris and address not in settings.redirect_uris:
        refuse_field(f"{field} must be one of the allow-listed redirect URIs, to the letter")


def _check_filters(body: Body) -> None:
    filters = body.get("account_filters")
    if filters is None:
        return
    if not filters:
        refuse_field("account_filters must name at least one account type")
    for kind, wanted in filters.items():
        _check_filter(kind, wanted["account_subtypes"])
    if "access_token" in body and not body.get("update", {}).get("account_selection_enabled"):
        refuse_field("account_filters in update mode need update.account_selection_enabled")


def _check_filter(kind: str, subtypes: list[str]) -> None:
    field = f"account_filters.{kind}.account_subtypes"
    if not subtypes:
        refuse_field(f"{field} must have at least one element")
    if "all" in subtypes and len(subtypes) > 1:
        refuse_field(f'{field} may hold "all" only by itself')
    strange = sorted(set(subtypes) - SUBTYPES[kind] - {"all"})
    if strange:
        refuse_field(f"{field} has no such subtype: {', '.join(strange)}")


def _check_update(body: Body) -> None:
    if "update" in body and "access_token" not in body:
        refuse_field("update can be given only together with access_token")


def _check_hosted(body: Body) -> None:
    hosted = body.get("hosted_link")
    if hosted is None:
        return
    wanted = {"sms": "phone_number", "email": "email_address"}.get(hosted.get("delivery_method", ""))
    if wanted and not (body.get("user") or {}).get(wanted):
        refuse_field(f"hosted_link.delivery_method needs user.{wanted}")
    completion = hosted.get("completion_redirect_uri")
    parts = _split(completion) if completion else None
    if completion and (parts is None or not parts.scheme or parts.scheme in RUNNABLE):
        refuse_field("hosted_link.completion_redirect_uri must be a URL of a page or an app")


def _check_customization(body: Body, settings: LinkSettings) -> None:
    name = body.get("link_customization_name")
    if name is not None and name not in settings.customizations:
        refuse("INVALID_LINK_CUSTOMIZATION", f"no link customization is called {name!r}")


def _split(address: str) -> Any:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return None if re.search(r"\s", address) else parts
