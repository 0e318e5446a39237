"""Plaid's errors: one table of codes, one exception that carries any of them."""

from __future__ import annotations

from typing import Any
from typing import NamedTuple
from typing import NoReturn


class Entry(NamedTuple):
    """One line of the catalogue."""

    error_type: str
    status: int
    message: str
    display: str | None


class PlaidError(Exception):
    """An answer of Plaid's that is not the wanted one; the dispatcher turns it into Plaid's error object."""

    def __init__(
        self, error_type: str, error_code: str, message: str, *, display_message: str | None, status: int
    ) -> None:
        super().__init__(f"{error_type}/{error_code}: {message}")
        self.error_type = error_type
        self.error_code = error_code
        self.message = message
        self.display_message = display_message
        self.status = status

    def body(self) -> dict[str, Any]:
        """The error object as HTTP answers and Link carry it, without request_id."""
        return {
            "display_message": self.display_message,
            "documentation_url": f"https://plaid.com/docs/?ref=error#{self._anchor()}",
            "error_code": self.error_code,
            "error_code_reason": None,
            "error_message": self.message,
            "error_type": self.error_type,
            "suggested_action": None,
        }

    def webhook_body(self) -> dict[str, Any]:
        """The error object as webhooks carry it: with a status, without a request id."""
        return {
            "display_message": self.display_message,
            "error_code": self.error_code,
            "error_message": self.message,
            "error_type": self.error_type,
            "status": self.status,
        }

    def _anchor(self) -> str:
        return self.error_type.lower().replace("_", "-") + "s"


def plaid_error(code: str, message: str | None = None) -> PlaidError:
    """The error of that code as Plaid would send it; an unknown code is a mistake of the caller (KeyError)."""
    entry = CATALOGUE[code]
    return PlaidError(
        entry.error_type, code, message or entry.message, display_message=entry.display, status=entry.status
    )


def refuse(code: str, message: str | None = None) -> NoReturn:
    """Raise the error of that code."""
    raise plaid_error(code, message) from None


def _family(error_type: str, status: int, rows: dict[str, tuple[str, str | None]]) -> dict[str, Entry]:
    return {code: Entry(error_type, status, message, display) for code, (message, display) in rows.items()}


