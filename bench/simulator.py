"""How many transactions a second /transactions/sync serves from one process: a large item read to the end."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

from bench import ground

TRANSACTIONS = 100_000
PAGE = 500
READINGS = 3
HEADERS = {
    "Content-Type": "application/json",
    "PLAID-CLIENT-ID": "simulator",
    "PLAID-SECRET": "simulator",
}
GOALS = ()


class Client:
    """One kept-alive connection to the simulator."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def call(self, path: str, body: dict[str, Any]) -> bytes:
        """The raw answer; anything but 200 ends the benchmark."""
        self._connection.request("POST", path, json.dumps(body), HEADERS)
        response = self._connection.getresponse()
        data = response.read()
        if response.status != 200:
            raise SystemExit(data.decode())
        return data


def measure(*, long: bool) -> dict[str, Any]:  # noqa: ARG001 (one size serves both forms)
    """A simulator of its own, a large item read to the end."""
    started = time.perf_counter()
    with ground.simulator() as host:
        start_seconds = round(time.perf_counter() - started, 2)
        return {"start_seconds": start_seconds, **measured(int(host.rsplit(":", 1)[1]))}


def measured(port: int) -> dict[str, float]:
    """The best of several full readings: other programs on the machine can only slow one down."""
    client = Client(port)
    token = linked(client)
    wait_until_complete(client, token)
    return max(
        (reading(client, token) for _ in range(READINGS)), key=lambda row: row["transactions_per_second"]
    )


def reading(client: Client, token: str) -> dict[str, float]:
    """Transactions a second of one reading from first to last page, and how long the first page took."""
    started = time.perf_counter()
    served, first_page, cursor, more = 0, 0.0, "", True
    while more:
        page = client.call("/transactions/sync", {"access_token": token, "cursor": cursor, "count": PAGE})
        first_page = first_page or time.perf_counter() - started
        served += page.count(b'"transaction_id"')
        # Only the end is decoded: decoding whole pages would measure this client.
        end = json.loads(b"{" + page[page.rindex(b'"has_more"') :])
        cursor, more = end["next_cursor"], end["has_more"]
    seconds = time.perf_counter() - started
    return {
        "transactions": served,
        "seconds": round(seconds, 2),
        "transactions_per_second": round(served / seconds),
        "first_page_ms": round(first_page * 1000, 1),
    }


def linked(client: Client) -> str:
    """The access token of a new large item."""
    options = {"override_username": f"user_large_{TRANSACTIONS}", "transactions": {"days_requested": 730}}
    body = {"institution_id": "ins_109508", "initial_products": ["transactions"], "options": options}
    public_token = json.loads(client.call("/sandbox/public_token/create", body))["public_token"]
    answer = json.loads(client.call("/item/public_token/exchange", {"public_token": public_token}))
    return str(answer["access_token"])


def wait_until_complete(client: Client, token: str) -> None:
    """Until all history is there; a minute is far too long."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        page = client.call("/transactions/sync", {"access_token": token, "count": 1})
        if b"HISTORICAL_UPDATE_COMPLETE" in page:
            return
        time.sleep(0.05)
    message = "the simulator did not finish the first import"
    raise SystemExit(message)
