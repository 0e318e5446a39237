"""What can go wrong with a person's account. None of them tells whether an address is known."""

from __future__ import annotations

from mingus.errors import MingusError


class WrongCredentials(MingusError):
    """That address and password don't match. New here? Open the link that we mailed you first."""

    status = 401
    code = "wrong_credentials"


class WrongPassword(MingusError):
    """That is not your current password."""

    status = 422
    code = "wrong_password"


class TicketRefused(MingusError):
    """This link no longer works. It may have been used already, or it is too old. Please ask for a new one."""

    status = 400
    code = "link_refused"


class RegistrationClosed(MingusError):
    """Sign-up is closed here. Ask the person who runs this MINGUS for an account."""

    status = 403
    code = "registration_closed"


class InvitationNeeded(MingusError):
    """You need an invitation to sign up here. Please open the link in your invitation mail."""

    status = 403
    code = "invitation_needed"


class TokenRefused(MingusError):
    """This token is unknown, expired or revoked. Make a new one on the settings page for API tokens."""

    status = 401
    code = "token_refused"
    challenge = 'Bearer error="invalid_token"'


class TokenOnlyReads(MingusError):
    """This token may only read. Make one that may also change things."""

    status = 403
    code = "token_only_reads"
    challenge = 'Bearer error="insufficient_scope", scope="write"'


class TokenNameTaken(MingusError):
    """One of your tokens that still works has that name already."""

    status = 409
    code = "token_name_taken"


class TooManyTokens(MingusError):
    """You have as many tokens as one person may have. Revoke one that you no longer need."""

    status = 409
    code = "too_many_tokens"


class UnknownPerson(MingusError):
    """There is no person with that address."""

    status = 404
    code = "unknown_person"


class AddressTaken(MingusError):
    """Somebody here has that address already."""

    status = 409
    code = "address_taken"


class WrongCode(MingusError):
    """That code is not right, or it was used already."""

    status = 422
    code = "wrong_code"


class HalfSessionOver(MingusError):
    """That took too long. Please sign in again."""

    status = 401
    code = "sign_in_again"


class PasskeyRefused(MingusError):
    """That passkey does not work here. Try again, or sign in another way."""

    status = 422
    code = "passkey_refused"


class TooManyPasskeys(MingusError):
    """You have as many passkeys as one person may have. Remove one that you no longer need."""

    status = 409
    code = "too_many_passkeys"


class AppAlreadyThere(MingusError):
    """Your authenticator app is set up already. Remove it first to set up another."""

    status = 409
    code = "app_already_there"


class NoFactor(MingusError):
    """Recovery codes stand in for a passkey or an authenticator app. Add one of those first."""

    status = 409
    code = "no_factor"


class ConfirmFirst(MingusError):
    """Please confirm that it is you before you go on."""

    status = 403
    code = "confirm_first"


class FactorRequired(MingusError):
    """A passkey or an authenticator app is required here. Add one in your settings first."""

    status = 403
    code = "factor_required"
