"""An export that is being sent ends with the account: what was asked for before a deletion does not go on after it."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING
from typing import TypeVar

from sqlalchemy import select

from mingus.auth.models import User
from mingus.db import db

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Iterator

    from mingus.auth.models import UserId

log = logging.getLogger(__name__)
Piece = TypeVar("Piece", str, bytes)
BETWEEN = 32 * 1024  # bytes or characters that are sent without a look


class ExportCut(ConnectionResetError):
    """The account is gone. The server drops the connection, so that no half file looks whole."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, self.__doc__)


def while_there(user_id: UserId, pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces, as long as the person is there; raises ExportCut."""
    sent = 0
    for piece in pieces:
        if sent >= BETWEEN:
            if not _is_there(user_id):
                log.info("export cut: the account is gone")
                raise ExportCut
            sent = 0
        sent += len(piece)
        yield piece


def _is_there(user_id: UserId) -> bool:
    """By a connection of its own: the one that reads the rows may see the past."""
    with db.engine.connect() as connection:
        return bool(connection.scalar(select(User.id).where(User.id == user_id, User.disabled_at.is_(None))))
