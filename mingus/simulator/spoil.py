"""How a fault spoils an answer: its content, then its bytes on the wire."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING
from typing import Any

import msgspec
from werkzeug.wrappers import Response

from mingus.simulator.ids import world_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

    from mingus.simulator.faults import Fault

Answer = dict[str, Any]

NOT_A_NUMBER = "\x00NaN\x00"
HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://127.0.0.1","x")',
    "Caf\u0000\u202egro.elpmaxe",
    "’; DROP TABLE transactions; --",
    "💸" * 40 + "é\u0301\u200d",
    "A" * 100_000,
)
ODD_AMOUNTS: tuple[Any, ...] = (NOT_A_NUMBER, 1e15, -0.0, 0.001, None, "12.50", 123456789.123456)
ODD_DATES: tuple[Any, ...] = (
    "1900-01-01",
    "9999-12-31",
    "2026-02-30",
    None,
    "yesterday",
    "2026-13-01T00:00:00Z",
)


class Cut(Exception):
    """The connection is to be reset without a further byte."""


def content(answer: Answer, fault: Fault) -> Answer:
    """The answer spoilt as the fault says; the original stays as it was."""
    spoilt = copy.deepcopy(answer)
    _CONTENT[fault.kind](spoilt)
    return spoilt


def encode(answer: Answer) -> bytes:
    """JSON, except where a fault wants what JSON has no word for."""
    return msgspec.json.encode(answer).replace(b'"\\u0000NaN\\u0000"', b"NaN")


def wire(body: bytes, status: int, fault: Fault) -> Response:
    """The response as this fault lets it reach the client; may sleep, may raise Cut."""
    if fault.kind == "reset_after":
        raise Cut
    if fault.kind == "delay":
        time.sleep(fault.seconds)
        return Response(body, status=status, content_type="application/json")
    if fault.kind == "drip":
        return _sized(_dripped(body, fault.seconds), len(body), status)
    if fault.kind == "truncated":
        return _sized(iter((body[: len(body) // 2],)), len(body), status)
    if fault.kind == "huge":
        return _padded(body, fault.megabytes, status)
    if fault.kind == "redirect":
        return Response(b"", status=302, headers={"Location": fault.location})
    return _replaced(fault.kind, body, status)


def _replaced(kind: str, body: bytes, status: int) -> Response:
    if kind == "invalid_json":
        return Response(body[:-1] + b",]", status=status, content_type="application/json")
    if kind == "html_502":
        page = (
            b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
        )
        return Response(page, status=502, content_type="text/html")
    return Response(b"", status=status, content_type="application/json")


def _sized(chunks: Iterator[bytes], length: int, status: int) -> Response:
    return Response(
        chunks,
        status=status,
        content_type="application/json",
        headers={"Content-Length": str(length)},
        direct_passthrough=True,
    )


def _dripped(body: bytes, seconds: float) -> Iterator[bytes]:
    for start in range(len(body)):
        yield body[start : start + 1]
        time.sleep(seconds / len(body))


def _padded(body: bytes, megabytes: int, status: int) -> Response:
    def chunks() -> Iterator[bytes]:
        yield body[:-1] + b',"padding":"'
        for _ in range(megabytes):
            yield b"x" * 1_000_000
        yield b'"}'

    return _sized(chunks(), len(body) + len(b',"padding":""') + megabytes * 1_000_000, status)


def _rows(answer: Answer) -> list[Answer]:
    """The objects that clients store one by one."""
    keys = ("added", "modified", "transactions", "accounts", "holdings", "investment_transactions")
    return [row for key in keys for row in answer.get(key, []) if isinstance(row, dict)]


def _unknown_fields(answer: Answer) -> None:
    answer["field_of_tomorrow"] = {"nested": [1, 2, 3]}
    for row in _rows(answer):
        row["field_of_tomorrow"] = "June - 529"


def _unknown_enums(answer: Answer) -> None:
    for row in _rows(answer):
        if "payment_channel" in row:
            row["payment_channel"] = "telepathy"
            row["personal_finance_category"] = {"primary": "TIME_TRAVEL", "detailed": "TIME_TRAVEL_PAST"}
        if "subtype" in row:
            row["subtype"] = "lunar deposit"


def _missing_fields(answer: Answer) -> None:
    for row in _rows(answer):
        for key in ("amount", "balances", "date"):
            row.pop(key, None)
    answer.pop("has_more", None)
    answer.pop("item", None)


def _wrong_types(answer: Answer) -> None:
    for row in _rows(answer):
        for key in ("name", "location", "balances"):
            if key in row:
                row[key] = 42
    for key in ("added", "accounts"):
        if key in answer:
            answer[key] = {"not": "a list"}


def _odd_numbers(answer: Answer) -> None:
    for number, row in enumerate(_rows(answer)):
        if "amount" in row:
            row["amount"] = ODD_AMOUNTS[number % len(ODD_AMOUNTS)]
        if "balances" in row:
            row["balances"]["current"] = ODD_AMOUNTS[number % len(ODD_AMOUNTS)]


def _odd_dates(answer: Answer) -> None:
    for number, row in enumerate(_rows(answer)):
        if "date" in row:
            row["date"] = ODD_DATES[number % len(ODD_DATES)]


def _hostile_names(answer: Answer) -> None:
    for number, row in enumerate(_rows(answer)):
        text = HOSTILE[number % len(HOSTILE)]
        for key in ("name", "merchant_name", "official_name"):
            if key in row:
                row[key] = text
        if "logo_url" in row:
            row["logo_url"] = row["website"] = "javascript:alert(1)"


def _has_more_forever(answer: Answer) -> None:
    answer["has_more"] = True


def _unknown_removed(answer: Answer) -> None:
    ghost = world_id("ghost", answer.get("next_cursor"))
    answer.setdefault("removed", []).append(
        {"transaction_id": ghost, "account_id": world_id("ghost account")}
    )


def _unknown_modified(answer: Answer) -> None:
    rows = answer.get("added") or answer.get("modified") or []
    for row in rows[:1]:
        answer["modified"].append({**row, "transaction_id": world_id("ghost", row["transaction_id"])})


def _repeated(answer: Answer) -> None:
    for key in ("added", "modified", "removed", "transactions"):
        if answer.get(key):
            answer[key] = [*answer[key], *answer[key][:3]]


def _empty_page(answer: Answer) -> None:
    for key in ("added", "modified", "removed"):
        answer[key] = []
    answer["has_more"] = True


_CONTENT: dict[str, Callable[[Answer], None]] = {
    "unknown_fields": _unknown_fields,
    "unknown_enums": _unknown_enums,
    "missing_fields": _missing_fields,
    "wrong_types": _wrong_types,
    "odd_numbers": _odd_numbers,
    "odd_dates": _odd_dates,
    "hostile_names": _hostile_names,
    "has_more_forever": _has_more_forever,
    "unknown_removed": _unknown_removed,
    "unknown_modified": _unknown_modified,
    "repeated": _repeated,
    "empty_page": _empty_page,
}
