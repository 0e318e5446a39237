"""A receiver of webhooks for tests: remembers what came and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One webhook as it came."""

    body: bytes
    verification: str | None
    content_type: str | None

    @property
    def json(self) -> dict[str, Any]:
        """The body, read."""
        doc: dict[str, Any] = json.loads(self.body)
        return doc

    @property
    def code(self) -> str:
        """The webhook code."""
        return str(self.json["webhook_code"])


class Receiver:
    """Serves on a free loopback port until `stop`; `status` is what it answers from now on."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            """Keeps the body and answers."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(
                    Received(
                        body=body,
                        verification=self.headers.get("Plaid-Verification"),
                        content_type=self.headers.get("Content-Type"),
                    )
                )
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhook"

    def codes(self) -> list[str]:
        """The codes that came, in order."""
        return [received.code for received in self.received]

    def wait_for(self, code: str, count: int = 1) -> Received:
        """The `count`-th webhook of that code, waited for."""
        until(lambda: self.codes().count(code) >= count, f"{count} x {code}, came: {self.codes()}")
        return [received for received in self.received if received.code == code][count - 1]

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def until(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    """Wait for a condition; fail with `what` when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)
