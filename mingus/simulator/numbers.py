"""Account numbers and owners, made up from keys or taken from a custom user."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mingus.simulator.accounts import Account

Doc = dict[str, Any]

AUTH_SUBTYPES = ("checking", "savings", "cash management", "money market", "limited purpose checking")
ROUTING, WIRE = "011401533", "021000021"
FIRST = ("Jordan", "Avery", "Rowan", "Casey", "Morgan", "Quinn", "Sasha", "Imani", "Noor", "Tomas")
LAST = ("Example", "Larkspur", "Fernsby", "Adeyemi", "Kowalski", "Okafor", "Lindqvist", "Marsh")
STREETS = ("12 Larch Street", "480 Quarry Road", "7 Lantern Quay", "2205 Elm Terrace")
TOWNS = (("Alder Falls", "OR", "97499"), ("Port Birch", "OR", "97410"), ("Lantern Bay", "CA", "95410"))


def of(accounts: Sequence[Account], country: str) -> Doc:
    """The numbers of the accounts in the form of their country."""
    doc: Doc = {"ach": [], "bacs": [], "eft": [], "international": []}
    for account in accounts:
        override = account.plan.override.get("numbers")
        given: Doc = override if isinstance(override, dict) else {}
        number = str(given.get("account") or account_number(account))
        if country == "CA":
            doc["eft"].append(_eft(account, number, given))
        elif country == "US":
            doc["ach"].append(_ach(account, number, given))
        else:
            doc["bacs"].append(_bacs(account, number, given))
            doc["international"].append(_international(account, number, given))
    return doc


def account_number(account: Account) -> str:
    """A number that ends in the mask."""
    return f"{_pick(account.account_id, b'number', 10**11):012d}{account.plan.mask or '0000'}"


def owner(key: str) -> Doc:
    """The person behind a login, in Plaid's shape."""
    first, last = FIRST[_pick(key, b"first", len(FIRST))], LAST[_pick(key, b"last", len(LAST))]
    town, region, postal = TOWNS[_pick(key, b"town", len(TOWNS))]
    street = STREETS[_pick(key, b"street", len(STREETS))]
    address = {"city": town, "country": "US", "postal_code": postal, "region": region, "street": street}
    phone = f"541555{_pick(key, b'phone', 10_000):04d}"
    mail = f"{first}.{last}@example.com".lower()
    return {
        "addresses": [{"data": address, "primary": True}],
        "emails": [
            {"data": mail, "primary": True, "type": "primary"},
            {"data": f"work.{mail}", "primary": False, "type": "secondary"},
        ],
        "names": [f"{first} {last}"],
        "phone_numbers": [{"data": phone, "primary": True, "type": "mobile"}],
    }


def known_identity(custom: Doc) -> Doc:
    """The parts of a custom user's identity that have the right shape."""
    keys = ("names", "phone_numbers", "emails", "addresses")
    parts = {key: custom[key] for key in keys if isinstance(custom.get(key), list) and custom[key]}
    if "addresses" in parts:
        parts["addresses"] = [_address(row) for row in parts["addresses"] if isinstance(row, dict)]
    return parts


def _address(row: Doc) -> Doc:
    empty = {"city": None, "country": None, "postal_code": None, "region": None, "street": ""}
    data = row.get("data") if isinstance(row.get("data"), dict) else {}
    return {**row, "data": {**empty, **(data or {})}}


def _ach(account: Account, number: str, given: Doc) -> Doc:
    return {
        "account": number,
        "account_id": account.account_id,
        "routing": str(given.get("ach_routing") or ROUTING),
        "wire_routing": str(given.get("ach_wire_routing") or WIRE),
    }


def _eft(account: Account, number: str, given: Doc) -> Doc:
    return {
        "account": number,
        "account_id": account.account_id,
        "branch": str(given.get("eft_branch") or "01140"),
        "institution": str(given.get("eft_institution") or "021"),
    }


def _bacs(account: Account, number: str, given: Doc) -> Doc:
    sort_code = str(given.get("bacs_sort_code") or "601613")
    return {"account": number[-8:], "account_id": account.account_id, "sort_code": sort_code}


def _international(account: Account, number: str, given: Doc) -> Doc:
    iban = given.get("international_iban") or f"GB29NWBK601613{number[-8:]}"
    return {
        "account_id": account.account_id,
        "bic": str(given.get("international_bic") or "NWBKGB21"),
        "iban": str(iban),
    }


def _pick(key: str, what: bytes, choices: int) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8, person=what).digest()) % choices
