"""What Plaid said, typed. Floats, sign conventions and Plaid's own words end here."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

import msgspec

from mingus import money

if TYPE_CHECKING:
    from mingus.money import Currency

Body = TypeVar("Body")

OWED = frozenset({"credit", "loan"})  # here Plaid's positive balance is what the person owes
PENCE = "GBX"
NAME_LENGTH = 200
NOTHING = msgspec.Raw(b"null")
HALF_CHARACTER = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
LOST_CHARACTER = rb"\\ufffd"
LENIENT = msgspec.json.Encoder(decimal_format="number")


class UnreadableAnswer(Exception):
    """The body is not what the contract promises."""


class WireError(msgspec.Struct, frozen=True):
    """Plaid's error object, as far as it is used."""

    error_type: str | None = None
    error_code: str | None = None
    request_id: str | None = None


class LinkToken(msgspec.Struct, frozen=True):
    link_token: str
    expiration: dt.datetime
    request_id: str


class Exchanged(msgspec.Struct, frozen=True):
    access_token: str
    item_id: str
    request_id: str

    def __repr__(self) -> str:
        return f"<Exchanged {self.item_id}>"


class Rotated(msgspec.Struct, frozen=True):
    new_access_token: str
    request_id: str

    def __repr__(self) -> str:
        return "<Rotated>"


class WireBalances(msgspec.Struct, frozen=True):
    available: msgspec.Raw = (
        NOTHING  # read one by one: an odd balance is unknown, and no reason to refuse the rest
    )
    current: msgspec.Raw = NOTHING
    limit: msgspec.Raw = NOTHING
    iso_currency_code: str | None = None
    unofficial_currency_code: str | None = None


class WireAccount(msgspec.Struct, frozen=True):
    account_id: str
    name: str
    type: str
    balances: WireBalances
    mask: str | None = None
    official_name: str | None = None
    subtype: str | None = None
    persistent_account_id: str | None = None


class WireItem(msgspec.Struct, frozen=True):
    item_id: str
    institution_id: str | None = None
    institution_name: str | None = None
    webhook: str | None = None
    error: WireError | None = None
    products: list[str] = []
    billed_products: list[str] = []
    consented_products: list[str] = []
    consent_expiration_time: dt.datetime | None = None


class WireUpdate(msgspec.Struct, frozen=True):
    last_successful_update: dt.datetime | None = None
    last_failed_update: dt.datetime | None = None


class WireStatus(msgspec.Struct, frozen=True):
    transactions: WireUpdate | None = None
    investments: WireUpdate | None = None


class AccountsAnswer(msgspec.Struct, frozen=True):
    accounts: list[WireAccount]
    item: WireItem
    request_id: str


class ItemAnswer(msgspec.Struct, frozen=True):
    item: WireItem
    request_id: str
    status: WireStatus | None = None


class WireInstitution(msgspec.Struct, frozen=True):
    institution_id: str
    name: str
    oauth: bool = False
    products: list[str] = []
    url: str | None = None
    primary_color: str | None = None
    logo: str | None = None


class InstitutionAnswer(msgspec.Struct, frozen=True):
    institution: WireInstitution
    request_id: str


class InstitutionsAnswer(msgspec.Struct, frozen=True):
    institutions: list[WireInstitution]
    request_id: str


class WireAdded(msgspec.Struct, frozen=True):
    public_token: str
    accounts: list[dict[str, Any]] = []
    institution: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return "<WireAdded>"


class WireResults(msgspec.Struct, frozen=True):
    item_add_results: list[WireAdded] = []


class WireLinkSession(msgspec.Struct, frozen=True):
    link_session_id: str
    finished_at: dt.datetime | None = None
    results: WireResults | None = None


class LinkTokenAnswer(msgspec.Struct, frozen=True):
    request_id: str
    link_sessions: list[WireLinkSession] = []


class WireKey(msgspec.Struct, frozen=True):
    """A key that signs webhooks. `expired_at` is seconds since 1970; null or absent while it is good."""

    kty: str
    crv: str
    x: str
    y: str
    expired_at: int | None = None

    def as_jwk(self) -> dict[str, str]:
        return {"kty": self.kty, "crv": self.crv, "x": self.x, "y": self.y}


class KeyAnswer(msgspec.Struct, frozen=True):
    key: WireKey
    request_id: str


class Plain(msgspec.Struct, frozen=True):
    """An answer of which only the request id matters."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """An account from the person's side: what they own is positive, what they owe negative."""

    plaid_account_id: str
    persistent_account_id: str | None
    name: str
    official_name: str | None
    mask: str | None
    type: str
    subtype: str | None
    currency: Currency
    current_minor: int | None
    available_minor: int | None
    limit_minor: int | None


def decode(body: bytes, kind: type[Body]) -> Body:
    """`body` as `kind`; raises UnreadableAnswer for anything else, numbers kept exact."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as err:
        raise UnreadableAnswer from err
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_leniently(body, kind)


def _decode_leniently(body: bytes, kind: type[Body]) -> Body:
    """For what some programs take for JSON: NaN and Infinity become texts, so that one row is odd and not the page.

    Half a character, which no database takes, becomes the sign for one that is lost.
    """
    try:
        found = json.loads(HALF_CHARACTER.sub(LOST_CHARACTER, body), parse_float=Decimal, parse_constant=str)
        return msgspec.json.decode(LENIENT.encode(found), type=kind)
    except (ValueError, RecursionError, msgspec.DecodeError) as err:
        raise UnreadableAnswer from err


def request_id_of(answer: object) -> str | None:
    """Plaid's request id out of a typed answer, or out of one that is still raw."""
    if isinstance(answer, msgspec.Raw):
        return decode(bytes(answer), Plain).request_id
    found = getattr(answer, "request_id", None)
    return found if isinstance(found, str) else None


def account_facts(account: WireAccount) -> AccountFacts:
    """An account as the ledger keeps it; a balance that can't be read is unknown, not zero."""
    balances = account.balances
    in_pence = balances.iso_currency_code is None and balances.unofficial_currency_code == PENCE
    currency = (
        money.official("GBP")
        if in_pence
        else money.currency_of(balances.iso_currency_code, balances.unofficial_currency_code)
    )
    owed = account.type in OWED

    def minor(value: msgspec.Raw, *, turned: bool = False) -> int | None:
        if bytes(value) == bytes(NOTHING):
            return None
        try:
            amount = money.parse(bytes(value).decode())
            found = money.to_minor(amount / 100 if in_pence else amount, currency)
        except money.NotMoney:
            return None
        return -found if turned else found

    return AccountFacts(
        plaid_account_id=account.account_id,
        persistent_account_id=account.persistent_account_id,
        name=clean(account.name) or "Account",
        official_name=clean(account.official_name) or None,
        mask=clean(account.mask)[:16] or None,
        type=clean(account.type)[:40] or "other",
        subtype=clean(account.subtype)[:80] or None,
        currency=currency,
        current_minor=minor(balances.current, turned=owed),
        available_minor=minor(balances.available),
        limit_minor=minor(balances.limit),
    )


def clean(text: str | None, length: int = NAME_LENGTH) -> str:
    """A bank's text without what databases refuse and pages turn around: controls, lone surrogates, bidi marks."""
    if text and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()[:length]  # as most texts are
    visible = "".join(character if character.isprintable() else " " for character in text or "")
    return " ".join(visible.encode("utf-8", "replace").decode("utf-8").split())[:length]
