"""The notation in which endpoints say what they accept, and the check that is as strict as Plaid's.

    FIELDS = {"access_token": text(), "options": optional(nested({"count": optional(integer(1, 500))}))}

`null` in an optional field counts as absent, as it does at Plaid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from datetime import date as calendar_date
from datetime import datetime as calendar_datetime
from typing import Any
from typing import NoReturn

from mingus.simulator.errors import PlaidError
from mingus.simulator.errors import refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What one key may hold: `read` returns the checked value or raises ValueError with what it must be."""

    read: Callable[[Any, str], Any]
    required: bool = True


Fields = Mapping[str, Field]

# Credentials may come in any body; the dispatcher has judged them already.
CREDENTIALS = frozenset({"client_id", "secret"})


def optional(field: Field) -> Field:
    """The same field, which may be missing or null."""
    return replace(field, required=False)


def check(body: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """The body with absent and null optional keys left out; raises PlaidError for whatever does not fit."""
    return _object({key: body[key] for key in body if key not in CREDENTIALS}, fields, "")


def text(*, min_length: int = 1, max_length: int = 100_000, pattern: str | None = None) -> Field:
    """A string, not empty unless said; `pattern` must match it whole."""
    shape = re.compile(pattern) if pattern else None

    def read(value: Any, _: str) -> str:
        if not isinstance(value, str):
            _refuse("must be a string")
        if len(value) < min_length:
            _refuse("must be a non-empty string")
        if len(value) > max_length:
            _refuse(f"must be at most {max_length} characters long")
        if shape and not shape.fullmatch(value):
            _refuse("is not in the expected format")
        return value

    return Field(read=read)


def integer(low: int, high: int) -> Field:
    """A whole number between the bounds, both included."""

    def read(value: Any, _: str) -> int:
        if isinstance(value, bool) or not (
            isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        ):
            _refuse("must be an integer")
        if not low <= value <= high:
            _refuse(f"must be between {low} and {high}")
        return int(value)

    return Field(read=read)


def number(low: float = -1e12, high: float = 1e12) -> Field:
    """A finite number between the bounds, both included."""

    def read(value: Any, _: str) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            _refuse("must be a number")
        if not low <= value <= high:
            _refuse(f"must be between {low:g} and {high:g}")
        return value

    return Field(read=read)


def boolean() -> Field:
    """true or false."""

    def read(value: Any, _: str) -> bool:
        if not isinstance(value, bool):
            _refuse("must be a boolean")
        return value

    return Field(read=read)


def choice(*values: str) -> Field:
    """One of the values, case-sensitive."""

    def read(value: Any, _: str) -> str:
        if value not in values or not isinstance(value, str):
            _refuse(f"must be one of {', '.join(values)}")
        return value

    return Field(read=read)


def date() -> Field:
    """A calendar date, YYYY-MM-DD; the handler gets a datetime.date."""

    def read(value: Any, _: str) -> calendar_date:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            _refuse("must be a date in the form YYYY-MM-DD")
        try:
            return calendar_date.fromisoformat(value)
        except ValueError:
            return _refuse("must be a date that exists, in the form YYYY-MM-DD")

    return Field(read=read)


def datetime() -> Field:
    """An ISO 8601 date-time with a zone; the handler gets an aware datetime."""

    def read(value: Any, _: str) -> calendar_datetime:
        try:
            instant = calendar_datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return _refuse("must be an ISO 8601 date-time")
        if instant.tzinfo is None:
            _refuse("must name its time zone")
        return instant

    return Field(read=read)


def list_of(item: Field, *, min_items: int = 0, max_items: int = 10_000) -> Field:
    """A list whose every element fits `item`."""

    def read(value: Any, path: str) -> list[Any]:
        if not isinstance(value, list):
            _refuse("must be a list")
        if not min_items <= len(value) <= max_items:
            _refuse(f"must have between {min_items} and {max_items} elements")
        return [_value(element, item, f"{path}[{index}]") for index, element in enumerate(value)]

    return Field(read=read)


def nested(fields: Fields) -> Field:
    """An object with exactly these keys."""

    def read(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            _refuse("must be an object")
        return _object(value, fields, f"{path}.")

    return Field(read=read)


def anything() -> Field:
    """Whatever JSON holds; for keys that are accepted and not looked into."""
    return Field(read=lambda value, _: value)


def mapping(item: Field) -> Field:
    """An object with free keys whose values fit `item`."""

    def read(value: Any, path: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            _refuse("must be an object")
        return {key: _value(element, item, f"{path}.{key}") for key, element in value.items()}

    return Field(read=read)


def _refuse(why: str) -> NoReturn:
    raise ValueError(why)


def _object(body: Mapping[str, Any], fields: Fields, prefix: str) -> dict[str, Any]:
    missing = [prefix + key for key, field in fields.items() if field.required and key not in body]
    if missing:
        refuse("MISSING_FIELDS", f"the following required fields are missing: {', '.join(missing)}")
    unknown = [prefix + key for key in body if key not in fields]
    if unknown:
        refuse(
            "UNKNOWN_FIELDS",
            f"the following fields are not recognized by this endpoint: {', '.join(unknown)}",
        )
    return {
        key: _value(body[key], field, prefix + key)
        for key, field in fields.items()
        if key in body and (field.required or body[key] is not None)
    }


def _value(value: Any, field: Field, path: str) -> Any:
    try:
        return field.read(value, path)
    except PlaidError:
        raise
    except ValueError as error:
        refuse("INVALID_FIELD", f"{path} {error}")
