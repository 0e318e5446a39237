"""Limits on tries: exact moving windows that hold across processes, in the database or in Redis."""

from __future__ import annotations

import hashlib
import math
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from limits import RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import MovingWindowSupport
from limits.storage import Storage
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import BigInteger
from sqlalchemy import String
from sqlalchemy import Text
from sqlalchemy import delete
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Mapped
from sqlalchemy.orm import mapped_column

from mingus.db import Base
from mingus.db import db
from mingus.errors import TooManyTries
from mingus.errors import Unavailable

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from limits import RateLimitItem
    from sqlalchemy import Connection

KEY_LENGTH = 64
MILLISECONDS = 1000
RETRY_SECONDS = 5


class Throttle(Base):
    """The recent hits of one key: milliseconds, newest first, as text."""

    __tablename__ = "throttles"
    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    hits: Mapped[str] = mapped_column(Text)
    expires_ms: Mapped[int] = mapped_column(BigInteger, index=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `count` hits in any `seconds`."""

    count: int
    seconds: int


class DatabaseStorage(Storage, MovingWindowSupport):
    """Moving windows in the app's own database; each hit is one short transaction of its own."""

    STORAGE_SCHEME = ["database"]  # noqa: RUF012 (the library declares it on the instance)

    def __init__(self, uri: str | None = None, *, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._clock: Callable[[], float] = options.get("clock", time.time)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return (DBAPIError, PoolTimeout)

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count `amount` more hits unless that passes the limit; False when refused."""
        now = self._now_ms()
        with (
            db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection,
            connection.begin(),
        ):
            hits = self._locked_hits(connection, key, since=now - expiry * MILLISECONDS)
            if len(hits) + amount > limit:
                return False
            self._store(connection, key, [now] * amount + hits, expires=now + expiry * MILLISECONDS)
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:  # noqa: ARG002 (the library's signature)
        """When the oldest counted hit happened (in seconds) and how many count."""
        now = self._now_ms()
        with db.engine.connect() as connection:
            text = connection.scalar(select(Throttle.hits).where(Throttle.key == _short(key)))
        hits = _recent(text, since=now - expiry * MILLISECONDS)
        return ((hits[-1] if hits else now) / MILLISECONDS, len(hits))

    def forgive(self, key: str) -> None:
        """Take the newest hit back."""
        with (
            db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection,
            connection.begin(),
        ):
            hits = self._locked_hits(connection, key, since=0)
            self._store(connection, key, hits[1:], expires=None)

    def forget_expired(self) -> None:
        """Delete keys whose hits no longer count."""
        with (
            db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection,
            connection.begin(),
        ):
            connection.execute(delete(Throttle).where(Throttle.expires_ms < self._now_ms()))

    def clear(self, key: str) -> None:
        with (
            db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection,
            connection.begin(),
        ):
            connection.execute(delete(Throttle).where(Throttle.key == _short(key)))

    def check(self) -> bool:
        with db.engine.connect() as connection:
            return connection.scalar(select(1)) == 1

    def reset(self) -> int | None:
        with (
            db.engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection,
            connection.begin(),
        ):
            return connection.execute(delete(Throttle)).rowcount

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Fixed windows are not offered: at their seam they let twice the limit through."""
        raise TypeError(key, expiry, amount)

    def get(self, key: str) -> int:
        raise TypeError(key)

    def get_expiry(self, key: str) -> float:
        raise TypeError(key)

    def _now_ms(self) -> int:
        return int(self._clock() * MILLISECONDS)

    def _locked_hits(self, connection: Connection, key: str, *, since: int) -> list[int]:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        fresh = {"key": _short(key), "hits": "", "expires_ms": 0}
        connection.execute(insert(Throttle).values(fresh).on_conflict_do_nothing())
        # the row lock makes the next process wait; SQLite holds its one write lock already
        text = connection.scalar(select(Throttle.hits).where(Throttle.key == _short(key)).with_for_update())
        return _recent(text, since=since)

    def _store(self, connection: Connection, key: str, hits: list[int], *, expires: int | None) -> None:
        values: dict[str, object] = {"hits": ",".join(map(str, hits))}
        if expires is not None:
            values["expires_ms"] = expires
        connection.execute(Throttle.__table__.update().where(Throttle.key == _short(key)).values(values))  # type: ignore[attr-defined]  # a table


def _short(key: str) -> str:
    """Keys name people and addresses: only their hash is stored."""
    return hashlib.sha256(key.encode()).hexdigest()[:KEY_LENGTH]


def _recent(text: str | None, *, since: int) -> list[int]:
    return [hit for hit in map(int, filter(None, (text or "").split(","))) if hit > since]


class Limiter:
    """Counts tries by name and key against one or several limits."""

    def __init__(self, url: str, *, clock: Callable[[], dt.datetime]) -> None:
        # what a store that is down throws becomes one kind of failure: nobody is let in uncounted
        options: dict[str, Any] = {"wrap_exceptions": True}
        if url.startswith("database:"):
            options = {"clock": lambda: clock().timestamp()}
        self._clock = clock
        self._storage = storage_from_string(url, **options)
        self._limiter = MovingWindowRateLimiter(self._storage)

    def spend(self, name: str, key: str, *limits: Limit) -> None:
        """Count a try against each limit; raises TooManyTries with the seconds to wait."""
        try:
            for limit in limits:
                self._spend(RateLimitItemPerSecond(limit.count, limit.seconds), name, key)
        except StorageError as err:
            raise Unavailable(retry_after_seconds=RETRY_SECONDS) from err

    def _spend(self, item: RateLimitItem, name: str, key: str) -> None:
        if self._limiter.hit(item, name, key):
            return
        oldest = self._limiter.get_window_stats(item, name, key).reset_time
        wait = max(1, math.ceil(oldest - self._clock().timestamp()))
        raise TooManyTries(retry_after_seconds=min(wait, item.get_expiry()))

    def forgive(self, name: str, key: str, *limits: Limit) -> None:
        """Take one counted try back: it turned out to be rightful."""
        for limit in limits:
            full_key = RateLimitItemPerSecond(limit.count, limit.seconds).key_for(name, key)
            if isinstance(self._storage, DatabaseStorage):
                self._storage.forgive(full_key)
            else:
                storage: Any = self._storage  # Redis: the library keeps a list, newest first
                with suppress(storage.base_exceptions):  # then it stays counted
                    storage.get_connection().lpop(storage.prefixed_key(full_key))

    def sweep(self) -> None:
        if isinstance(self._storage, DatabaseStorage):
            self._storage.forget_expired()

    def is_reachable(self) -> bool:
        try:
            return bool(self._storage.check())
        except StorageError:
            return False
