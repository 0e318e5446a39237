"""Transactions in Plaid's shape."""

from __future__ import annotations

from datetime import date
from typing import Any

from mingus.simulator.ids import world_id
from mingus.simulator.people import Party

Doc = dict[str, Any]

NOWHERE: Doc = dict.fromkeys(
    ("address", "city", "country", "lat", "lon", "postal_code", "region", "store_number")
)
NO_META: Doc = dict.fromkeys(
    (
        "by_order_of",
        "payee",
        "payer",
        "payment_method",
        "payment_processor",
        "ppd_id",
        "reason",
        "reference_number",
    )
)
TYPE_OF_CHANNEL = {"online": "digital", "in store": "place", "other": "special"}
# Detailed categories that the first taxonomy knew under another name.
RENAMED = {
    "INCOME_SALARY": ("INCOME", "INCOME_WAGES"),
    "INCOME_OTHER": ("INCOME", "INCOME_OTHER_INCOME"),
    "OTHER_OTHER": ("GENERAL_SERVICES", "GENERAL_SERVICES_OTHER_GENERAL_SERVICES"),
    "LOAN_PAYMENTS_BNPL": ("LOAN_PAYMENTS", "LOAN_PAYMENTS_OTHER_PAYMENT"),
    "LOAN_PAYMENTS_EWA": ("LOAN_PAYMENTS", "LOAN_PAYMENTS_OTHER_PAYMENT"),
    "LOAN_PAYMENTS_CASH_ADVANCES": ("LOAN_PAYMENTS", "LOAN_PAYMENTS_OTHER_PAYMENT"),
    "BANK_FEES_LATE_FEES": ("BANK_FEES", "BANK_FEES_OTHER_BANK_FEES"),
    "BANK_FEES_CASH_ADVANCE": ("BANK_FEES", "BANK_FEES_OTHER_BANK_FEES"),
}
NEW_INCOME = ("CHILD_SUPPORT", "CONTRACTOR", "GIG_ECONOMY", "LONG_TERM_DISABILITY", "MILITARY", "RENTAL")
NEW_TRANSFERS = ("CRYPTO", "WIRE", "TRANSFER_IN_FROM_APPS", "TRANSFER_OUT_FROM_APPS")
# The longest primaries first: TRANSFER_IN_… must not be read as another family.
PRIMARIES = (
    "GOVERNMENT_AND_NON_PROFIT",
    "LOAN_DISBURSEMENTS",
    "RENT_AND_UTILITIES",
    "GENERAL_MERCHANDISE",
    "GENERAL_SERVICES",
    "HOME_IMPROVEMENT",
    "FOOD_AND_DRINK",
    "LOAN_PAYMENTS",
    "TRANSPORTATION",
    "ENTERTAINMENT",
    "PERSONAL_CARE",
    "TRANSFER_OUT",
    "TRANSFER_IN",
    "BANK_FEES",
    "MEDICAL",
    "TRAVEL",
    "INCOME",
    "OTHER",
)


def primary_of(detailed: str) -> str:
    """The primary category that a detailed one belongs to."""
    return next(primary for primary in PRIMARIES if detailed.startswith(f"{primary}_"))


def category(detailed: str, confidence: str = "VERY_HIGH") -> Doc:
    """A personal finance category of the second taxonomy."""
    return {
        "confidence_level": confidence,
        "detailed": detailed,
        "primary": primary_of(detailed),
        "version": "v2",
    }


def first_taxonomy(doc: Doc) -> Doc:
    """The same transaction with its category in the first taxonomy."""
    new = doc.get("personal_finance_category")
    if not new:
        return doc
    primary, detailed = _v1(new["primary"], new["detailed"])
    old = {**new, "primary": primary, "detailed": detailed, "version": "v1"}
    icon = doc["personal_finance_category_icon_url"].replace(new["primary"], primary)
    return {**doc, "personal_finance_category": old, "personal_finance_category_icon_url": icon}