_ITEM = {
    "ITEM_LOGIN_REQUIRED": ("the login details of this item have changed; use Link's update mode", None),
    "INVALID_CREDENTIALS": (
        "the provided credentials were not correct",
        "The username or password was not correct. Check them and try again.",
    ),
    "INVALID_MFA": ("the provided MFA response was not correct", "The answer was not correct. Try again."),
    "INVALID_SEND_METHOD": ("the chosen MFA delivery method was refused by the institution", None),
    "INVALID_OTP": ("the one-time code was not correct", "That code was not correct. Try again."),
    "INVALID_PHONE_NUMBER": ("the phone number was not valid", "That phone number cannot be used."),
    "INSUFFICIENT_CREDENTIALS": (
        "the user did not finish signing in at the institution",
        "Signing in at your bank was not finished. Try again.",
    ),
    "INVALID_UPDATED_USERNAME": ("the username differs from the one this item was linked with", None),
    "ITEM_LOCKED": (
        "the institution has locked this login",
        "Your bank has locked this login. Unlock it on the bank's website first.",
    ),
    "PASSWORD_RESET_REQUIRED": (
        "the user must reset the password at the institution",
        "Your bank asks you to reset your password on its website first.",
    ),
    "USER_SETUP_REQUIRED": (
        "the user must complete a pending step at the institution",
        "Your bank needs you to complete a step on its website first.",
    ),
    "USER_INPUT_TIMEOUT": ("the user did not answer in time", "The connection timed out. Start again."),
    "MFA_NOT_SUPPORTED": (
        "the account requires a kind of MFA that is not supported",
        "The security setting of this account is not supported.",
    ),
    "ITEM_NOT_SUPPORTED": ("this kind of account is not supported", "This account is not supported."),
    "NO_ACCOUNTS": ("no valid accounts were found for this item", "No open account was found at this bank."),
    "NO_AUTH_ACCOUNTS": ("no account of this item supports account numbers", None),
    "NO_INVESTMENT_ACCOUNTS": ("no investment account was found for this item", None),
    "NO_LIABILITY_ACCOUNTS": ("no liability account was found for this item", None),
    "NO_INVESTMENT_AUTH_ACCOUNTS": ("no account of this item supports investment transfers", None),
    "ACCESS_NOT_GRANTED": (
        "access to this data was not granted by the user",
        "You have not allowed this data to be shared.",
    ),
    "ITEM_NOT_FOUND": ("the item of this access token was removed", None),
    "ITEM_CONCURRENTLY_DELETED": ("the item was removed while the request was running", None),
    "PRODUCT_NOT_READY": ("the requested product is not yet ready; try again later", None),
    "PRODUCTS_NOT_SUPPORTED": ("the requested products are not supported by this item", None),
    "PRODUCT_NOT_ENABLED": ("the product is not enabled for this item", None),
    "INSTANT_MATCH_FAILED": ("the entered account numbers did not match", None),
    "MANUAL_VERIFICATION_REQUIRED": ("the account numbers must be verified by hand", None),
}
_LATER = "Your bank cannot be reached at the moment. Try again later."
_ELSEWHERE = "This bank cannot be connected at present."
_INSTITUTION = {
    "INSTITUTION_DOWN": ("this institution is down for the moment", _LATER),
    "INSTITUTION_NOT_RESPONDING": ("this institution is not responding to this request", _LATER),
    "INSTITUTION_NOT_AVAILABLE": ("this institution is not available for the moment", _LATER),
    "INSTITUTION_NO_LONGER_SUPPORTED": ("this institution is no longer supported", _ELSEWHERE),
    "INSTITUTION_NOT_ENABLED_IN_ENVIRONMENT": ("this institution is not enabled in this environment", None),
    "UNAUTHORIZED_INSTITUTION": ("this client may not use this institution", _ELSEWHERE),
    "INSTITUTION_REGISTRATION_REQUIRED": ("registration with this institution is in progress", _ELSEWHERE),
    "INSTITUTION_NOT_FOUND": ("this institution was not found", None),
    "UNSUPPORTED_RESPONSE": ("the institution sent data that cannot be used", _ELSEWHERE),
    "COUNTRY_NOT_SUPPORTED": ("this country is not supported by the institution", _ELSEWHERE),
}
_REQUEST: dict[str, tuple[str, str | None]] = {
    "MISSING_FIELDS": ("required fields are missing", None),
    "UNKNOWN_FIELDS": ("some fields are not recognized by this endpoint", None),
    "INVALID_FIELD": ("a field is not valid", None),
    "INVALID_BODY": ("the body could not be read as a JSON object", None),
    "INVALID_HEADERS": ("a request header is missing or not valid", None),
    "INVALID_CONFIGURATION": ("the request does not fit the configuration of this client", None),
    "INCOMPATIBLE_API_VERSION": ("a field does not exist in the requested version of the API", None),
    "SANDBOX_ONLY": ("this endpoint exists in the sandbox only", None),
    "INVALID_ACCOUNT_NUMBER": ("the account number is not valid", None),
}
_GONE: dict[str, tuple[str, str | None]] = {
    "NOT_FOUND": ("no such endpoint", None),
    "NO_LONGER_AVAILABLE": ("this endpoint is no longer available", None),
}
_INPUT: dict[str, tuple[str, str | None]] = {
    "INVALID_API_KEYS": ("invalid client_id or secret provided", None),
    "UNAUTHORIZED_ENVIRONMENT": ("this client may not use this environment", None),
    "UNAUTHORIZED_ROUTE_ACCESS": ("this client may not use this endpoint", None),
    "INVALID_PRODUCT": ("a requested product is unknown or not enabled for this client", None),
    "INVALID_ACCESS_TOKEN": ("the access token is unknown or belongs to another environment", None),
    "INVALID_PUBLIC_TOKEN": ("the public token is unknown, used, expired or of another environment", None),
    "INVALID_LINK_TOKEN": ("the link token is unknown, used, expired or of another environment", None),
    "INVALID_ACCOUNT_ID": ("an account_id does not belong to an account of this item", None),
    "INVALID_INSTITUTION": ("the institution_id is unknown", None),
    "INVALID_LINK_CUSTOMIZATION": ("the link customization is unknown", None),
    "INVALID_USER_ID": ("the user_id is unknown", None),
    "INVALID_USER_TOKEN": ("the user_token is unknown", None),
    "INVALID_WEBHOOK_VERIFICATION_KEY_ID": ("the key_id is unknown", None),
    "ADDITIONAL_CONSENT_REQUIRED": ("the user has not consented to this product; use update mode", None),
    "USER_PERMISSION_REVOKED": ("the user has revoked the permission to use this item", None),
    "DIRECT_INTEGRATION_NOT_ENABLED": ("this client may not pass credentials directly", None),
    "PROFILE_AUTHENTICATION_FAILED": ("the profile could not be authenticated", None),
    "TOO_MANY_VERIFICATION_ATTEMPTS": ("too many attempts to verify this account", None),
    "INCORRECT_DEPOSIT_VERIFICATION": ("the micro-deposits do not match", None),
}
_LIMIT_CODES = (
    "RATE_LIMIT ACCOUNTS_LIMIT BALANCE_LIMIT ACCOUNTS_BALANCE_GET_LIMIT AUTH_LIMIT IDENTITY_LIMIT "
    "INSTITUTIONS_GET_LIMIT INSTITUTIONS_GET_BY_ID_LIMIT INVESTMENT_HOLDINGS_GET_LIMIT "
    "INVESTMENT_TRANSACTIONS_LIMIT ITEM_GET_LIMIT TRANSACTIONS_LIMIT TRANSACTIONS_SYNC_LIMIT "
    "TRANSACTIONS_REFRESH_LIMIT INSTITUTION_RATE_LIMIT CREDITS_EXHAUSTED"
)
_LIMITS: dict[str, tuple[str, str | None]] = dict.fromkeys(
    _LIMIT_CODES.split(), ("rate limit exceeded; try again in a minute", None)
)

