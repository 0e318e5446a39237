"""Pages wait here until the last one has come: in memory while they are few, in a nameless file beyond."""

from __future__ import annotations

import datetime as dt
import struct
import tempfile
from typing import TYPE_CHECKING

from mingus.plaid import wire
from mingus.plaid.synced import SyncPage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

IN_MEMORY_BYTES = 8 * 1024 * 1024
TELL_EVERY = dt.timedelta(seconds=5)  # far below a lease, even with a slow page behind it
LENGTH = struct.Struct(">I")


class PageSpool:
    """The bodies of one update's pages, in their order."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 (closed by __exit__)
        self.pages = 0
        self.rows = 0
        self.update_status: str | None = None  # how far Plaid's own history is, by its last page
        self.told_at: dt.datetime | None = None  # when the progress was last noted

    def __enter__(self) -> PageSpool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def keep(self, page: SyncPage, body: bytes) -> None:
        self._file.write(LENGTH.pack(len(body)))
        self._file.write(body)
        self.pages += 1
        self.update_status = page.transactions_update_status
        self.rows += page.size

    def is_untold(self, now: dt.datetime) -> bool:
        """True when the progress was not noted for a while."""
        return self.told_at is None or now - self.told_at >= TELL_EVERY

    def clear(self) -> None:
        """Forget every page: the update begins anew."""
        self._file.seek(0)
        self._file.truncate()
        self.pages = self.rows = 0

    def read(self) -> Iterator[SyncPage]:
        """The pages again, one in memory at a time."""
        self._file.seek(0)
        while head := self._file.read(LENGTH.size):
            yield wire.decode(self._file.read(LENGTH.unpack(head)[0]), SyncPage)