def template(party: Party, public_url: str) -> Doc:
    """Everything about a transaction with that party that does not change from one to the next."""
    merchant = party.kind == "merchant"
    primary = primary_of(party.category)
    website = f"{party.key.replace('_', '')}.example" if merchant else None
    logo = f"{public_url}/images/{party.key}.png" if merchant else None
    entity = world_id("entity", party.key) if party.kind else None
    confidence = "LOW" if primary == "OTHER" else "VERY_HIGH"
    counterparty = {
        "confidence_level": confidence,
        "entity_id": entity,
        "logo_url": logo,
        "name": party.name,
        "type": party.kind,
        "website": website,
    }
    return {
        "account_id": "",
        "account_owner": None,
        "amount": 0,
        "authorized_date": None,
        "authorized_datetime": None,
        "category": None,
        "category_id": None,
        "check_number": None,
        "counterparties": [counterparty] if party.kind else [],
        "date": "",
        "datetime": None,
        "iso_currency_code": "USD",
        "location": NOWHERE,
        "logo_url": logo,
        "merchant_entity_id": entity if merchant else None,
        "merchant_name": party.name if merchant else None,
        "name": party.text,
        "original_description": None,
        "payment_channel": party.channel,
        "payment_meta": NO_META,
        "pending": False,
        "pending_transaction_id": None,
        "personal_finance_category": category(party.category, confidence),
        "personal_finance_category_icon_url": f"{public_url}/images/PFC_{primary}.png",
        "transaction_code": None,
        "transaction_id": "",
        "transaction_type": TYPE_OF_CHANNEL[party.channel],
        "unofficial_currency_code": None,
        "website": website,
    }


def described(text: str, amount: float, public_url: str) -> Doc:
    """A template for a transaction of which only text and amount are known; the category is a guess."""
    detailed, confidence = guess(text, amount)
    primary = primary_of(detailed)
    icon = f"{public_url}/images/PFC_{primary}.png"
    return {
        **template(_UNKNOWN_PARTY, public_url),
        "name": text,
        "personal_finance_category": category(detailed, confidence),
        "personal_finance_category_icon_url": icon,
    }


_UNKNOWN_PARTY = Party(
    key="unknown", name="", text="", category="OTHER_OTHER", channel="other", low=0, high=0, kind=""
)
GUESSES = (
    ("payroll", "INCOME_SALARY"),
    ("salary", "INCOME_SALARY"),
    ("grocer", "FOOD_AND_DRINK_GROCERIES"),
    ("coffee", "FOOD_AND_DRINK_COFFEE"),
    ("cafe", "FOOD_AND_DRINK_COFFEE"),
    ("restaurant", "FOOD_AND_DRINK_RESTAURANT"),
    ("rent", "RENT_AND_UTILITIES_RENT"),
    ("electric", "RENT_AND_UTILITIES_GAS_AND_ELECTRICITY"),
    ("gas", "TRANSPORTATION_GAS"),
    ("uber", "TRANSPORTATION_TAXIS_AND_RIDE_SHARES"),
    ("air", "TRAVEL_FLIGHTS"),
    ("hotel", "TRAVEL_LODGING"),
    ("interest", "INCOME_INTEREST_EARNED"),
    ("atm", "TRANSFER_OUT_WITHDRAWAL"),
    ("fee", "BANK_FEES_OTHER_BANK_FEES"),
    ("payment", "LOAN_PAYMENTS_OTHER_PAYMENT"),
)


def guess(text: str, amount: float) -> tuple[str, str]:
    """A detailed category for a bare description, and how sure that is."""
    low = text.lower()
    for word, detailed in GUESSES:
        if word in low:
            return detailed, "MEDIUM"
    return ("TRANSFER_IN_DEPOSIT" if amount < 0 else "OTHER_OTHER"), "LOW"


def iso_day(ordinal: int) -> str:
    """The day of a proleptic ordinal as Plaid writes it."""
    return _DAYS[ordinal]


class _Days(dict[int, str]):
    """ISO dates by ordinal, kept: every transaction asks for two."""

    def __missing__(self, ordinal: int) -> str:
        text = date.fromordinal(ordinal).isoformat()
        self[ordinal] = text
        return text


_DAYS = _Days()


def _v1(primary: str, detailed: str) -> tuple[str, str]:
    if detailed in RENAMED:
        return RENAMED[detailed]
    if primary == "LOAN_DISBURSEMENTS":
        return "TRANSFER_IN", "TRANSFER_IN_CASH_ADVANCES_AND_LOANS"
    if primary == "INCOME" and detailed.removeprefix("INCOME_") in NEW_INCOME:
        return "INCOME", "INCOME_OTHER_INCOME"
    if primary.startswith("TRANSFER_") and detailed.removeprefix(f"{primary}_") in NEW_TRANSFERS:
        return primary, f"{primary}_ACCOUNT_TRANSFER"
    return primary, detailed
