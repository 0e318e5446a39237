"""JSON bodies: read strictly, refused with the fields that are wrong."""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec
from flask import abort
from flask import request

from mingus.errors import MingusError

Body = TypeVar("Body")
PATH = re.compile(r" - at `\$\.?([^`]*)`$")
FIELD = re.compile(r"field `([^`]+)`")
NUL = rb"\u0000"  # no letter: PostgreSQL keeps no text with one


class Unfit(MingusError):
    """Something in the request is missing or wrong."""

    status = 400
    code = "bad_request"

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__()
        self.details = {"fields": fields}


def json_body(kind: type[Body]) -> Body:
    """The request's JSON as `kind`; raises Unfit with the field, or 415 when it is not JSON."""
    if not request.is_json:
        abort(415)
    sent = request.get_data()
    if NUL in sent:
        raise Unfit({"body": "holds a character that no text has"})
    try:
        return msgspec.json.decode(sent, type=kind)
    except msgspec.ValidationError as err:
        raise Unfit(_fields(str(err))) from err
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise Unfit({"body": "is not JSON"}) from err


def _fields(message: str) -> dict[str, str]:
    """The decoder's sentence as field and problem."""
    path = PATH.search(message)
    named = FIELD.search(message)
    name = (path[1] if path else "") or (named[1] if named else "") or "body"
    return {name: PATH.sub("", message).replace("`", "'")}
