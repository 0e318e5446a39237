"""Logs: one JSON object a line, request and job ids bound by themselves, nothing secret in it."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mingus.config import LogLevel

BOUND: ContextVar[dict[str, str]] = ContextVar("mingus_log_fields", default={})  # noqa: B039 (never changed in place)
STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
SECRET_WORDS = re.compile(
    r"\b(?:access|public|link|processor)-(?:sandbox|production|development)-[\w-]+"
    r"|\bBearer\s+[\w.~+/=-]+"
    r"|\bmgs_[\w-]+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
SECRET_NAMES = re.compile(r"password|secret|token|authorization|cookie|amount|e?mail", re.IGNORECASE)
REDACTED = "<secret>"


def redact(text: str) -> str:
    """`text` without anything that looks like a token, a credential in a URL or a signature."""
    return SECRET_WORDS.sub(REDACTED, text)


@contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Every line written inside carries these fields."""
    token = BOUND.set({**BOUND.get(), **fields})
    try:
        yield
    finally:
        BOUND.reset(token)


class JsonLines(logging.Formatter):
    """One line of JSON: time, level, logger, event, the bound ids and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redact(record.getMessage()),
            **BOUND.get(),
        }
        for name, value in vars(record).items():
            if name not in STANDARD_FIELDS:
                line[name] = REDACTED if SECRET_NAMES.search(name) else _plain(value)
        if record.exc_info:
            line["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | bool | None) else redact(str(value))


def configure(level: LogLevel) -> None:
    """Send everything to standard error as JSON lines; asking twice changes nothing more."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # the SDK prints whole answers, access tokens included, at DEBUG
    for noisy in ("plaid", "urllib3", "huey", "werkzeug", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
