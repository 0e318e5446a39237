"""What /link/token/create and its kin accept, key by key."""

from __future__ import annotations

from mingus.simulator.fields import Fields
from mingus.simulator.fields import anything
from mingus.simulator.fields import boolean
from mingus.simulator.fields import choice
from mingus.simulator.fields import date
from mingus.simulator.fields import integer
from mingus.simulator.fields import list_of
from mingus.simulator.fields import mapping
from mingus.simulator.fields import nested
from mingus.simulator.fields import optional
from mingus.simulator.fields import text
from mingus.simulator.link.catalogue import COUNTRIES
from mingus.simulator.link.catalogue import LANGUAGES

LONGEST_HOSTED_SECONDS = 21 * 24 * 3600

_PRODUCTS = optional(list_of(text()))
_FILTER = optional(
    nested({"account_subtypes": list_of(text()), "limited_purpose_types": optional(list_of(text()))})
)

_USER: Fields = {
    "client_user_id": text(max_length=512),
    "legal_name": optional(text(min_length=0)),
    "name": optional(nested({"given_name": text(), "family_name": text()})),
    "phone_number": optional(text(min_length=0)),
    "phone_number_verified_time": optional(text()),
    "email_address": optional(text(min_length=0)),
    "email_address_verified_time": optional(text()),
    "ssn": optional(text()),
    "date_of_birth": optional(date()),
    "address": optional(mapping(anything())),
    "id_number": optional(mapping(anything())),
}

_AUTH: Fields = {
    "auth_type_select_enabled": optional(boolean()),
    "automated_microdeposits_enabled": optional(boolean()),
    "instant_match_enabled": optional(boolean()),
    "same_day_microdeposits_enabled": optional(boolean()),
    "instant_microdeposits_enabled": optional(boolean()),
    "reroute_to_credentials": optional(choice("OFF", "OPTIONAL", "FORCED")),
    "database_match_enabled": optional(boolean()),
    "database_insights_enabled": optional(boolean()),
    "flow_type": optional(choice("FLEXIBLE_AUTH")),
    "sms_microdeposits_verification_enabled": optional(boolean()),
}

_UPDATE: Fields = {
    "account_selection_enabled": optional(boolean()),
    "reauthorization_enabled": optional(boolean()),
    "user": optional(boolean()),
    "item_ids": optional(list_of(text())),
}

_HOSTED: Fields = {
    "delivery_method": optional(choice("sms", "email")),
    "completion_redirect_uri": optional(text()),
    "url_lifetime_seconds": optional(integer(1, LONGEST_HOSTED_SECONDS)),
    "is_mobile_app": optional(boolean()),
}

# Settings of products that the simulator does not act out: taken, and not looked into.
_UNUSED = (
    "access_tokens",
    "base_report",
    "card_switch",
    "cashflow_report",
    "consumer_report_permissible_purpose",
    "cra_enabled",
    "cra_options",
    "cra_report_parameter",
    "credit_partner_insights",
    "employment",
    "eu_config",
    "financekit_supported",
    "identity",
    "identity_verification",
    "income_verification",
    "payment_configuration",
    "payment_initiation",
    "transfer",
    "third_party_user_token",
)

TOKEN_CREATE: Fields = {
    "client_name": text(),
    "language": choice(*LANGUAGES),
    "country_codes": list_of(choice(*COUNTRIES), min_items=1),
    "user": optional(nested(_USER)),
    "user_id": optional(text()),
    "user_token": optional(text()),
    "products": _PRODUCTS,
    "required_if_supported_products": _PRODUCTS,
    "optional_products": _PRODUCTS,
    "additional_consented_products": _PRODUCTS,
    "webhook": optional(text()),
    "access_token": optional(text()),
    "link_customization_name": optional(text()),
    "appearance_mode": optional(choice("LIGHT", "DARK", "SYSTEM")),
    "redirect_uri": optional(text()),
    "android_package_name": optional(text()),
    "institution_data": optional(nested({"routing_number": optional(text())})),
    "institution_id": optional(text()),
    "account_filters": optional(
        nested(dict.fromkeys(("depository", "credit", "loan", "investment", "other"), _FILTER))
    ),
    "auth": optional(nested(_AUTH)),
    "update": optional(nested(_UPDATE)),
    "statements": optional(nested({"start_date": date(), "end_date": date()})),
    "investments": optional(
        nested(
            {
                "allow_unverified_crypto_wallets": optional(boolean()),
                "allow_manual_entry": optional(boolean()),
            }
        )
    ),
    "investments_auth": optional(mapping(anything())),
    "hosted_link": optional(nested(_HOSTED)),
    "transactions": optional(nested({"days_requested": optional(integer(1, 730))})),
    "enable_multi_item_link": optional(boolean()),
    **dict.fromkeys(_UNUSED, optional(anything())),
}

TOKEN_GET: Fields = {"link_token": text()}
