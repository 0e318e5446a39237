"""How long a request may take to arrive. Past that a form gets 408, and half a request its connection's end.

A sender that drips byte by byte holds a thread for as long as it likes: each byte starts gunicorn's own patience anew.
Here a request has a time by which it is whole, head and body.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING
from typing import Any

from gunicorn.http.errors import NoMoreData
from gunicorn.workers.gthread import ThreadWorker
from werkzeug.exceptions import RequestTimeout

from mingus.gunicorn_conf import request_seconds

if TYPE_CHECKING:
    from collections.abc import Callable


class TimedSocket(socket.socket):
    """A connection that stops waiting when its request should have been whole."""

    until: float | None = None
    too_late: Callable[[], BaseException] = NoMoreData

    def recv(self, size: int, flags: int = 0) -> bytes:
        try:
            return super().recv(size, flags | socket.MSG_DONTWAIT)  # what is there costs no look at the clock
        except BlockingIOError:
            return self._wait(size, flags)

    def _wait(self, size: int, flags: int) -> bytes:
        if self.until is None:
            return super().recv(size, flags)
        before = self.gettimeout()
        try:
            self.settimeout(max(self.until - time.monotonic(), 0.001))
            return super().recv(size, flags)
        except TimeoutError as err:
            raise self.too_late() from err
        finally:
            self.settimeout(before)

    @classmethod
    def of(cls, plain: socket.socket) -> TimedSocket:
        """The same connection; the object it came in is empty after."""
        return cls(plain.family, plain.type, plain.proto, fileno=plain.detach())


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's threads, with an end to what they wait for."""

    def handle(self, conn: Any) -> Any:
        if not isinstance(conn.sock, TimedSocket):
            conn.sock = TimedSocket.of(conn.sock)
        conn.sock.until, conn.sock.too_late = time.monotonic() + request_seconds, NoMoreData
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:
        conn.sock.too_late = RequestTimeout  # from here on there is somebody to say it
        try:
            return super().handle_request(req, conn)
        finally:
            conn.sock.until = None  # what is left over is gunicorn's to drain
