"""Where the simulator keeps its state: documents by kind and key, in memory or also in one SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING
from typing import Any

import msgspec

from mingus.simulator.config import ConfigRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

Doc = dict[str, Any]

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS docs (kind TEXT, key TEXT, doc BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID"
)


class Store:
    """Documents that nobody can change but through `put`; what one `with store.lock` wrote is all or nothing.

    Reads come from memory. With a file, every outermost unit of the lock ends in one commit, so that a
    killed simulator wakes up with the state of its last finished step.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._docs: dict[str, dict[str, bytes]] = {}
        self._file = _open(path) if path else None
        self.lock = Unit(self)
        if self._file:
            for kind, key, doc in self._file.execute("SELECT kind, key, doc FROM docs ORDER BY kind, key"):
                self._docs.setdefault(kind, {})[key] = doc

    def put(self, kind: str, key: str, doc: Doc) -> None:
        """Keep `doc` under kind and key; a later change of the dict changes nothing here."""
        data = msgspec.json.encode(doc)
        with self.lock:
            self._docs.setdefault(kind, {})[key] = data
            if self._file:
                self._file.execute("INSERT OR REPLACE INTO docs VALUES (?, ?, ?)", (kind, key, data))

    def get(self, kind: str, key: str) -> Doc | None:
        """A copy of the document, or None."""
        data = self._docs.get(kind, {}).get(key)
        return None if data is None else msgspec.json.decode(data)

    def all(self, kind: str) -> Iterator[tuple[str, Doc]]:
        """Key and copy of every document of the kind, as they were when the loop began."""
        with self.lock:
            rows = list(self._docs.get(kind, {}).items())
        for key, data in rows:
            yield key, msgspec.json.decode(data)

    def delete(self, kind: str, key: str) -> None:
        """Forget the document; safe to repeat."""
        with self.lock:
            self._docs.get(kind, {}).pop(key, None)
            if self._file:
                self._file.execute("DELETE FROM docs WHERE kind = ? AND key = ?", (kind, key))

    def clear(self, kind: str | None = None) -> None:
        """Forget every document, or every one of the kind."""
        with self.lock:
            if kind is None:
                self._docs.clear()
            else:
                self._docs.pop(kind, None)
            if self._file and kind is None:
                self._file.execute("DELETE FROM docs")
            elif self._file:
                self._file.execute("DELETE FROM docs WHERE kind = ?", (kind,))

    def commit(self) -> None:
        """Make what was written durable; the outermost unit of the lock calls it."""
        if self._file and self._file.in_transaction:
            self._file.commit()

    def close(self) -> None:
        """Close the file; memory stays readable."""
        with self.lock:
            self.commit()
            if self._file:
                self._file.close()
                self._file = None


class Unit:
    """A re-entrant lock whose outermost release commits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._depth = 0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        try:
            if self._depth == 0:
                self._store.commit()
        finally:
            self._lock.release()


def _open(path: Path) -> sqlite3.Connection:
    try:
        file = sqlite3.connect(path, check_same_thread=False)
        # Autocommit off by hand: WAL survives a killed process at every moment.
        file.execute("PRAGMA journal_mode=WAL")
        file.execute("PRAGMA synchronous=NORMAL")
        file.execute(SCHEMA)
        file.commit()
    except sqlite3.Error as error:
        message = f"cannot use {path} as state file: {error}"
        raise ConfigRefused(message) from error
    return file