CATALOGUE: dict[str, Entry] = {
    **_family("ITEM_ERROR", 400, _ITEM),
    **_family("INSTITUTION_ERROR", 400, _INSTITUTION),
    **_family("INVALID_REQUEST", 400, _REQUEST),
    **_family("INVALID_REQUEST", 404, _GONE),
    **_family("INVALID_INPUT", 400, _INPUT),
    **_family("USER_ERROR", 403, {"INVALID_USER_IDENTITY_DATA": ("the user's data are not valid", None)}),
    **_family(
        "INVALID_RESULT",
        400,
        {"LAST_UPDATED_DATETIME_OUT_OF_RANGE": ("no balance as recent as requested is available", None)},
    ),
    **_family(
        "TRANSACTIONS_ERROR",
        400,
        {
            "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION": (
                "the data changed during pagination; start again from the first cursor of this update",
                None,
            )
        },
    ),
    **_family("RATE_LIMIT_EXCEEDED", 429, _LIMITS),
    **_family("API_ERROR", 500, {"INTERNAL_SERVER_ERROR": ("an unexpected error occurred", None)}),
    **_family("API_ERROR", 503, {"PLANNED_MAINTENANCE": ("the API is down for planned maintenance", None)}),
    **_family(
        "RECAPTCHA_ERROR",
        400,
        {
            "RECAPTCHA_REQUIRED": ("a challenge must be solved", None),
            "RECAPTCHA_BAD": ("the challenge was not solved", "The check was not passed. Try again."),
        },
    ),
    **_family(
        "OAUTH_ERROR",
        400,
        {
            "INCORRECT_OAUTH_NONCE": ("Link was resumed with another session's state", None),
            "INCORRECT_LINK_TOKEN": ("Link was resumed with another link token", None),
        },
    ),
    **_family(
        "OAUTH_ERROR", 208, {"OAUTH_STATE_ID_ALREADY_PROCESSED": ("this state was already used", None)}
    ),
    **_family("OAUTH_ERROR", 404, {"OAUTH_STATE_ID_NOT_FOUND": ("this state is unknown", None)}),
    **_family(
        "SANDBOX_ERROR",
        400,
        {
            "SANDBOX_PRODUCT_NOT_ENABLED": ("the item does not have the product of this webhook", None),
            "SANDBOX_WEBHOOK_INVALID": ("the item has no webhook URL that could be called", None),
        },
    ),
}
