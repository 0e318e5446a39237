"""The family of failures. An exception's docstring is what a person may read of it."""

from __future__ import annotations

import inspect


class MingusError(Exception):
    """Something went wrong on our side."""

    status = 500
    code = "internal_error"
    retryable = False
    challenge: str | None = None  # how a program could sign in instead, for WWW-Authenticate

    def __init__(self, public: str | None = None, *, retry_after_seconds: int | None = None) -> None:
        self.public = public or inspect.cleandoc(type(self).__doc__ or "")
        self.retry_after_seconds = retry_after_seconds
        self.details: dict[str, object] = {}  # more for machines, in JSON answers
        super().__init__(self.public)


class NotFound(MingusError):
    """There is nothing here that you may see."""

    status = 404
    code = "not_found"


class NotAllowed(MingusError):
    """You may not do this."""

    status = 403
    code = "not_allowed"


class TooManyTries(MingusError):
    """Too many tries in a short time. Please wait a little and try again."""

    status = 429
    code = "too_many_requests"
    retryable = True


class Unavailable(MingusError):
    """We cannot reach our own data just now. Please try again in a moment."""

    status = 503
    code = "unavailable"
    retryable = True
