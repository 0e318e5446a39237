"""What Plaid can answer instead of data, by who can do something about it, with a calm sentence each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from mingus.errors import MingusError
from mingus.plaid.states import ConnectionState


class Action(StrEnum):
    """The one thing that helps."""

    RECONNECT = "reconnect"  # Link in update mode, same connection
    RELINK = "relink"  # connect the bank anew
    AT_BANK = "at_bank"  # first at the bank itself, then reconnect
    WAIT = "wait"
    AGAIN = "again"  # try again now
    OPERATOR = "operator"
    NONE = "none"


class Family(StrEnum):
    """Who can do something."""

    PERSON = "person"
    RETRY = "retry"
    OPERATOR = "operator"
    GONE = "gone"
    NORMAL = "normal"  # not a failure: that kind of data is not there
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """How one code is handled and told."""

    family: Family
    action: Action
    sentence: str

    @property
    def state(self) -> ConnectionState | None:
        """Where it leaves the connection; None: where it was."""
        return STATES.get(self.family)


STATES = {
    Family.PERSON: ConnectionState.NEEDS_SIGN_IN,
    Family.RETRY: ConnectionState.BANK_TROUBLE,
    Family.UNKNOWN: ConnectionState.BANK_TROUBLE,
    Family.GONE: ConnectionState.REVOKED,
}


def _advice(family: Family, action: Action, sentence: str) -> Advice:
    return Advice(family=family, action=action, sentence=sentence)


OUR_SIDE = "Something is wrong on our side. The people who run this MINGUS can see it."
BANK_AWAY = "Your bank is not responding right now. We try again by ourselves."
NOT_YET = "This bank is not available here yet."
SLOW_DOWN = "Please wait a minute before refreshing again."

CATALOGUE: dict[str, Advice] = {
    # the person at the bank
    "ITEM_LOGIN_REQUIRED": _advice(
        Family.PERSON,
        Action.RECONNECT,
        "Your bank asks you to sign in again. Reconnect to keep your accounts up to date.",
    ),
    "INVALID_CREDENTIALS": _advice(
        Family.PERSON,
        Action.RECONNECT,
        "The bank did not accept that username or password. Please try again.",
    ),
    "INVALID_MFA": _advice(
        Family.PERSON, Action.RECONNECT, "That security code was not accepted. Please try again."
    ),
    "INVALID_SEND_METHOD": _advice(
        Family.PERSON, Action.AGAIN, "Your bank could not send a code just now. Please try again."
    ),
    "INVALID_OTP": _advice(Family.PERSON, Action.AGAIN, "Please check the code and try again."),
    "INVALID_PHONE_NUMBER": _advice(
        Family.PERSON, Action.AGAIN, "Please check the phone number and try again."
    ),
    "INSUFFICIENT_CREDENTIALS": _advice(
        Family.PERSON, Action.AGAIN, "The connection was not completed. Please try again."
    ),
    "INVALID_UPDATED_USERNAME": _advice(
        Family.PERSON,
        Action.RELINK,
        "That login belongs to a different profile. Use the original login, or add the bank as a new connection.",
    ),
    "ITEM_LOCKED": _advice(
        Family.PERSON,
        Action.AT_BANK,
        "Your bank has locked this login. Unlock it on the bank's website, then reconnect.",
    ),
    "PASSWORD_RESET_REQUIRED": _advice(
        Family.PERSON, Action.AT_BANK, "Your bank wants you to reset your password on its website first."
    ),
    "USER_SETUP_REQUIRED": _advice(
        Family.PERSON, Action.AT_BANK, "Your bank needs you to finish a step on its website first."
    ),
    "USER_INPUT_TIMEOUT": _advice(
        Family.PERSON, Action.AGAIN, "The connection timed out. Please start again."
    ),
    "MFA_NOT_SUPPORTED": _advice(
        Family.PERSON, Action.AT_BANK, "This bank's security setting cannot be used with automatic updates."
    ),
    "ITEM_NOT_SUPPORTED": _advice(
        Family.PERSON, Action.RELINK, "This account cannot be connected. Please choose another."
    ),
    "COUNTRY_NOT_SUPPORTED": _advice(
        Family.PERSON, Action.RELINK, "Banks of this country cannot be connected here."
    ),
    "INSTITUTION_NOT_FOUND": _advice(Family.PERSON, Action.RELINK, "We do not know this bank."),
    "NO_ACCOUNTS": _advice(
        Family.PERSON, Action.RECONNECT, "We found no open accounts to connect at this bank."
    ),
    "ACCESS_NOT_GRANTED": _advice(
        Family.PERSON,
        Action.RECONNECT,
        "You have not allowed this data to be shared. Reconnect and select it at your bank.",
    ),
    "ADDITIONAL_CONSENT_REQUIRED": _advice(
        Family.NORMAL, Action.RECONNECT, "Allow access to this data to see it here."
    ),
    "USER_PERMISSION_REVOKED": _advice(
        Family.GONE, Action.RELINK, "You stopped sharing this bank. Connect it again if you wish."
    ),
    "ITEM_NOT_FOUND": _advice(
        Family.GONE, Action.RELINK, "This connection was removed. Add the bank again to continue."
    ),
    "ITEM_CONCURRENTLY_DELETED": _advice(
        Family.GONE, Action.RELINK, "This connection was removed. Add the bank again to continue."
    ),
    "INVALID_ACCESS_TOKEN": _advice(
        Family.GONE, Action.RELINK, "This connection no longer works. Add the bank again to continue."
    ),
    "INCORRECT_OAUTH_NONCE": _advice(Family.PERSON, Action.AGAIN, "The session expired. Please start again."),
    "INCORRECT_LINK_TOKEN": _advice(Family.PERSON, Action.AGAIN, "The session expired. Please start again."),
    "OAUTH_STATE_ID_ALREADY_PROCESSED": _advice(Family.NORMAL, Action.NONE, "This step is already done."),
    "OAUTH_STATE_ID_NOT_FOUND": _advice(
        Family.PERSON, Action.AGAIN, "The session expired. Please start again."
    ),
    "RECAPTCHA_REQUIRED": _advice(
        Family.PERSON, Action.AGAIN, "Please complete the check in the bank's window."
    ),
    "RECAPTCHA_BAD": _advice(Family.PERSON, Action.AGAIN, "The check was not passed. Please try again."),
    "INVALID_PUBLIC_TOKEN": _advice(
        Family.PERSON, Action.AGAIN, "The connection was not completed in time. Please try again."
    ),
    "INVALID_LINK_TOKEN": _advice(Family.PERSON, Action.AGAIN, "The session expired. Please start again."),
    "INVALID_USER_IDENTITY_DATA": _advice(
        Family.PERSON, Action.AGAIN, "Please check your phone number and address."
    ),
    "INCORRECT_DEPOSIT_VERIFICATION": _advice(
        Family.PERSON, Action.AGAIN, "Those amounts are not the ones that were sent. Please try again."
    ),
    "TOO_MANY_VERIFICATION_ATTEMPTS": _advice(
        Family.PERSON, Action.RELINK, "Too many tries. Please connect the bank anew."
    ),
    "MANUAL_VERIFICATION_REQUIRED": _advice(
        Family.PERSON, Action.RECONNECT, "Your bank needs one more step. Please reconnect."
    ),
    "INSTANT_MATCH_FAILED": _advice(
        Family.PERSON, Action.RECONNECT, "Your bank could not confirm the account. Please reconnect."
    ),
    "PROFILE_AUTHENTICATION_FAILED": _advice(
        Family.PERSON, Action.AGAIN, "That was not accepted. Please try again."
    ),
    # data that is not there, which is no failure
    "NO_AUTH_ACCOUNTS": _advice(Family.NORMAL, Action.NONE, "No account of this kind here."),
    "NO_INVESTMENT_ACCOUNTS": _advice(Family.NORMAL, Action.NONE, "No investment account here."),
    "NO_INVESTMENT_AUTH_ACCOUNTS": _advice(Family.NORMAL, Action.NONE, "No investment account here."),
    "NO_LIABILITY_ACCOUNTS": _advice(Family.NORMAL, Action.NONE, "No card, loan or mortgage here."),
    "PRODUCTS_NOT_SUPPORTED": _advice(
        Family.NORMAL, Action.NONE, "This bank does not provide this kind of data."
    ),
    "PRODUCT_NOT_ENABLED": _advice(Family.NORMAL, Action.NONE, "This is not available for this connection."),
    "INVALID_ACCOUNT_ID": _advice(
        Family.NORMAL, Action.NONE, "This account is no longer shared by the bank."
    ),
    "LAST_UPDATED_DATETIME_OUT_OF_RANGE": _advice(
        Family.NORMAL, Action.WAIT, "The bank has no fresher balance yet."
    ),
    # what passes by itself
    "PRODUCT_NOT_READY": _advice(
        Family.RETRY, Action.WAIT, "Your bank data is still being prepared. Check back in a few minutes."
    ),
    "INSTITUTION_DOWN": _advice(
        Family.RETRY, Action.WAIT, "Your bank is unavailable at the moment. We try again by ourselves."
    ),
    "INSTITUTION_NOT_RESPONDING": _advice(Family.RETRY, Action.WAIT, BANK_AWAY),
    "INSTITUTION_NOT_AVAILABLE": _advice(Family.RETRY, Action.WAIT, BANK_AWAY),
    "INSTITUTION_RATE_LIMIT": _advice(Family.RETRY, Action.WAIT, BANK_AWAY),
    "INTERNAL_SERVER_ERROR": _advice(
        Family.RETRY, Action.WAIT, "Our way to your bank fails right now. We try again by ourselves."
    ),
    "PLANNED_MAINTENANCE": _advice(
        Family.RETRY, Action.WAIT, "Our way to your bank is in maintenance. We try again by ourselves."
    ),
    "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION": _advice(
        Family.RETRY, Action.WAIT, "Your bank changed data while we read it. We read it again."
    ),
    "RATE_LIMIT": _advice(Family.RETRY, Action.WAIT, SLOW_DOWN),
    # what the operator must mend
    "CREDITS_EXHAUSTED": _advice(
        Family.OPERATOR,
        Action.OPERATOR,
        "No more connections can be made here. Ask the people who run this MINGUS.",
    ),
    "INSTITUTION_NO_LONGER_SUPPORTED": _advice(
        Family.GONE, Action.RELINK, "This bank can no longer be updated automatically."
    ),
    "INSTITUTION_NOT_ENABLED_IN_ENVIRONMENT": _advice(Family.OPERATOR, Action.OPERATOR, NOT_YET),
    "UNAUTHORIZED_INSTITUTION": _advice(Family.OPERATOR, Action.OPERATOR, NOT_YET),
    "INSTITUTION_REGISTRATION_REQUIRED": _advice(Family.OPERATOR, Action.OPERATOR, NOT_YET),
    "UNSUPPORTED_RESPONSE": _advice(
        Family.RETRY, Action.WAIT, "We cannot read data from this bank at present. We try again by ourselves."
    ),
    **dict.fromkeys(
        (
            "MISSING_FIELDS",
            "UNKNOWN_FIELDS",
            "INVALID_FIELD",
            "INVALID_BODY",
            "INVALID_HEADERS",
            "INVALID_CONFIGURATION",
            "INCOMPATIBLE_API_VERSION",
            "SANDBOX_ONLY",
            "INVALID_ACCOUNT_NUMBER",
            "NOT_FOUND",
            "NO_LONGER_AVAILABLE",
            "INVALID_API_KEYS",
            "UNAUTHORIZED_ENVIRONMENT",
            "UNAUTHORIZED_ROUTE_ACCESS",
            "INVALID_PRODUCT",
            "INVALID_INSTITUTION",
            "INVALID_LINK_CUSTOMIZATION",
            "INVALID_USER_ID",
            "INVALID_USER_TOKEN",
            "INVALID_WEBHOOK_VERIFICATION_KEY_ID",
            "DIRECT_INTEGRATION_NOT_ENABLED",
            "SANDBOX_PRODUCT_NOT_ENABLED",
            "SANDBOX_WEBHOOK_INVALID",
            "TOKEN_OF_ANOTHER_ENVIRONMENT",
        ),
        _advice(Family.OPERATOR, Action.OPERATOR, OUR_SIDE),
    ),
    # what happens on the way
    "NO_ANSWER": _advice(
        Family.RETRY, Action.WAIT, "Our way to your bank fails right now. We try again by ourselves."
    ),
    "UNREADABLE_ANSWER": _advice(
        Family.RETRY, Action.WAIT, "We got an answer that we can't read. We try again by ourselves."
    ),
    "SYNC_PARKED": _advice(
        Family.RETRY,
        Action.AGAIN,
        "Reading this bank stopped us several times, so we stopped trying. Sync now tries again.",
    ),
    "CALLS_HELD_BACK": _advice(Family.RETRY, Action.WAIT, SLOW_DOWN),
    "BANK_RESTS": _advice(Family.RETRY, Action.WAIT, BANK_AWAY),
}
BY_TYPE = {
    "RATE_LIMIT_EXCEEDED": CATALOGUE["RATE_LIMIT"],
    "INSTITUTION_ERROR": CATALOGUE["INSTITUTION_NOT_RESPONDING"],
    "API_ERROR": CATALOGUE["INTERNAL_SERVER_ERROR"],
    "INVALID_REQUEST": CATALOGUE["INVALID_FIELD"],
    "INVALID_INPUT": CATALOGUE["INVALID_FIELD"],
}
STRANGE = _advice(
    Family.UNKNOWN, Action.WAIT, "Your bank answered with something new to us. We try again by ourselves."
)


def advice(error_type: str | None, error_code: str | None) -> Advice:
    """What to do about a failure: by its code, else by its type, else carefully again."""
    return CATALOGUE.get(error_code or "") or BY_TYPE.get(error_type or "") or STRANGE


class PlaidFailure(MingusError):
    """Our way to your bank fails right now."""

    status = 502
    code = "plaid_failure"

    def __init__(
        self,
        error_code: str,
        *,
        error_type: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        self.error_code = error_code
        self.error_type = error_type
        self.request_id = request_id
        self.plaid_status = status
        self.advice = advice(error_type, error_code)
        super().__init__(self.advice.sentence, retry_after_seconds=retry_after_seconds)
        if self.advice.family is Family.RETRY:
            self.status, self.retryable = 503, True
        elif self.advice.family in {Family.PERSON, Family.GONE}:
            self.status, self.code = 409, "needs_reconnect"
        self.details = {"plaid_code": error_code, "plaid_request_id": request_id}


def answered_failure(status: int, body: str | None) -> PlaidFailure:
    """The failure behind an answer outside 2xx; a body that is not Plaid's counts by its status."""
    try:
        found = json.loads(body or "")
    except ValueError:
        found = {}
    error = found if isinstance(found, dict) else {}
    code, kind, request_id = (error.get(name) for name in ("error_code", "error_type", "request_id"))
    if isinstance(code, str) and code:
        return PlaidFailure(
            code[:80],
            error_type=kind[:80] if isinstance(kind, str) else None,
            request_id=request_id[:64] if isinstance(request_id, str) else None,
            status=status,
        )
    return PlaidFailure("UNREADABLE_ANSWER", status=status)
