"""Sends made requests over kept-alive connections, from one thread and as cheaply as it goes: who measures a server on
the same processors must leave them to it.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE_SECONDS = 60.0
MOST_BYTES = 65536
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of all that was sent."""

    seconds: float
    waits: list[float]  # of each answer, in seconds, sorted
    statuses: dict[int, int]  # by the request's place; what was cut off has none

    @property
    def acknowledged(self) -> int:
        return sum(status == 200 for status in self.statuses.values())

    def wait_ms(self, share: float) -> float:
        """The wait that this share of the answers stays within."""
        return round(self.waits[min(int(len(self.waits) * share), len(self.waits) - 1)] * 1000, 1)


def post(host: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A request as it goes over the wire."""
    fields = {"Host": host, "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def send(
    address: tuple[str, int], requests: Sequence[bytes], *, connections: int, rate: float | None = None
) -> Sent:
    """Send them all, one at a time on each connection; with a rate each at its own moment.

    A wait begins when the request was due, whether or not a connection was free then.
    """
    waits, statuses = list[float](), dict[int, int]()
    poller = selectors.DefaultSelector()
    idle = deque(_connected(address, poller) for _ in range(connections))
    under_way: dict[socket.socket, _Request] = {}
    began, number = time.perf_counter(), 0
    while number < len(requests) or under_way:
        now = time.perf_counter()
        while idle and number < len(requests):
            due = now if rate is None else began + number / rate
            if due > now:
                break
            connection = idle.popleft()
            under_way[connection] = _Request(number, due)
            connection.sendall(requests[number])
            number += 1
        pause = PATIENCE_SECONDS
        if rate is not None and idle and number < len(requests):
            pause = max(began + number / rate - time.perf_counter(), 0.0)
        ready = poller.select(pause)
        if not ready and pause == PATIENCE_SECONDS:
            raise TimeoutError
        for key, _ in ready:
            found: socket.socket = key.fileobj  # type: ignore[assignment]  # nothing else was registered
            read, request = _read(found), under_way.get(found)
            if not read:  # the server ended it: idle for long, or with a request cut off
                under_way.pop(found, None)
                with suppress(ValueError):
                    idle.remove(found)
                poller.unregister(found)
                found.close()
                idle.append(_connected(address, poller))
            elif request is not None and request.is_answered(read):
                waits.append(time.perf_counter() - request.due)
                statuses[request.number] = request.status
                del under_way[found]
                idle.append(found)
    seconds = time.perf_counter() - began
    for connection in idle:
        connection.close()
    return Sent(seconds=seconds, waits=sorted(waits), statuses=statuses)


class _Request:
    """One that is under way, and what came of its answer so far."""

    def __init__(self, number: int, due: float) -> None:
        self.number = number
        self.due = due
        self.status = 0
        self._answer = b""

    def is_answered(self, more: bytes) -> bool:
        """Whether the answer is there whole with these bytes."""
        self._answer += more
        head, _, body = self._answer.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if length is None or len(body) < int(length[1]):
            return False
        self.status = int(head[9:12])
        return True


def _connected(address: tuple[str, int], poller: selectors.BaseSelector) -> socket.socket:
    connection = socket.create_connection(address, timeout=PATIENCE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    poller.register(connection, selectors.EVENT_READ)
    return connection


def _read(connection: socket.socket) -> bytes:
    with suppress(ConnectionError):
        return connection.recv(MOST_BYTES)
    return b""
