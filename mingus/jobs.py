"""Jobs: rows are the truth, the queue only carries nudges. Plain JSON travels, never a pickle."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol

import psycopg
from huey import PostgresHuey
from huey import RedisHuey
from huey import SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer

if TYPE_CHECKING:
    from collections.abc import Callable

    from huey import Huey

log = logging.getLogger(__name__)
PREPARE_TRIES = 100
PREPARE_PAUSE_SECONDS = 0.05

QUEUE_NAME = "mingus"
TASK_NAME = "job"


class JobKind(StrEnum):
    """What a nudge asks for; each names the row by its id."""

    MAIL = "mail"
    TICKET = "ticket"
    LINK = "link"
    CHECK = "check"
    SYNC = "sync"
    ARRIVAL = "arrival"
    REFRESH = "refresh"
    SCHEDULE = "schedule"
    REMOVAL = "removal"
    INBOX = "inbox"  # whatever waits there; names no row
    WEBHOOK = "webhook"
    DIGEST = "digest"
    BACKUP = "backup"
    DEPARTURE = "departure"
    DEPARTED_ITEM = "departed_item"


class Jobs(Protocol):
    """The queue as services see it."""

    def enqueue(self, kind: JobKind, **ids: str) -> None:
        """Nudge a worker. Losing a nudge is harmless: the sweep finds the row."""

    def waiting(self) -> int | None:
        """How many nudges nobody took yet; None: the queue can't be reached."""


class PlainSerializer(Serializer):  # type: ignore[misc]  # huey ships no types
    """Huey's messages as JSON; anything that JSON can't hold is refused when it is sent."""

    def _serialize(self, data: Any) -> bytes:
        fields = data._asdict() if isinstance(data, Message) else {"value": data}
        return json.dumps(fields, separators=(",", ":")).encode()

    def _deserialize(self, data: bytes) -> Any:
        fields = json.loads(data)
        return fields["value"] if set(fields) == {"value"} else Message(**fields)


def open_huey(url: str) -> Huey:
    """The queue behind `url`, its tables not yet made."""
    options = {"results": False, "serializer": PlainSerializer(), "utc": True}
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteHuey(QUEUE_NAME, filename=str(path), create_tables=False, **options)
    if url.startswith("postgresql"):
        dsn = url.replace("postgresql+psycopg://", "postgresql://", 1)
        return PostgresHuey(QUEUE_NAME, dsn=dsn, create_tables=False, **options)
    return RedisHuey(QUEUE_NAME, url=url, **options)


def _queue_failures() -> tuple[type[Exception], ...]:
    failures: tuple[type[Exception], ...] = (sqlite3.Error, psycopg.Error, OSError)
    try:
        from redis.exceptions import RedisError  # an extra: only there when Redis carries the queue
    except ImportError:
        return failures
    return (*failures, RedisError)


class HueyJobs:
    """Nudges through Huey on SQLite, PostgreSQL or Redis, chosen by URL. Opened at first use."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._huey: Huey | None = None
        self._send: Any = None
        self._failures = _queue_failures()
        self._handlers: dict[JobKind, Callable[..., None]] = {}

    @property
    def huey(self) -> Huey:
        with self._lock:
            if self._huey is None:
                huey = open_huey(self._url)
                self._send = huey.task(name=TASK_NAME)(self._run)
                self._huey = huey
            return self._huey

    def prepare(self) -> None:
        """Make the queue's tables; safe to repeat. Part of migrating, so that importing needs no database."""
        storage = self.huey.storage
        if not hasattr(storage, "initialize_schema"):
            return
        for _ in range(PREPARE_TRIES):
            try:
                storage.initialize_schema()
            except sqlite3.OperationalError:  # as in mingus.db: two that make the file at once
                time.sleep(PREPARE_PAUSE_SECONDS)
            else:
                return
        storage.initialize_schema()

    def bind(self, handlers: dict[JobKind, Callable[..., None]]) -> None:
        self._handlers = handlers

    def enqueue(self, kind: JobKind, **ids: str) -> None:
        try:
            _ = self.huey
            self._send(kind.value, ids)
        except self._failures as err:
            log.warning("nudge lost", extra={"job": kind.value, "failure": type(err).__name__})

    def waiting(self) -> int | None:
        try:
            return int(self.huey.pending_count())
        except self._failures:
            return None

    def _run(self, kind: str, ids: dict[str, str]) -> None:
        self._handlers[JobKind(kind)](**ids)


class InlineJobs:
    """The queue of tests: what is enqueued waits in a list until `run_all`."""

    def __init__(self) -> None:
        self.nudges: list[tuple[JobKind, dict[str, str]]] = []
        self._handlers: dict[JobKind, Callable[..., None]] = {}

    def bind(self, handlers: dict[JobKind, Callable[..., None]]) -> None:
        self._handlers = handlers

    def enqueue(self, kind: JobKind, **ids: str) -> None:
        self.nudges.append((kind, ids))

    def waiting(self) -> int:
        return len(self.nudges)

    def run_all(self) -> None:
        """Run what waits, and what that enqueues in turn."""
        while self.nudges:
            kind, ids = self.nudges.pop(0)
            self._handlers[kind](**ids)
