"""A log line is JSON, carries its ids and keeps secrets out."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from mingus import logs


def line(message: str, *args: object, **extra: object) -> dict[str, object]:
    record = logging.LogRecord("mingus.test", logging.INFO, __file__, 1, message, args, None)
    vars(record).update(extra)
    found: dict[str, object] = json.loads(logs.JsonLines().format(record))
    return found


def test_a_line_carries_the_event_its_fields_and_the_bound_ids() -> None:
    with logs.bound(request_id="req_1"), logs.bound(job="mail"):
        found = line("sync finished", added=3)
    assert found["event"] == "sync finished"
    assert (found["request_id"], found["job"], found["added"]) == ("req_1", "mail", 3)
    assert "request_id" not in line("later")


@pytest.mark.parametrize(
    "secret",
    [
        "access-sandbox-8ab976e6-64bc-4b38-98f7-731e7a349970",
        "public-production-43a50e24-63ff",
        "link-sandbox-4034605a-491e",
        "Bearer abc.def",
        "eyJhbGciOiJFUzI1NiJ9.eyJpYXQiOjF9.c2ln",
        "postgresql://user:word@host/db",
    ],
)
def test_what_looks_like_a_secret_is_cut_out(secret: str) -> None:
    found = json.dumps([line("answer %s", secret), line("x", detail=secret)])
    assert secret not in found
    assert logs.REDACTED in found


def test_a_field_named_like_a_secret_is_never_shown() -> None:
    found = line("x", access_token="t", password="p", amount=12, email="ada@mingus.test")
    assert {found[name] for name in ("access_token", "password", "amount", "email")} == {logs.REDACTED}


def test_a_traceback_is_kept_without_its_secrets() -> None:
    try:
        msg = "access-sandbox-8ab976e6-64bc"
        raise ValueError(msg)
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), sys.exc_info())
    text = logs.JsonLines().format(record)
    assert "ValueError" in text
    assert "8ab976e6" not in text
